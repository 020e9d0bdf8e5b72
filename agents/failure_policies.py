"""What follows from each kind of failure: the responsible party, retries, streaks, the breaker, statistics.

The classifier, the engine, the breaker, retries of runs, streaks of schedules, averages and the chat read
this table; nothing else decides. `docs/failures.md` shows it and is tested against it.
"""

from dataclasses import dataclass
from enum import StrEnum

from agents.states import FailureKind as K
from agents.states import FailureReason as R


class Fault(StrEnum):
    """The responsible party. Only the schedule's own failures count for a streak."""

    SCHEDULE = "schedule"
    PROVIDER = "provider"
    INSTALL = "install"
    PERSON = "person"


class Streak(StrEnum):
    """The streak of the schedule that the failure counts for."""

    NONE = "none"
    FAILURE = "failure_streak"
    BREACH = "turn_budget_breach_streak"


class Retry(StrEnum):
    """Whether the run is retried, and what limits the retries."""

    NEVER = "never"
    HORIZON = "until the retry horizon"  # of the schedule, without a limit of tries
    COUNTED = "at most max_retries times"
    WORKERS = "at most twice"  # by the reaper, which counts lost workers


class Breaker(StrEnum):
    """What the failure does to the provider's breaker."""

    NOTHING = "nothing"
    TRIP = "opens at once"  # further requests would fail too
    COUNT = "opens after 3 in a row"
    RETRY_AFTER = "waits as asked, else counts"
    CLOSE = "closes"  # the provider replied: the fault is in the request


class Sample(StrEnum):
    """Whether the numbers of a run that failed this way count for the averages of its schedule."""

    NONE = "no"  # stopped by something else
    LOWER_BOUND = "as a lower bound"  # stopped at its own limit
    WHOLE = "yes"


@dataclass(frozen=True)
class Patience:
    """How long a chat reply retries a provider before its reader is told: tries, and seconds in all."""

    tries: int = 1
    longest_sec: float = 0.0  # of one wait
    total_sec: float = 0.0


NO_PATIENCE = Patience()
SHORT = Patience(tries=4, longest_sec=30, total_sec=60)
WHILE_LOADING = Patience(tries=1000, longest_sec=15, total_sec=600)


@dataclass(frozen=True)
class Policy:
    """One row of the table. `summary` is what happened; `remedy` is what a person can do about it."""

    reason: R
    fault: Fault
    summary: str
    remedy: str = ""
    streak: Streak = Streak.NONE
    retry: Retry = Retry.NEVER
    breaker: Breaker = Breaker.NOTHING
    chat: Patience = NO_PATIENCE
    sample: Sample = Sample.NONE

    @property
    def retryable(self) -> bool:
        return self.retry in (Retry.HORIZON, Retry.COUNTED)


def _provider(
    reason: R,
    summary: str,
    remedy: str = "",
    *,
    breaker: Breaker = Breaker.COUNT,
    chat: Patience = SHORT,
) -> Policy:
    """Build the row of a temporary failure of the provider, which never counts against a schedule."""
    return Policy(reason, Fault.PROVIDER, summary, remedy, retry=Retry.HORIZON, breaker=breaker, chat=chat)


def _configuration(reason: R, summary: str, remedy: str, breaker: Breaker = Breaker.NOTHING) -> Policy:
    """Build the row of a failure that a person must correct; a retry does not help."""
    return Policy(reason, Fault.INSTALL, summary, remedy, breaker=breaker)


def _schedule(
    reason: R,
    summary: str,
    remedy: str = "",
    *,
    streak: Streak = Streak.FAILURE,
    retry: Retry = Retry.NEVER,
    breaker: Breaker = Breaker.NOTHING,
    sample: Sample = Sample.NONE,
) -> Policy:
    """Build the row of a failure that the schedule causes."""
    return Policy(
        reason, Fault.SCHEDULE, summary, remedy, streak=streak, retry=retry, breaker=breaker, sample=sample
    )


