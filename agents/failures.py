"""What follows from each kind of failure: whose fault it is, what it counts for, and what happens next.

One table. The classifier, the engine, the breaker, retries of runs, streaks of schedules, averages and the
chat read it; nothing else decides. `docs/failures.md` shows it to people and is tested against it.
"""

from dataclasses import dataclass
from enum import StrEnum

from agents.states import FailureKind as K
from agents.states import FailureReason as R


class Fault(StrEnum):
    """Whose fault it is. Only what is the schedule's counts for a streak."""

    SCHEDULE = "schedule"
    PROVIDER = "provider"
    INSTALL = "install"
    PERSON = "person"


class Streak(StrEnum):
    """Which streak of the schedule it counts for."""

    NONE = "none"
    FAILURE = "failure_streak"
    BREACH = "turn_budget_breach_streak"


class Retry(StrEnum):
    """Whether the run is tried again, and what bounds it."""

    NEVER = "never"
    HORIZON = "until the retry horizon"  # of the schedule; however often
    COUNTED = "at most max_retries times"
    WORKERS = "at most twice"  # by the reaper, which counts the workers a run has lost


class Breaker(StrEnum):
    """What the provider's breaker is told."""

    NOTHING = "nothing"
    TRIP = "opens at once"  # nobody else needs to try either
    COUNT = "opens after 3 in a row"
    RETRY_AFTER = "waits as asked, else counts"
    CLOSE = "closes"  # the provider answered: what is wrong is the request


class Sample(StrEnum):
    """Whether a run that ended so says how its schedule usually goes."""

    NONE = "no"  # cut off by something else
    LOWER_BOUND = "as a lower bound"  # cut off at its own limit: it would have gone on
    WHOLE = "yes"


@dataclass(frozen=True)
class Patience:
    """How long a chat reply waits for its provider before a person is told: tries, and seconds in all."""

    tries: int = 1
    longest_sec: float = 0.0  # of one wait
    total_sec: float = 0.0


NO_PATIENCE = Patience()
SHORT = Patience(tries=4, longest_sec=30, total_sec=60)
WHILE_LOADING = Patience(tries=1000, longest_sec=15, total_sec=600)


@dataclass(frozen=True)
class Policy:
    """One row of the table. `says` is what happened; `remedy` is what a person can do about it."""

    reason: R
    fault: Fault
    says: str
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
    says: str,
    remedy: str = "",
    *,
    breaker: Breaker = Breaker.COUNT,
    chat: Patience = SHORT,
) -> Policy:
    """Make the row of a trouble that passes: waited for, probed, and never held against a schedule."""
    return Policy(reason, Fault.PROVIDER, says, remedy, retry=Retry.HORIZON, breaker=breaker, chat=chat)


def _setup(reason: R, says: str, remedy: str, breaker: Breaker = Breaker.NOTHING) -> Policy:
    """Make the row of something a person has to set right; asking again does not help."""
    return Policy(reason, Fault.INSTALL, says, remedy, breaker=breaker)


def _schedule(
    reason: R,
    says: str,
    remedy: str = "",
    *,
    streak: Streak = Streak.FAILURE,
    retry: Retry = Retry.NEVER,
    breaker: Breaker = Breaker.NOTHING,
    sample: Sample = Sample.NONE,
) -> Policy:
    """Make the row of what a schedule can be blamed for."""
    return Policy(
        reason, Fault.SCHEDULE, says, remedy, streak=streak, retry=retry, breaker=breaker, sample=sample
    )


MESSAGES_API = (
    "Set ANTHROPIC_BASE_URL to one that answers POST /v1/messages; one with OpenAI's API only cannot be used."
)

