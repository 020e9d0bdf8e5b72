"""One turn: the question, the reply as it comes, and the bill, which is written whatever happens."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import transaction

from agents.engine.work_time import WorkTime
from agents.errors import CutStream
from agents.protocol.events import ReplyStarted, TextDelta, ThinkingDelta, TurnFinished, TurnStarted
from agents.protocol.reply import Reply, calls_in, with_ids_of_their_own
from agents.protocol.usage import Usage
from agents.runtimes import breaker
from agents.runtimes.base import Delta, ModelCall, Request, Runtime
from agents.spending import budgets
from agents.spending.budgets import Spender
from agents.transcripts import transcript
from agents.transcripts.recorder import Emit
from stagent.lib import clock
from stagent.lib.db.async_db import shielded


@dataclass(frozen=True)
class Account:
    """Who pays, and the log that its writer may lose to whoever ends the run."""

    spender: Spender
    transcript_id: int
    token: UUID


class ModelCaller:
    """Asks a runtime on somebody's account."""

    def __init__(
        self,
        runtime: Runtime,
        account: Account,
        tell: Emit,
        worktime: WorkTime,
        *,
        spoke: bool | None = None,
    ) -> None:
        self.provider = runtime.provider_name()
        self.said = ""  # in the turn under way, shown already
        self._spoke = (
            spoke  # in an earlier turn, so that what is said now is a new paragraph; None: never mind
        )
        self._runtime, self._account, self._tell, self._worktime = runtime, account, tell, worktime
        self._answered = False

    async def call(self, number: int, request: Request, reading: int) -> tuple[Reply, Decimal | None]:
        """Ask, show what comes, pay; return reply and cost. `reading` guesses the request's tokens."""
        await self._tell(TurnStarted(number))
        bill = uuid4()
        reply = await self._ask(number, request, reading, bill)
        reply = replace(reply, content=with_ids_of_their_own(reply.content, _ids_in(request)))
        if self._spoke is not None:
            self._spoke = self._spoke or bool(self.said)
        self.said = ""
        # Paid before it is told and before any tool runs: a crash in between costs no bookkeeping.
        cost = await self._pay(reply, bill)
        await self._tell(
            TurnFinished(
                turn=number,
                content=reply.content,
                stop_reason=reply.stop_reason or "",
                usage=reply.usage,
                cost_usd=cost,
                model=reply.model,
                estimated=reply.estimated,
                provider=self.provider,
            )
        )
        return reply, cost

    async def _ask(self, number: int, request: Request, reading: int, bill: UUID) -> Reply:
        asking: ModelCall | None = None
        self.said = ""
        try:
            with self._worktime.model_call():
                async with self._runtime.ask(request) as asking:
                    begun = False
                    async for delta in asking:
                        self._worktime.record_event()
                        begun = begun or await self._begin(number, asking, bill)
                        await self._show(number, delta)
                return _whole(asking.so_far())
        except BaseException as error:
            part = _part(asking, error, Reply([], None, Usage(input=reading), request.model))
            if part is not None:
                await self._pay(replace(part, estimated=True), bill)
            raise

    async def _begin(self, number: int, asking: ModelCall, bill: UUID) -> bool:
        """Write down what whoever finds this process dead needs to pay for the reply."""
        if reply := asking.so_far():
            await self._tell(ReplyStarted(number, bill.hex, reply.usage, reply.model, self.provider))
        return reply is not None

    async def _show(self, number: int, delta: Delta) -> None:
        if not delta.text:
            return
        if delta.thinking:
            await self._tell(ThinkingDelta(number, delta.text))
        else:
            new_paragraph = "\n\n" if self._spoke and not self.said else ""
            self.said += delta.text
            await self._tell(TextDelta(number, new_paragraph + delta.text))
        await (
            self._tell.drain()
        )  # meanwhile the next words gather in the socket's buffer, and are read at once

    async def _pay(self, reply: Reply, bill: UUID) -> Decimal | None:
        return await shielded(self._settle, reply, bill)

    def _settle(self, reply: Reply, bill: UUID) -> Decimal | None:
        cost = self._charge(reply, bill)
        if reply.stop_reason and not self._answered:
            self._answered = True
            breaker.succeeded(self.provider)
        return cost

    @transaction.atomic
    def _charge(self, reply: Reply, bill: UUID) -> Decimal | None:
        # The log is locked: whoever ends the run takes it away first, and adds up afterwards.
        spender = self._account.spender
        mine = transcript.lock(self._account.transcript_id, self._account.token)
        return budgets.charge(
            spender if mine else spender.too_late(),
            reply.usage,
            model=reply.model,
            now=clock.now(),
            provider=self.provider,
            estimated=reply.estimated,
            bill=bill,
        )


def _whole(reply: Reply | None) -> Reply:
    if reply is None or reply.stop_reason is None:
        # A server that goes away in good order raises nothing: only the stop reason is missing.
        raise CutStream("Its stream ended before the reply was complete.")
    return reply


def _ids_in(request: Request) -> set[str]:
    """Return the ids of all calls that the model was told of."""
    said = (message["content"] for message in request.messages if message["role"] == "assistant")
    return {call["id"] for content in said if not isinstance(content, str) for call in calls_in(content)}


def _part(asking: ModelCall | None, error: BaseException, unanswered: Reply) -> Reply | None:
    """Return what has to be paid for a reply that did not come whole."""
    if asking is not None and (part := asking.so_far()):
        return part
    # Hanging up on a model that is still reading: it has read, as far as anybody can tell.
    return unanswered if isinstance(error, asyncio.CancelledError) else None