MESSAGES_API = (
    "Set ANTHROPIC_BASE_URL to a server that supports POST /v1/messages; OpenAI's API is not enough."
)

POLICIES: dict[K, Policy] = {
    K.UNREACHABLE: _provider(
        R.SDK_ERROR, "The provider cannot be reached", "Check its address and that the server is running."
    ),
    K.SERVER_ERROR: _provider(R.SDK_ERROR, "The provider returned an error"),
    K.CUT_STREAM: _provider(R.SDK_ERROR, "The provider's reply was interrupted"),
    K.STALLED: _provider(R.TIMEOUT, "The provider did not reply in time"),
    K.GARBLED: _provider(R.SDK_ERROR, "The provider's reply could not be parsed"),
    K.OVERLOADED: _provider(R.OVERLOADED, "The provider is overloaded"),
    K.LOADING: _provider(R.OVERLOADED, "The server is still loading the model", chat=WHILE_LOADING),
    K.RATE_LIMITED: _provider(
        R.RATE_LIMITED, "The provider limits the request rate", breaker=Breaker.RETRY_AFTER
    ),
    K.SILENT_AT_LIMIT: Policy(
        R.LEASE_EXPIRED,
        Fault.PROVIDER,
        "The run reached its time limit while waiting for the provider",
        breaker=Breaker.COUNT,
    ),
    K.BAD_KEY: _configuration(
        R.AUTH_FAILED,
        "The provider rejected the API key",
        "An operator must correct ANTHROPIC_API_KEY and restart Stagent.",
        Breaker.TRIP,
    ),
    K.SPEND_STOP: _configuration(
        R.BUDGET_EXCEEDED,
        "The provider refused the request for billing reasons",
        "Add credit or raise the spending limit at the provider.",
        Breaker.TRIP,
    ),
    K.WRONG_API: _configuration(
        R.SDK_ERROR, "The server does not support the Messages API", MESSAGES_API, Breaker.TRIP
    ),
    K.WRONG_ADDRESS: _configuration(
        R.SDK_ERROR, "The provider's address is invalid", "Correct ANTHROPIC_BASE_URL.", Breaker.TRIP
    ),
    K.MODEL_UNKNOWN: _configuration(
        R.SDK_ERROR,
        "The provider does not have this model",
        "Choose another model in the profile, or install this model on the server.",
        Breaker.CLOSE,
    ),
    K.TOOLS_UNSUPPORTED: _configuration(
        R.SDK_ERROR,
        "This model does not support tools",
        "Choose a model that supports tools, or a profile without tools.",
        Breaker.CLOSE,
    ),
    K.RUNTIME_UNKNOWN: _configuration(
        R.SDK_ERROR, "The profile's runtime is not installed", "Choose another runtime in the profile."
    ),
    K.DATABASE_AWAY: Policy(
        R.SDK_ERROR, Fault.INSTALL, "The database is unavailable", retry=Retry.HORIZON, chat=SHORT
    ),
    K.WORKER_LOST: Policy(
        R.WORKER_LOST,
        Fault.INSTALL,
        "The worker process ended unexpectedly",
        "Check the log and the memory of the machine.",
        retry=Retry.WORKERS,
    ),
    K.LEASE_LOST: Policy(R.LEASE_EXPIRED, Fault.INSTALL, "The lease was lost"),
    K.SHUTDOWN: Policy(R.ABORTED, Fault.INSTALL, "The server was stopped"),
    K.UNEXPECTED: Policy(
        R.SDK_ERROR,
        Fault.INSTALL,
        "An unexpected error occurred",
        "See the log for details.",
        retry=Retry.COUNTED,
    ),
    K.CANCELLED: Policy(R.ABORTED, Fault.PERSON, "Cancelled"),
    K.BUDGET_SPENT: Policy(
        R.BUDGET_EXCEEDED,
        Fault.PERSON,
        "A budget is used up",
        "Raise the budget, or wait until the next day or month.",
    ),
    K.TURN_LIMIT: _schedule(
        R.TURN_LIMIT_EXCEEDED,
        "The limit of agent steps is reached",
        "Raise “max agent steps per run” of the schedule, or ask for less.",
        streak=Streak.BREACH,
        sample=Sample.LOWER_BOUND,
    ),
    K.TIME_LIMIT: _schedule(
        R.LEASE_EXPIRED,
        "The run exceeded its time limit",
        "Raise the time limit of the schedule, or ask for less.",
        sample=Sample.LOWER_BOUND,
    ),
    K.COST_LIMIT: _schedule(
        R.BUDGET_EXCEEDED,
        "The cost limit of the run is reached",
        "Raise the cost limit of the schedule or profile.",
        sample=Sample.LOWER_BOUND,
    ),
    K.REPEAT_LOOP: _schedule(
        R.TURN_LIMIT_EXCEEDED,
        "The agent repeated the same tool calls",
        "State in the prompt what to do if a tool returns nothing new.",
    ),
    K.CONTEXT_TOO_LONG: _schedule(
        R.CONTEXT_WINDOW_EXCEEDED,
        "The conversation is too long for the model",
        "Start a new conversation, ask for less at once, or choose a model with a larger context window.",
        breaker=Breaker.CLOSE,
    ),
    K.REQUEST_REFUSED: _schedule(R.SDK_ERROR, "The provider refused the request", breaker=Breaker.CLOSE),
    K.REFUSAL: _schedule(
        R.REFUSAL, "The model declined", "Change the prompt; the same prompt will be declined again."
    ),
    K.TRUNCATED: _schedule(
        R.TRUNCATED,
        "The answer exceeds the maximum length of a reply",
        "Raise “max output tokens” of the profile, or ask for a shorter answer.",
        sample=Sample.WHOLE,
    ),
    K.EMPTY_ANSWER: _schedule(
        R.SDK_ERROR, "The model gave an empty answer twice", "Try another model.", retry=Retry.COUNTED
    ),
    K.ENDLESS_PAUSES: _schedule(R.SDK_ERROR, "The model paused too many times", "Ask for less at once."),
    K.TOOL_BROKEN: _schedule(
        R.TOOL_ERROR, "A tool failed and the run could not continue", "See its last call in the transcript."
    ),
}  # fmt: skip