POLICIES: dict[K, Policy] = {
    K.UNREACHABLE: _provider(
        R.SDK_ERROR, "The provider cannot be reached", "Check its address and that the server is running."
    ),
    K.SERVER_ERROR: _provider(R.SDK_ERROR, "The provider failed"),
    K.CUT_STREAM: _provider(R.SDK_ERROR, "The provider's answer broke off"),
    K.STALLED: _provider(R.TIMEOUT, "The provider took too long to answer"),
    K.GARBLED: _provider(R.SDK_ERROR, "The provider's answer could not be read"),
    K.OVERLOADED: _provider(R.OVERLOADED, "The provider is overloaded"),
    K.LOADING: _provider(R.OVERLOADED, "The server is still loading the model", chat=WHILE_LOADING),
    K.RATE_LIMITED: _provider(
        R.RATE_LIMITED, "The provider asks us to slow down", breaker=Breaker.RETRY_AFTER
    ),
    K.SILENT_AT_LIMIT: Policy(
        R.LEASE_EXPIRED,
        Fault.PROVIDER,
        "The time limit of the run passed while the provider was silent",
        breaker=Breaker.COUNT,
    ),
    K.BAD_KEY: _setup(
        R.AUTH_FAILED,
        "The provider does not accept the API key",
        "An operator has to correct ANTHROPIC_API_KEY and restart.",
        Breaker.TRIP,
    ),
    K.SPEND_STOP: _setup(
        R.BUDGET_EXCEEDED,
        "The provider stopped us over money",
        "Add credit or raise the spend limit at the provider.",
        Breaker.TRIP,
    ),
    K.WRONG_API: _setup(
        R.SDK_ERROR, "The server does not speak the Messages API", MESSAGES_API, Breaker.TRIP
    ),
    K.WRONG_ADDRESS: _setup(
        R.SDK_ERROR, "The provider's address cannot be used", "Correct ANTHROPIC_BASE_URL.", Breaker.TRIP
    ),
    K.MODEL_UNKNOWN: _setup(
        R.SDK_ERROR,
        "The provider does not have this model",
        "Choose another model in the profile, or install this one on the server.",
        Breaker.CLOSE,
    ),
    K.TOOLS_UNSUPPORTED: _setup(
        R.SDK_ERROR,
        "This model cannot call tools",
        "Choose a model with tools, or a profile without them.",
        Breaker.CLOSE,
    ),
    K.RUNTIME_UNKNOWN: _setup(
        R.SDK_ERROR, "The profile's runtime is not installed", "Choose another runtime in the profile."
    ),
    K.DATABASE_AWAY: Policy(
        R.SDK_ERROR, Fault.INSTALL, "The database is away", retry=Retry.HORIZON, chat=SHORT
    ),
    K.WORKER_LOST: Policy(
        R.WORKER_LOST,
        Fault.INSTALL,
        "The process that worked on it vanished",
        "Look into the log and the memory of the machine.",
        retry=Retry.WORKERS,
    ),
    K.LEASE_LOST: Policy(R.LEASE_EXPIRED, Fault.INSTALL, "The lease was lost"),
    K.SHUTDOWN: Policy(R.ABORTED, Fault.INSTALL, "The server was stopped"),
    K.UNEXPECTED: Policy(
        R.SDK_ERROR,
        Fault.INSTALL,
        "Something unexpected went wrong",
        "The log has the details.",
        retry=Retry.COUNTED,
    ),
    K.CANCELLED: Policy(R.ABORTED, Fault.PERSON, "Cancelled"),
    K.BUDGET_SPENT: Policy(
        R.BUDGET_EXCEEDED,
        Fault.PERSON,
        "A budget is used up",
        "Raise the budget, or wait for its next day or month.",
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
        "It worked longer than its time limit",
        "Raise the time limit of the schedule, or ask for less.",
        sample=Sample.LOWER_BOUND,
    ),
    K.COST_LIMIT: _schedule(
        R.BUDGET_EXCEEDED,
        "The limit of what this run may spend is reached",
        "Raise the cost limit of the schedule or profile.",
        sample=Sample.LOWER_BOUND,
    ),
    K.REPEAT_LOOP: _schedule(
        R.TURN_LIMIT_EXCEEDED,
        "The agent went in circles",
        "Say in the prompt what to do where a tool gives nothing new.",
    ),
    K.CONTEXT_TOO_LONG: _schedule(
        R.CONTEXT_WINDOW_EXCEEDED,
        "The conversation is too long for the model",
        "Begin a new conversation, ask for less at once, or choose a model that reads more.",
        breaker=Breaker.CLOSE,
    ),
    K.REQUEST_REFUSED: _schedule(R.SDK_ERROR, "The provider refused the request", breaker=Breaker.CLOSE),
    K.REFUSAL: _schedule(
        R.REFUSAL, "The model declined", "Reword the prompt; the same words will be refused again."
    ),
    K.TRUNCATED: _schedule(
        R.TRUNCATED,
        "The answer is longer than one reply may be",
        "Raise “max output tokens” of the profile, or ask for a shorter answer.",
        sample=Sample.WHOLE,
    ),
    K.EMPTY_ANSWER: _schedule(
        R.SDK_ERROR, "The model gave an empty answer twice", "Try another model.", retry=Retry.COUNTED
    ),
    K.ENDLESS_PAUSES: _schedule(R.SDK_ERROR, "The model paused again and again", "Ask for less at once."),
    K.TOOL_BROKEN: _schedule(
        R.TOOL_ERROR, "A tool could not go on", "Its last call is in the transcript."
    ),
}  # fmt: skip

# What is meant where only the reason is known.
USUAL: dict[R, K] = {
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
    """Return the row of a kind; where no kind was kept, that of the reason's usual one."""
    return POLICIES[K(kind) if kind else USUAL[R(reason)]]


def kinds(*samples: Sample) -> list[K]:
    """Return the kinds after which a run's numbers are such a sample."""
    return [kind for kind, row in POLICIES.items() if row.sample in samples]


def reasons(*samples: Sample) -> list[R]:
    """Return the reasons of which that is usually true."""
    return [reason for reason, kind in USUAL.items() if POLICIES[kind].sample in samples]
