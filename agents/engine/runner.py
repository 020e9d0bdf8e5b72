"""The engine: calls the model, runs the tools it asks for, and repeats, until an answer or a limit.

A turn is one reply of the model. At most `max_turns` are taken. In the last one the model is told to answer
now, and its tools are shown but cannot be called; the answer is partial and the run fails with
turn_limit_exceeded, even if `max_turns` is 1. An agent without tools gets no such notice, and its answer is
complete.

Only CancelledError and LeaseLost are raised; every other error becomes a Finished event.
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
from agents.engine.reply_handling import finish_answered, handle_reply, run_tool_calls
from agents.engine.toolbox import Toolbox
from agents.errors import LeaseLost, TurnLimitExceeded
from agents.mcp.connections import Connections
from agents.mcp.tool_adapter import Offer, mcp_names, offer
from agents.protocol.events import Event, Finished
from agents.protocol.media import build_user_content
from agents.protocol.reply import Reply
from agents.runtimes import breaker
from agents.runtimes.base import Request
from agents.runtimes.failure_classifier import Failure, classify
from agents.spending import budgets
from agents.states import FailureKind
from agents.tools.base import ToolContext
from agents.transcripts.history import History, load_history
from agents.transcripts.recorder import Emit, record
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async
from stagent.lib.text import to_storable

__all__ = ["Assignment", "run"]

log = logging.getLogger(__name__)


def run(assignment: Assignment) -> AsyncGenerator[Event]:
    """Work on an assignment and yield each event once it is written; the last one is Finished.

    Cancel the task to stop it. Iterate inside `contextlib.aclosing`, so that leaving the loop stops it too.
    """
    return record(partial(_run_engine, assignment), assignment.transcript_id, assignment.token)


def with_allowance(assignment: Assignment) -> Assignment:
    """Read the spend allowance of the first request now, so that the engine need not."""
    return replace(assignment, allowance=_load_allowance(assignment))


def _load_allowance(job: Assignment) -> SpendAllowance:
    provider, model = model_of(job.profile)
    return SpendAllowance(budgets.remaining_usd(job.spender, clock.now()), budgets.price(model, provider))


async def _run_engine(assignment: Assignment, emit: Emit) -> None:
    """Run the engine, close its MCP connections, and emit Finished."""
    connections = Connections()
    try:
        engine = await _start_engine(assignment, emit, connections)
        finished = await engine.work()
    except (LeaseLost, asyncio.CancelledError):
        await connections.close(immediately=True)
        raise
    except Exception as error:  # the engine could not be started
        log.warning("Transcript %s: the engine could not start.", assignment.transcript_id, exc_info=error)
        failure = classify(error)
        finished = Finished(
            "failed", failure.reason, failure.detail, retryable=failure.retryable, failure=failure.kind
        )
    await connections.close()
    await emit(finished)


async def _start_engine(job: Assignment, emit: Emit, connections: Connections) -> "Engine":
    """Build the engine, with the history of earlier attempts."""
    runtime = runtimes.get(job.profile.runtime)
    model_ref = model_of(job.profile)
    history = (
        History()
        if job.is_first_attempt
        else await db_sync_to_async(load_history, job.transcript_id, model_ref)
    )
    account = Account(job.spender, job.transcript_id, job.token)
    model_caller = ModelCaller(
        runtime, account, emit, job.work_time, has_text=bool(history.text) if job.interactive else None
    )
    approval_gate = (
        ApprovalGate(job.transcript_id, job.token, job.spender, job.scope)
        if job.can_request_approval
        else None
    )
    offered = await db_sync_to_async(offer, job.profile) if mcp_names(job.profile) else Offer()
    toolbox = Toolbox(
        job.profile, _tool_context(job), approval_gate, offered.bind(connections), work_time=job.work_time
    )
    toolbox.restore(history.calls)
    system = "\n\n".join(filter(None, (job.profile.instructions, job.extra_system, offered.notice)))
    prompt = {"role": "user", "content": build_user_content(job.attachments, to_storable(job.prompt))}
    # Without the results of unfinished calls, which are placeholders.
    messages = history.messages[:-1] if history.unfinished else history.messages
    conversation = PromptMessages(system, toolbox.params, [prompt, *messages], earlier=job.earlier_messages)
    spent = max(history.cost_usd, job.cost_used)
    meter = Meter(job.limits, max(history.turns, job.turns_used), spent, history.tokens)
    attempt = AttemptState(
        emit,
        meter,
        toolbox,
        conversation,
        text=history.text,
        before_pause=history.before_pause,
        interactive=job.interactive,
    )
    return Engine(job, system, history, model_caller, attempt, job.allowance)


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
    history: History
    model_caller: ModelCaller
    attempt: AttemptState
    allowance: SpendAllowance | None  # of the next request, if it is already read

    async def work(self) -> Finished:
        """Take turns until one of them ends the run."""
        try:
            if self.history.turns and not self.history.progress.requested:
                await self.attempt.notice("resumed", f"Resumed after {self.history.turns} agent steps.")
            finished = self._undelivered_answer() or await self._finish_calls()
            self._add_clock()
            while finished is None:
                finished = await self._take_turn()
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - every error becomes a Finished event
            finished = await self._fail(error)
        return finished

    def _undelivered_answer(self) -> Finished | None:
        """Return the answer that the last attempt received and did not deliver."""
        return (
            finish_answered(self.attempt, FINAL_TURNS.get(self.history.final_turn))
            if self.history.is_answered
            else None
        )

    async def _finish_calls(self) -> Finished | None:
        """Run the tool calls that the last attempt left, such as approved ones."""
        unfinished = self.history.unfinished
        return await run_tool_calls(self.attempt, unfinished, self.history.progress) if unfinished else None

    def _add_clock(self) -> None:
        if self.job.clock and self.attempt.conversation.is_users_turn:
            self.attempt.conversation.add_note(self.job.clock, tag="stagent-clock")

    async def _take_turn(self) -> Finished | None:
        """Call the model once and handle its reply; None if there is more to do."""
        meter = self.attempt.meter
        if not meter.turns_left:
            raise TurnLimitExceeded(f"The limit of {meter.limits.max_turns} agent steps is reached.")
        final_turn = final_turn_before(meter) if self.attempt.toolbox else None
        try:
            reply = await self._call_model(final_turn)
        except Exception as error:
            if await self._clear_context_after(error):
                return None
            raise
        return await handle_reply(self.attempt, reply, final_turn)

    async def _call_model(self, final_turn: FinalTurn | None) -> Reply:
        attempt = self.attempt
        await attempt.clear_if_full()
        if final_turn and attempt.use_chance(final_turn.code):
            await attempt.advise(final_turn.code, final_turn.message)
        request = Request(
            model=model_of(self.job.profile)[1],
            system=self.system,
            messages=attempt.conversation.messages,
            tools=attempt.toolbox.params,
            max_tokens=await self._allowed_tokens(),
            effort=self.job.profile.effort,
            can_call_tools=final_turn is None,
        )
        reply, cost = await self.model_caller.call(
            attempt.meter.turns + 1, request, attempt.conversation.tokens
        )
        attempt.meter.add_reply(reply.usage, cost or Decimal(0))
        return reply

    async def _allowed_tokens(self) -> int:
        """Check limits and budgets; return the most tokens of the reply."""
        attempt = self.attempt
        requested = self.job.profile.max_output_tokens * attempt.length_factor
        allowance, self.allowance = self.allowance, None  # the next request reads it again
        if allowance is None:
            allowance = await db_sync_to_async(_load_allowance, self.job)
        allowed = attempt.meter.allow(requested, attempt.conversation.tokens, allowance)
        attempt.limited_by_cost = allowed < requested
        return allowed

    async def _clear_context_after(self, error: Exception) -> bool:
        """Clear the context if the provider found the conversation too long; return whether it did."""
        if classify(error).kind is not FailureKind.CONTEXT_TOO_LONG:
            return False
        attempt = self.attempt
        return attempt.use_chance("overflow") and await attempt.clear_context(
            attempt.conversation.tokens // 2
        )

    async def _fail(self, error: Exception) -> Finished:
        """Return Finished for an error, and record it at the provider's breaker."""
        failure, text = classify(error), self.model_caller.shown_text
        unexpected = error if failure.kind is FailureKind.UNEXPECTED else None
        log.warning("Transcript %s: %s", self.job.transcript_id, failure.detail, exc_info=unexpected)
        await db_sync_to_async(self._record_result, failure)
        finished = self.attempt.finish(failure.kind, failure.detail, text or None)
        return replace(
            finished,
            retryable=failure.retryable,
            retry_after_sec=failure.retry_after_sec,
        )

    def _record_result(self, failure: Failure) -> None:
        breaker.record_result(self.model_caller.provider, failure, clock.now())
