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


async def act_on(course: AttemptState, reply: Reply, final_turn: FinalTurn | None) -> Finished | None:
    """Do what a reply demands; None when the model is to be asked again."""
    if reply.stop_reason != "refusal":
        course.text = course.before_pause + reply.text or course.text
    match reply.stop_reason:
        case "refusal":
            return refused(course, reply)
        case "pause_turn":
            return paused(course, reply)
        case "max_tokens":
            return await cut_short(course, final_turn)
        case "model_context_window_exceeded":
            return await overflowed(course, reply)
    return await accept_reply(course, reply, final_turn)


async def accept_reply(course: AttemptState, reply: Reply, final_turn: FinalTurn | None) -> Finished | None:
    """Do what a whole reply demands; an unknown stop reason is one, too."""
    if reply.calls and not final_turn:  # some servers ignore that tools may not be called; we do not
        return await use_tools(course, reply)
    if is_empty(reply.content):
        return await silent(course)
    return answered(course, final_turn)


def answered(course: AttemptState, final_turn: FinalTurn | None) -> Finished:
    """End with the answer; a partial one if it was given because it had to be."""
    return course.finish(final_turn.kind, final_turn.detail) if final_turn else course.finish()


async def use_tools(course: AttemptState, reply: Reply) -> Finished | None:
    """Call what the reply asks for and hand back the results; stop an agent that goes in circles."""
    course.conversation.add_reply(reply.content, reply.usage)
    return await make_calls(course, reply.calls)


async def make_calls(
    course: AttemptState, wanted: list[Block], reached: ToolProgress | None = None
) -> Finished | None:
    """Make the calls of a reply, or what an earlier attempt left of them; park where a person comes first."""
    resumed = reached is not None
    here = ToolBatch(course.toolbox, course.meter.turns, course.tell, reached or ToolProgress(), resumed)
    used = await here.run(wanted)
    if used.waits:
        return course.park()
    course.conversation.add_results(used.results)
    course.progressed()
    times = f"{used.repeated} {used.repeats} times in a row with the same result"
    if used.repeats >= STOP_AT:
        return course.finish(
            FailureKind.REPEAT_LOOP, describe(FailureKind.REPEAT_LOOP, f"It called {times} (repeat_loop)")
        )
    if used.repeats >= WARN_AT:
        await course.advise("repeat_warning", f"You have called {times}. Try something else, or answer.")
    return None


def paused(course: AttemptState, reply: Reply) -> Finished | None:
    """Let the model go on from what it has said, without adding a word."""
    course.pauses += 1
    if course.pauses > MAX_PAUSES:
        return course.finish(FailureKind.ENDLESS_PAUSES, f"The model paused {course.pauses} times in a row.")
    course.conversation.add_reply(reply.content, reply.usage)
    course.before_pause += reply.text
    return None


async def cut_short(course: AttemptState, final_turn: FinalTurn | None) -> Finished | None:
    """Ask once more, for twice the length; half a tool call is never made."""
    if final_turn:
        return course.finish(final_turn.kind, final_turn.detail)
    if course.short_of_money:
        raise RunLimitExceeded("The answer was cut short: nothing is left to spend on the rest.")
    if course.meter.turns_left and not course.once and course.first_time("truncated"):
        course.stretch = 2
        await course.notice(
            "truncated", "The reply hit its length limit; it is asked for again, twice as long."
        )
        return None
    return course.finish(FailureKind.TRUNCATED, describe(FailureKind.TRUNCATED))


async def overflowed(course: AttemptState, reply: Reply) -> Finished | None:
    """Make room and ask again, if there is room to be made, and nobody has read half an answer."""
    may = not (course.once and reply.text) and course.first_time("overflow")
    if may and await course.make_room(course.conversation.tokens // 2):
        return None
    return course.finish(FailureKind.CONTEXT_TOO_LONG, describe(FailureKind.CONTEXT_TOO_LONG))


async def silent(course: AttemptState) -> Finished | None:
    """Never end in silence: a report speaks for itself, else the model is asked once more."""
    if report := course.toolbox.context.report:
        return course.finish(text=course.text or report.body or "Nothing to report.")
    if course.first_time("silent"):
        await course.advise("empty_reply", "Your last reply was empty. Say what the outcome is.")
        return None
    if course.text:
        return course.finish()
    return course.finish(FailureKind.EMPTY_ANSWER, describe(FailureKind.EMPTY_ANSWER), retryable=True)


def refused(course: AttemptState, reply: Reply) -> Finished:
    """End without the refused words, saying why as far as the provider does."""
    details = reply.stop_details or {}
    category = f" ({details['category']})" if details.get("category") else ""
    why = details.get("explanation") or "It gave no reason."
    return course.finish(FailureKind.REFUSAL, f"The model declined{category}. {why}", text="")
