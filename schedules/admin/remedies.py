"""What to do about a run that failed, for each reason."""

from agents.states import FailureReason

REMEDIES = {
    FailureReason.TURN_LIMIT_EXCEEDED: "Raise “max agent steps per run” of the schedule, or ask for less in "
    "its prompt.",
    FailureReason.TIMEOUT: "The provider was too slow. If it keeps happening, look at the provider.",
    FailureReason.BUDGET_EXCEEDED: "Raise the budget or the cost limit, or wait for the next window.",
    FailureReason.AUTH_FAILED: "Correct ANTHROPIC_API_KEY, restart, and close the breaker under Providers.",
    FailureReason.RATE_LIMITED: "The provider asked for patience until the retries were used up. Spread "
    "schedules out, or ask for a higher limit there.",
    FailureReason.OVERLOADED: "The provider was overloaded for all its retries. Run it again later.",
    FailureReason.ABORTED: "It was stopped. Run it again if that was not meant.",
    FailureReason.LEASE_EXPIRED: "It ran longer than it may. Raise the lease override of the schedule, or "
    "split the work.",
    FailureReason.WORKER_LOST: "The process that worked on it vanished too often. Look into the log and the "
    "memory of the scheduler.",
    FailureReason.REFUSAL: "The model declined. Reword the prompt; the same words will be refused again.",
    FailureReason.CONTEXT_WINDOW_EXCEEDED: "The conversation grew longer than the model can read. Split the "
    "work, or let the agent keep notes in files.",
    FailureReason.TRUNCATED: "The answer was cut off at its longest. Raise the most tokens of one reply in "
    "the profile.",
    FailureReason.TOOL_ERROR: "A tool could not go on. Its last call is in the transcript.",
    FailureReason.SDK_ERROR: "The request or the connection failed. The detail says how; correct the model "
    "or the address if it names them.",
}


def remedy(reason: str) -> str:
    """Say what to do; nothing for a run that did not fail."""
    return REMEDIES[FailureReason(reason)] if reason in FailureReason.values else ""
