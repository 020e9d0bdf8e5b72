"""The notice below a reply: how it ended; never empty for a reply without text."""

from agents.states import FailureReason
from chat.states import MessageStatus, Reason
from stagent.lib.text import clip, sentence

FAILED = {
    FailureReason.TURN_LIMIT_EXCEEDED: "The reply reached its limit of agent steps and is partial.",
    FailureReason.TIMEOUT: "The model did not answer in time.",
    FailureReason.BUDGET_EXCEEDED: "The budget is used up.",
    FailureReason.AUTH_FAILED: "The provider refused the API key. Ask an operator to check it.",
    FailureReason.RATE_LIMITED: "The provider's rate limit is reached. Try again later.",
    FailureReason.OVERLOADED: "The provider is overloaded. Try again later.",
    FailureReason.REFUSAL: "The model declined to answer.",
    FailureReason.CONTEXT_WINDOW_EXCEEDED: "The conversation is too long for the model. Start a new one.",
    FailureReason.TRUNCATED: "The reply was cut off at the model's maximum length. Ask it to continue.",
    FailureReason.TOOL_ERROR: "A required tool failed.",
    FailureReason.SDK_ERROR: "The request to the model failed.",
}
WITHOUT_TEXT = {  # for a reply without text
    FailureReason.TURN_LIMIT_EXCEEDED: "The reply reached its limit of agent steps before it had any text.",
    FailureReason.TRUNCATED: "The reply reached the model's maximum length before it had any text.",
}
INTERRUPTED = {
    Reason.SHUTDOWN: "The server shut down during the reply.",
    Reason.LEASE_LOST: "The reply worker could not reach the database for too long.",
    Reason.RECONCILED: "The reply worker stopped unexpectedly.",
}
LONGEST = 500


def notice_for(status: str, reason: str, detail: str, *, has_text: bool, begun: bool = True) -> str:
    """Return the notice below a reply; empty if its text is complete."""
    match status:
        case MessageStatus.STOPPED:
            without_text = "Stopped before any text." if begun else "Cancelled before it was answered."
            return "Stopped." if has_text else without_text
        case MessageStatus.INTERRUPTED:
            partial = " The text so far is kept." if has_text else ""
            cause = INTERRUPTED.get(Reason(reason), "The reply was interrupted.")
            return f"{cause}{partial} Retry to ask again."
    if reason in FAILED:  # a detail is more precise than these sentences
        sentences = FAILED if has_text else FAILED | WITHOUT_TEXT
        return clip(sentence(detail) or sentences[FailureReason(reason)], LONGEST)
    return "" if has_text else clip(detail or "The reply has no text.", LONGEST)