# The kind to assume if only the reason is known.
DEFAULT_KINDS: dict[R, K] = {
    R.TURN_LIMIT_EXCEEDED: K.TURN_LIMIT,
    R.TIMEOUT: K.STALLED,
    R.BUDGET_EXCEEDED: K.BUDGET_SPENT,
    R.AUTH_FAILED: K.BAD_KEY,
    R.RATE_LIMITED: K.RATE_LIMITED,
    R.OVERLOADED: K.OVERLOADED,
    R.ABORTED: K.CANCELLED,
    R.LEASE_EXPIRED: K.TIME_LIMIT,
    R.WORKER_LOST: K.WORKER_LOST,
    R.REFUSAL: K.REFUSAL,
    R.CONTEXT_WINDOW_EXCEEDED: K.CONTEXT_TOO_LONG,
    R.TRUNCATED: K.TRUNCATED,
    R.TOOL_ERROR: K.TOOL_BROKEN,
    R.SDK_ERROR: K.REQUEST_REFUSED,
}


def policy(kind: K | str, reason: R | str = "") -> Policy:
    """Return the policy of a kind; if no kind is stored, that of the reason's default kind."""
    return POLICIES[K(kind) if kind else DEFAULT_KINDS[R(reason)]]


def kinds(*samples: Sample) -> list[K]:
    """Return the kinds with one of these samples."""
    return [kind for kind, row in POLICIES.items() if row.sample in samples]


def reasons(*samples: Sample) -> list[R]:
    """Return the reasons whose default kind has one of these samples."""
    return [reason for reason, kind in DEFAULT_KINDS.items() if POLICIES[kind].sample in samples]
