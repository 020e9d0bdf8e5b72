"""The engine: asks the model, calls the tools it wants, asks again, until there is an answer or a limit.

A turn is one reply obtained. The model is asked `max_turns` times at most. The last time it is told to
answer now, with its tools shown but not callable; such an answer is partial and the run ends failed with
turn_limit_exceeded, also where `max_turns` is 1 and nothing was tried before. An agent without tools has
nothing taken from it: it is told nothing, and what it answers is simply its answer.

Nothing escapes but the cancellation itself and LeaseLost: everything else becomes a Finished event.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from agents import runtimes
from agents.approvals.gate import ApprovalGate
from agents.engine.assignment import Assignment, model_of
from agents.engine.attempt import AttemptState
from agents.engine.final_turn import FINAL_TURNS, FinalTurn, final_turn_before
from agents.engine.limits import Meter, SpendAllowance
from agents.engine.messages import PromptMessages
from agents.engine.model_turn import Account, ModelCaller
from agents.engine.reply_handling import act_on, answered, make_calls
from agents.engine.toolbox import Toolbox
from agents.errors import LeaseLost, TurnLimitExceeded
from agents.mcp.connections import Connections
from agents.mcp.tool_adapter import Offer, mcp_names, offer
from agents.protocol.events import Event, Finished
from agents.protocol.media import blocks_with_text
from agents.protocol.reply import Reply
from agents.runtimes import breaker
from agents.runtimes.base import Request
from agents.runtimes.errors import Failure, classify
from agents.spending import budgets
from agents.states import FailureKind
from agents.tools.base import ToolContext
from agents.transcripts.history import History, load_history
from agents.transcripts.recorder import Emit, record
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async
from stagent.lib.text import storable

__all__ = ["Assignment", "run"]

log = logging.getLogger("agents.engine.runner")


def run(assignment: Assignment) -> AsyncGenerator[Event]:
    """Work on an assignment and yield what happens, each event once it is written; the last one is Finished.

    Cancel the task to stop it; wrap the loop in `contextlib.aclosing`, so that leaving it early does too.
    """
    return record(partial(_work, assignment), assignment.transcript_id, assignment.token)


def with_allowance(assignment: Assignment) -> Assignment:
    """Read what its first request may cost together with the rest, so that the engine need not ask for it."""
    return replace(assignment, allowance=_allowance(assignment))


def _allowance(job: Assignment) -> SpendAllowance:
    provider, model = model_of(job.profile)
    return SpendAllowance(budgets.remaining_usd(job.spender, clock.now()), budgets.price(model, provider))


async def _work(assignment: Assignment, tell: Emit) -> None:
    """Work to the end, leave the MCP servers that were needed, and tell how it ended."""
    connections = Connections()
    try:
        engine = await _take_up(assignment, tell, connections)
        finished = await engine.work()
    except (LeaseLost, asyncio.CancelledError):
        await connections.close(immediately=True)
        raise
    except Exception as error:  # before there was anything to work with
        log.warning("Transcript %s could not be worked on.", assignment.transcript_id, exc_info=error)
        failure = classify(error)
        finished = Finished(
            "failed", failure.reason, failure.detail, retryable=failure.retryable, failure=failure.kind
        )
    await connections.close()
    await tell(finished)


async def _take_up(job: Assignment, tell: Emit, connections: Connections) -> "Engine":
    """Begin, or go on where the last attempt left off."""
    runtime = runtimes.get(job.profile.runtime)
    author = model_of(job.profile)
    past = History() if job.fresh else await db_sync_to_async(load_history, job.transcript_id, author)
    account = Account(job.spender, job.transcript_id, job.token)
    turns = ModelCaller(runtime, account, tell, job.worktime, spoke=bool(past.text) if job.once else None)
    approval_gate = (
        ApprovalGate(job.transcript_id, job.token, job.spender, job.scope) if job.may_ask else None
    )
    offered = await db_sync_to_async(offer, job.profile) if mcp_names(job.profile) else Offer()
    toolbox = Toolbox(
        job.profile, _tool_context(job), approval_gate, offered.bind(connections), worktime=job.worktime
    )
    toolbox.recall(past.calls)
    system = "\n\n".join(filter(None, (job.profile.instructions, job.extra_system, offered.notice)))
    prompt = {"role": "user", "content": blocks_with_text(job.enclosed, storable(job.prompt))}
    said = past.messages[:-1] if past.unfinished else past.messages  # the last are results, made up so far
    conversation = PromptMessages(system, toolbox.params, [prompt, *said], earlier=job.context)
    spent = max(past.cost_usd, job.cost_used)
    meter = Meter(job.limits, max(past.turns, job.turns_used), spent, past.tokens)
    course = AttemptState(
        tell, meter, toolbox, conversation, text=past.text, before_pause=past.before_pause, once=job.once
    )
    return Engine(job, system, past, turns, course, job.allowance)


def _tool_context(job: Assignment) -> ToolContext:
    return ToolContext(
        workspace=job.workspace,
        run_id=job.spender.run_id,
        schedule_id=job.spender.schedule_id,
        project_id=job.spender.project_id,
        user_id=job.spender.user_id,
        message_id=job.spender.message_id,
    )


@dataclass
class Engine:
    """One attempt at an assignment."""

    job: Assignment
    system: str
    past: History
    turns: ModelCaller
    course: AttemptState
    allowance: SpendAllowance | None  # for the next request, where it has been read already

    async def work(self) -> Finished:
        """Take turns until one of them ends it."""
        try:
            if self.past.turns and not self.past.reached.asked:
                await self.course.notice("resumed", f"Taken up again after {self.past.turns} agent steps.")
            finished = self._undelivered() or await self._finish_calls()
            self._say_the_time()
            while finished is None:
                finished = await self._take_turn()
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes how the run ended
            finished = await self._fail(error)
        return finished

    def _undelivered(self) -> Finished | None:
        """Deliver the answer that was given, and paid for, just before the last attempt broke off."""
        return answered(self.course, FINAL_TURNS.get(self.past.final_turn)) if self.past.is_answered else None

    async def _finish_calls(self) -> Finished | None:
        """Go on with the calls that the last attempt left: those that a person has allowed, for one."""
        left = self.past.unfinished
        return await make_calls(self.course, left, self.past.reached) if left else None

    def _say_the_time(self) -> None:
        if self.job.clock and self.course.conversation.is_users_turn:
            self.course.conversation.note(self.job.clock, tag="stagent-clock")

    async def _take_turn(self) -> Finished | None:
        """Ask once and act on the reply; None when there is more to do."""
        meter = self.course.meter
        if not meter.turns_left:
            raise TurnLimitExceeded(f"The limit of {meter.limits.max_turns} agent steps is reached.")
        final_turn = final_turn_before(meter) if self.course.toolbox else None
        try:
            reply = await self._ask(final_turn)
        except Exception as error:
            if await self._made_room_after(error):
                return None
            raise
        return await act_on(self.course, reply, final_turn)

    async def _ask(self, final_turn: FinalTurn | None) -> Reply:
        course = self.course
        await course.keep_room()
        if final_turn and course.first_time(final_turn.code):
            await course.advise(final_turn.code, final_turn.says)
        request = Request(
            model=model_of(self.job.profile)[1],
            system=self.system,
            messages=course.conversation.messages,
            tools=course.toolbox.params,
            max_tokens=await self._allowed_tokens(),
            effort=self.job.profile.effort,
            may_call=final_turn is None,
        )
        reply, cost = await self.turns.call(course.meter.turns + 1, request, course.conversation.tokens)
        course.meter.count(reply.usage, cost or Decimal(0))
        return reply

    async def _allowed_tokens(self) -> int:
        """Check limits and budgets and return how long the reply may be."""
        course = self.course
        wanted = self.job.profile.max_output_tokens * course.stretch
        allowance, self.allowance = self.allowance, None  # the next request is looked at anew
        if allowance is None:
            allowance = await db_sync_to_async(_allowance, self.job)
        allowed = course.meter.allow(wanted, course.conversation.tokens, allowance)
        course.short_of_money = allowed < wanted
        return allowed

    async def _made_room_after(self, error: Exception) -> bool:
        """Clear old tool results away if the provider found the conversation too long."""
        if classify(error).kind is not FailureKind.CONTEXT_TOO_LONG:
            return False
        course = self.course
        return course.first_time("overflow") and await course.make_room(course.conversation.tokens // 2)

    async def _fail(self, error: Exception) -> Finished:
        """End for the reason that the error shows; everybody is told if the provider is to blame."""
        failure, said = classify(error), self.turns.said
        unforeseen = error if failure.kind is FailureKind.UNEXPECTED else None
        log.warning("Transcript %s: %s", self.job.transcript_id, failure.detail, exc_info=unforeseen)
        await db_sync_to_async(self._tell_breaker, failure)
        finished = self.course.finish(failure.kind, failure.detail, said or None)
        return replace(
            finished,
            retryable=failure.retryable,
            retry_after_sec=failure.retry_after_sec,
        )

    def _tell_breaker(self, failure: Failure) -> None:
        breaker.record_result(self.turns.provider, failure, clock.now())
