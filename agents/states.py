"""The words the agents app keeps in the database, as data."""

from django.db import models


class FailureReason(models.TextChoices):
    """Why a run or reply failed; written by the code that knows, at the terminal transition."""

    TURN_LIMIT_EXCEEDED = "turn_limit_exceeded"
    TIMEOUT = "timeout"
    BUDGET_EXCEEDED = "budget_exceeded"
    AUTH_FAILED = "auth_failed"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    ABORTED = "aborted"
    LEASE_EXPIRED = "lease_expired"
    WORKER_LOST = "worker_lost"
    REFUSAL = "refusal"
    CONTEXT_WINDOW_EXCEEDED = "context_window_exceeded"
    TRUNCATED = "truncated"
    TOOL_ERROR = "tool_error"
    SDK_ERROR = "sdk_error"


class FailureKind(models.TextChoices):
    """What went wrong, finer than the reason; `agents.failures` says what follows from each."""

    # The provider, for a while.
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    CUT_STREAM = "cut_stream"
    STALLED = "stalled"
    GARBLED = "garbled"
    OVERLOADED = "overloaded"
    LOADING = "loading"
    RATE_LIMITED = "rate_limited"
    SILENT_AT_LIMIT = "silent_at_limit"
    # How the install, the key or the model is set up.
    BAD_KEY = "bad_key"
    SPEND_STOP = "spend_stop"
    WRONG_API = "wrong_api"
    WRONG_ADDRESS = "wrong_address"
    MODEL_UNKNOWN = "model_unknown"
    TOOLS_UNSUPPORTED = "tools_unsupported"
    RUNTIME_UNKNOWN = "runtime_unknown"
    # This machine.
    DATABASE_AWAY = "database_away"
    WORKER_LOST = "worker_lost"
    LEASE_LOST = "lease_lost"
    SHUTDOWN = "shutdown"
    UNEXPECTED = "unexpected"
    # A person.
    CANCELLED = "cancelled"
    BUDGET_SPENT = "budget_spent"
    # The schedule: its prompt and its limits.
    TURN_LIMIT = "turn_limit"
    TIME_LIMIT = "time_limit"
    COST_LIMIT = "cost_limit"
    REPEAT_LOOP = "repeat_loop"
    CONTEXT_TOO_LONG = "context_too_long"
    REQUEST_REFUSED = "request_refused"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    EMPTY_ANSWER = "empty_answer"
    ENDLESS_PAUSES = "endless_pauses"
    TOOL_BROKEN = "tool_broken"


class Permission(models.TextChoices):
    """Whether a profile may use a tool."""

    ALLOW = "allow"
    ASK = "ask"  # a person first; each time, unless their leave stands
    DENY = "deny"


class ApprovalKind(models.TextChoices):
    """What a person is asked for."""

    TOOL_CALL = "tool_call"  # consent to a call
    QUESTION = "question"  # an answer in words, which is the result of the call


class ApprovalStatus(models.TextChoices):
    """Where a question stands; it is settled once and stays so."""

    OPEN = "open"
    ALLOWED = "allowed"
    DENIED = "denied"
    ANSWERED = "answered"
    EXPIRED = "expired"  # nobody answered in time, which denies it
    WITHDRAWN = "withdrawn"  # its run or reply ended first


# Every arrow of a question and the one function of `agents.approvals.approvals` that walks it.
APPROVAL_ARROWS = (
    (ApprovalStatus.OPEN, ApprovalStatus.ALLOWED, "answer"),
    (ApprovalStatus.OPEN, ApprovalStatus.DENIED, "answer"),
    (ApprovalStatus.OPEN, ApprovalStatus.ANSWERED, "answer"),
    (ApprovalStatus.OPEN, ApprovalStatus.EXPIRED, "answer"),  # it came too late
    (ApprovalStatus.OPEN, ApprovalStatus.EXPIRED, "expire"),
    (ApprovalStatus.OPEN, ApprovalStatus.WITHDRAWN, "withdraw"),
)


class Activity(models.TextChoices):
    """What a ledger row was for."""

    RUN_TURN = "run_turn"
    CHAT_TURN = "chat_turn"
    MANUAL_FORCE_BYPASS = "manual_force_bypass"


class PriceSource(models.TextChoices):
    """Where a price is from."""

    CONSOLE = "console"
    LIST = "list"  # of genai-prices
    LOCAL = "local"  # the offline model, or a server of one's own: it costs nothing
    UNKNOWN = "unknown"


class BudgetScope(models.TextChoices):
    """Over what a budget adds up."""

    INSTALL = "install"
    PROJECT = "project"
    SCHEDULE = "schedule"


class BudgetWindow(models.TextChoices):
    """How long a budget adds up, in the install's time zone."""

    DAY = "day"
    MONTH = "month"


class McpTransport(models.TextChoices):
    """How an MCP server is reached."""

    STDIO = "stdio", "a command on this machine (stdio)"
    HTTP = "http", "an address (streamable HTTP)"


class McpToolState(models.TextChoices):
    """What became of a tool that an MCP server lists."""

    NEW = "new"  # nobody has allowed it, so no model sees it
    OFFERED = "offered"  # to the profiles that name it
    CHANGED = "changed"  # since it was allowed; not offered until somebody looks again
    UNFIT = "unfit"  # models would not take it
    GONE = "gone"  # no longer listed
