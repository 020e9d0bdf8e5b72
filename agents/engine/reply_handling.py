"""What follows from a reply: its tools are called, it is asked for once more, or it is the end."""

from agents.engine.attempt import AttemptState
from agents.engine.final_turn import FinalTurn
from agents.engine.repeat_detector import STOP_AT, WARN_AT
from agents.engine.tool_batch import ToolBatch
from agents.errors import RunLimitExceeded
from agents.protocol.events import Finished
from agents.protocol.reply import Block, Reply, is_empty
from agents.runtimes.errors import describe
from agents.states import FailureKind
from agents.transcripts.history import ToolProgress

MAX_PAUSES = 5  # in a row


async def handle_reply(attempt: AttemptState, reply: Reply, final_turn: FinalTurn | None) -> Finished | None:
    """Do what a reply demands; None when the model is to be asked again."""
    if reply.stop_reason != "refusal":
        attempt.text = attempt.before_pause + reply.text or attempt.text
    match reply.stop_reason:
        case "refusal":
            return refused(attempt, reply)
        case "pause_turn":
            return paused(attempt, reply)
        case "max_tokens":
            return await cut_short(attempt, final_turn)
        case "model_context_window_exceeded":
            return await overflowed(attempt, reply)
    return await accept_reply(attempt, reply, final_turn)


async def accept_reply(attempt: AttemptState, reply: Reply, final_turn: FinalTurn | None) -> Finished | None:
    """Do what a whole reply demands; an unknown stop reason is one, too."""
    if reply.calls and not final_turn:  # some servers ignore that tools may not be called; we do not
        return await use_tools(attempt, reply)
    if is_empty(reply.content):
        return await silent(attempt)
    return answered(attempt, final_turn)


def answered(attempt: AttemptState, final_turn: FinalTurn | None) -> Finished:
    """End with the answer; a partial one if it was given because it had to be."""
    return attempt.finish(final_turn.kind, final_turn.detail) if final_turn else attempt.finish()


async def use_tools(attempt: AttemptState, reply: Reply) -> Finished | None:
    """Call what the reply asks for and hand back the results; stop an agent that goes in circles."""
    attempt.conversation.add_reply(reply.content, reply.usage)
    return await run_tool_calls(attempt, reply.calls)


async def run_tool_calls(
    attempt: AttemptState, requested: list[Block], progress: ToolProgress | None = None
) -> Finished | None:
    """Make the calls of a reply, or what an earlier attempt left of them; park where a person comes first."""
    resumed = progress is not None
    here = ToolBatch(attempt.toolbox, attempt.meter.turns, attempt.emit, progress or ToolProgress(), resumed)
    used = await here.run(requested)
    if used.waits:
        return attempt.park()
    attempt.conversation.add_results(used.results)
    attempt.progressed()
    times = f"{used.repeated} {used.repeats} times in a row with the same result"
    if used.repeats >= STOP_AT:
        return attempt.finish(
            FailureKind.REPEAT_LOOP, describe(FailureKind.REPEAT_LOOP, f"It called {times} (repeat_loop)")
        )
    if used.repeats >= WARN_AT:
        await attempt.advise("repeat_warning", f"You have called {times}. Try something else, or answer.")
    return None


def paused(attempt: AttemptState, reply: Reply) -> Finished | None:
    """Let the model go on from what it has said, without adding a word."""
    attempt.pauses += 1
    if attempt.pauses > MAX_PAUSES:
        return attempt.finish(
            FailureKind.ENDLESS_PAUSES, f"The model paused {attempt.pauses} times in a row."
        )
    attempt.conversation.add_reply(reply.content, reply.usage)
    attempt.before_pause += reply.text
    return None


async def cut_short(attempt: AttemptState, final_turn: FinalTurn | None) -> Finished | None:
    """Ask once more, for twice the length; half a tool call is never made."""
    if final_turn:
        return attempt.finish(final_turn.kind, final_turn.detail)
    if attempt.limited_by_cost:
        raise RunLimitExceeded("The answer was cut short: nothing is left to spend on the rest.")
    if attempt.meter.turns_left and not attempt.once and attempt.use_chance("truncated"):
        attempt.length_factor = 2
        await attempt.notice(
            "truncated", "The reply hit its length limit; it is asked for again, twice as long."
        )
        return None
    return attempt.finish(FailureKind.TRUNCATED, describe(FailureKind.TRUNCATED))


async def overflowed(attempt: AttemptState, reply: Reply) -> Finished | None:
    """Make room and ask again, if there is room to be made, and nobody has read half an answer."""
    may = not (attempt.once and reply.text) and attempt.use_chance("overflow")
    if may and await attempt.clear_context(attempt.conversation.tokens // 2):
        return None
    return attempt.finish(FailureKind.CONTEXT_TOO_LONG, describe(FailureKind.CONTEXT_TOO_LONG))


async def silent(attempt: AttemptState) -> Finished | None:
    """Never end in silence: a report speaks for itself, else the model is asked once more."""
    if report := attempt.toolbox.context.report:
        return attempt.finish(text=attempt.text or report.body or "Nothing to report.")
    if attempt.use_chance("silent"):
        await attempt.advise("empty_reply", "Your last reply was empty. Say what the outcome is.")
        return None
    if attempt.text:
        return attempt.finish()
    return attempt.finish(FailureKind.EMPTY_ANSWER, describe(FailureKind.EMPTY_ANSWER), retryable=True)


def refused(attempt: AttemptState, reply: Reply) -> Finished:
    """End without the refused words, saying why as far as the provider does."""
    details = reply.stop_details or {}
    category = f" ({details['category']})" if details.get("category") else ""
    why = details.get("explanation") or "It gave no reason."
    return attempt.finish(FailureKind.REFUSAL, f"The model declined{category}. {why}", text="")
