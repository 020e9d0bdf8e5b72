"""Handles a reply: runs its tools, requests another, or ends the attempt."""

from agents.engine.attempt import AttemptState
from agents.engine.final_turn import FinalTurn
from agents.engine.repeat_detector import STOP_AT, WARN_AT
from agents.engine.tool_batch import ToolBatch
from agents.errors import RunLimitExceeded
from agents.protocol.events import Finished
from agents.protocol.reply import Block, Reply, is_empty
from agents.runtimes.failure_classifier import describe
from agents.states import FailureKind
from agents.transcripts.history import ToolProgress

MAX_PAUSES = 5  # in a row


async def handle_reply(attempt: AttemptState, reply: Reply, final_turn: FinalTurn | None) -> Finished | None:
    """Handle a reply by its stop reason; None if the model is to be called again."""
    if reply.stop_reason != "refusal":
        attempt.text = attempt.before_pause + reply.text or attempt.text
    match reply.stop_reason:
        case "refusal":
            return finish_refused(attempt, reply)
        case "pause_turn":
            return continue_paused(attempt, reply)
        case "max_tokens":
            return await handle_truncated(attempt, final_turn)
        case "model_context_window_exceeded":
            return await handle_overflow(attempt, reply)
    return await handle_complete_reply(attempt, reply, final_turn)


async def handle_complete_reply(
    attempt: AttemptState, reply: Reply, final_turn: FinalTurn | None
) -> Finished | None:
    """Handle a complete reply; unknown stop reasons count as complete."""
    if reply.calls and not final_turn:  # some servers call tools although the request forbids it
        return await run_tools(attempt, reply)
    if is_empty(reply.content):
        return await handle_empty(attempt)
    return finish_answered(attempt, final_turn)


def finish_answered(attempt: AttemptState, final_turn: FinalTurn | None) -> Finished:
    """End with the answer; a partial one if a limit forced the final turn."""
    return attempt.finish(final_turn.kind, final_turn.detail) if final_turn else attempt.finish()


async def run_tools(attempt: AttemptState, reply: Reply) -> Finished | None:
    """Make the calls of a reply and add their results; stop an agent that repeats itself."""
    attempt.conversation.add_reply(reply.content, reply.usage)
    return await run_tool_calls(attempt, reply.calls)


async def run_tool_calls(
    attempt: AttemptState, requested: list[Block], progress: ToolProgress | None = None
) -> Finished | None:
    """Make the calls of a reply, or those that an earlier attempt left; park if approval is pending."""
    resumed = progress is not None
    batch = ToolBatch(attempt.toolbox, attempt.meter.turns, attempt.emit, progress or ToolProgress(), resumed)
    outcome = await batch.run(requested)
    if outcome.is_waiting:
        return attempt.park()
    attempt.conversation.add_results(outcome.results)
    attempt.progressed()
    times = f"{outcome.repeated} {outcome.repeats} times in a row with the same result"
    if outcome.repeats >= STOP_AT:
        return attempt.finish(
            FailureKind.REPEAT_LOOP, describe(FailureKind.REPEAT_LOOP, f"It called {times} (repeat_loop)")
        )
    if outcome.repeats >= WARN_AT:
        await attempt.advise("repeat_warning", f"You have called {times}. Try something else, or answer.")
    return None


def continue_paused(attempt: AttemptState, reply: Reply) -> Finished | None:
    """Let the model continue from what it has written, without adding a message."""
    attempt.pauses += 1
    if attempt.pauses > MAX_PAUSES:
        return attempt.finish(
            FailureKind.ENDLESS_PAUSES, f"The model paused {attempt.pauses} times in a row."
        )
    attempt.conversation.add_reply(reply.content, reply.usage)
    attempt.before_pause += reply.text
    return None


async def handle_truncated(attempt: AttemptState, final_turn: FinalTurn | None) -> Finished | None:
    """Request the reply once more with twice the length; a truncated tool call is never made."""
    if final_turn:
        return attempt.finish(final_turn.kind, final_turn.detail)
    if attempt.limited_by_cost:
        raise RunLimitExceeded("The answer was cut off: the spending limit does not allow a longer one.")
    if attempt.meter.turns_left and not attempt.interactive and attempt.use_chance("truncated"):
        attempt.length_factor = 2
        await attempt.notice(
            "truncated", "The reply reached its length limit. It is requested again with twice the limit."
        )
        return None
    return attempt.finish(FailureKind.TRUNCATED, describe(FailureKind.TRUNCATED))


async def handle_overflow(attempt: AttemptState, reply: Reply) -> Finished | None:
    """Clear context and call again, unless nothing can be cleared or a user has read a part."""
    can_retry = not (attempt.interactive and reply.text) and attempt.use_chance("overflow")
    if can_retry and await attempt.clear_context(attempt.conversation.tokens // 2):
        return None
    return attempt.finish(FailureKind.CONTEXT_TOO_LONG, describe(FailureKind.CONTEXT_TOO_LONG))


async def handle_empty(attempt: AttemptState) -> Finished | None:
    """Never end without an answer: use the report, else ask the model once more."""
    if report := attempt.toolbox.context.report:
        return attempt.finish(text=attempt.text or report.body or "Nothing to report.")
    if attempt.use_chance("silent"):
        await attempt.advise("empty_reply", "Your last reply was empty. State the outcome.")
        return None
    if attempt.text:
        return attempt.finish()
    return attempt.finish(FailureKind.EMPTY_ANSWER, describe(FailureKind.EMPTY_ANSWER), retryable=True)


def finish_refused(attempt: AttemptState, reply: Reply) -> Finished:
    """End without the refused text, with the reason that the provider gives."""
    details = reply.stop_details or {}
    category = f" ({details['category']})" if details.get("category") else ""
    why = details.get("explanation") or "It gave no reason."
    return attempt.finish(FailureKind.REFUSAL, f"The model declined{category}. {why}", text="")
