"""One model call: sends the request, emits the reply as it arrives, and charges it, even if it fails."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import transaction

from agents.engine.work_time import WorkTime
from agents.errors import CutStream
from agents.protocol.events import ReplyStarted, TextDelta, ThinkingDelta, TurnFinished, TurnStarted
from agents.protocol.reply import Reply, tool_calls, with_unique_ids
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
    """The payer of a call, and the transcript and token that must be current to charge it."""

    spender: Spender
    transcript_id: int
    token: UUID


class ModelCaller:
    """Calls a runtime and charges the replies to an account."""

    def __init__(
        self,
        runtime: Runtime,
        account: Account,
        emit: Emit,
        work_time: WorkTime,
        *,
        has_text: bool | None = None,
    ) -> None:
        self.provider = runtime.provider_name()
        self.shown_text = ""  # of the current turn
        self._has_text = has_text  # of an earlier turn: new text starts a new paragraph; None: it never does
        self._runtime, self._account, self._emit, self._work_time = runtime, account, emit, work_time
        self._has_succeeded = False

    async def call(self, number: int, request: Request, input_tokens: int) -> tuple[Reply, Decimal | None]:
        """Call the model, emit its reply and charge it; return reply and cost.

        `input_tokens` is the estimated size of the request.
        """
        await self._emit(TurnStarted(number))
        charge_key = uuid4()
        reply = await self._call_model(number, request, input_tokens, charge_key)
        reply = replace(reply, content=with_unique_ids(reply.content, _ids_in(request)))
        if self._has_text is not None:
            self._has_text = self._has_text or bool(self.shown_text)
        self.shown_text = ""
        # Charge before emitting the turn and before any tool runs: a crash in between loses no cost.
        cost = await self._charge(reply, charge_key)
        await self._emit(
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

    async def _call_model(self, number: int, request: Request, input_tokens: int, charge_key: UUID) -> Reply:
        model_call: ModelCall | None = None
        self.shown_text = ""
        try:
            with self._work_time.model_call():
                async with self._runtime.ask(request) as model_call:
                    started = False
                    async for delta in model_call:
                        self._work_time.record_event()
                        started = started or await self._emit_started(number, model_call, charge_key)
                        await self._emit_delta(number, delta)
                return _complete(model_call.so_far())
        except BaseException as error:
            billable = _billable_part(
                model_call, error, Reply([], None, Usage(input=input_tokens), request.model)
            )
            if billable is not None:
                await self._charge(replace(billable, estimated=True), charge_key)
            raise

    async def _emit_started(self, number: int, model_call: ModelCall, charge_key: UUID) -> bool:
        """Emit what another process needs to charge the reply if this process dies."""
        if reply := model_call.so_far():
            await self._emit(ReplyStarted(number, charge_key.hex, reply.usage, reply.model, self.provider))
        return reply is not None

    async def _emit_delta(self, number: int, delta: Delta) -> None:
        if not delta.text:
            return
        if delta.thinking:
            await self._emit(ThinkingDelta(number, delta.text))
        else:
            new_paragraph = "\n\n" if self._has_text and not self.shown_text else ""
            self.shown_text += delta.text
            await self._emit(TextDelta(number, new_paragraph + delta.text))
        await self._emit.drain()  # meanwhile the socket buffers the next deltas, which are then read at once

    async def _charge(self, reply: Reply, charge_key: UUID) -> Decimal | None:
        return await shielded(self._charge_reply, reply, charge_key)

    def _charge_reply(self, reply: Reply, charge_key: UUID) -> Decimal | None:
        cost = self._insert_charge(reply, charge_key)
        if reply.stop_reason and not self._has_succeeded:
            self._has_succeeded = True
            breaker.succeeded(self.provider)
        return cost

    @transaction.atomic
    def _insert_charge(self, reply: Reply, charge_key: UUID) -> Decimal | None:
        # Locks the transcript: ending the run replaces the token first, and totals the charges afterwards.
        spender = self._account.spender
        is_writer = transcript.lock(self._account.transcript_id, self._account.token)
        return budgets.charge(
            spender if is_writer else spender.after_takeover(),
            reply.usage,
            model=reply.model,
            now=clock.now(),
            provider=self.provider,
            estimated=reply.estimated,
            charge_key=charge_key,
        )


def _complete(reply: Reply | None) -> Reply:
    if reply is None or reply.stop_reason is None:
        # A server that closes the connection properly raises nothing: only the stop reason is missing.
        raise CutStream("Its stream ended before the reply was complete.")
    return reply


def _ids_in(request: Request) -> set[str]:
    """Return the ids of all tool calls in a request."""
    contents = (message["content"] for message in request.messages if message["role"] == "assistant")
    return {
        call["id"] for content in contents if not isinstance(content, str) for call in tool_calls(content)
    }


def _billable_part(model_call: ModelCall | None, error: BaseException, unanswered: Reply) -> Reply | None:
    """Return the part of an incomplete reply to charge; None for nothing."""
    if model_call is not None and (billable := model_call.so_far()):
        return billable
    # Cancelled while the model was reading the request: assume that it has read all of it.
    return unanswered if isinstance(error, asyncio.CancelledError) else None
