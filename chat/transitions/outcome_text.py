"""How a reply ended, in words for people: never blank where no answer is to be seen."""

from agents.states import FailureReason
from chat.states import MessageStatus, Reason
from stagent.lib.text import clip, sentence

FAILED = {
    FailureReason.TURN_LIMIT_EXCEEDED: "It reached its limit of agent steps and answered with what it had.",
    FailureReason.TIMEOUT: "The model did not answer in time.",
    FailureReason.BUDGET_EXCEEDED: "The budget is used up.",
    FailureReason.AUTH_FAILED: "The model's service refused the key; an operator has to look at it.",
    FailureReason.RATE_LIMITED: "The model's service takes no more requests for now.",
    FailureReason.OVERLOADED: "The model's service is overloaded.",
    FailureReason.REFUSAL: "The model declined to answer.",
    FailureReason.CONTEXT_WINDOW_EXCEEDED: "The conversation is too long for the model; begin a new one.",
    FailureReason.TRUNCATED: "The answer was cut at its longest length; ask it to continue.",
    FailureReason.TOOL_ERROR: "A tool it needs does not work.",
    FailureReason.SDK_ERROR: "Something went wrong between here and the model.",
}
UNSAID = {  # where no word was said
    FailureReason.TURN_LIMIT_EXCEEDED: "It reached its limit of agent steps before it had an answer.",
    FailureReason.TRUNCATED: "It reached its longest length before it had an answer.",
}
INTERRUPTED = {
    Reason.SHUTDOWN: "The server was stopped while it answered.",
    Reason.RECONCILED: "The server went away while it answered.",
}
LONGEST = 500


def notice_for(status: str, reason: str, detail: str, *, said: bool, begun: bool = True) -> str:
    """Return the sentence that belongs below a reply; empty where the answer says it all."""
    match status:
        case MessageStatus.STOPPED:
            unsaid = "Stopped before any text." if begun else "Withdrawn before it was answered."
            return "Stopped." if said else unsaid
        case MessageStatus.INTERRUPTED:
            kept = " What it had said is kept." if said else ""
            return f"{INTERRUPTED.get(Reason(reason), 'It was interrupted.')}{kept} Retry to ask again."
    if (
        reason in FAILED
    ):  # the detail says what happened, why and what to do; these are for where there is none
        sentences = FAILED if said else FAILED | UNSAID
        return clip(sentence(detail) or sentences[FailureReason(reason)], LONGEST)
    return "" if said else clip(detail or "It finished without a word.", LONGEST)
