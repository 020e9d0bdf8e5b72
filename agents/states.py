"""The stored choices of the agents app."""

from django.db import models


class FailureReason(models.TextChoices):
    """Why a run or reply failed; stored at the terminal transition."""

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
    """What went wrong, more specific than the reason; see `agents.failure_policies`."""

    # The provider, temporarily.
    UNREACHABLE = "unreachable"
    SERVER_ERROR = "server_error"
    CUT_STREAM = "cut_stream"
    STALLED = "stalled"
    GARBLED = "garbled"
    OVERLOADED = "overloaded"
    LOADING = "loading"
    RATE_LIMITED = "rate_limited"
    SILENT_AT_LIMIT = "silent_at_limit"
    # The configuration: install, key or model.
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
    ASK = "ask"  # needs approval for each call, unless a standing approval covers it
    DENY = "deny"


class ApprovalKind(models.TextChoices):
    """The kind of an approval."""

    TOOL_CALL = "tool_call"  # approval of a call
    QUESTION = "question"  # a text answer, which becomes the result of the call


class ApprovalStatus(models.TextChoices):
    """The status of an approval; it is resolved once."""

    OPEN = "open"
    ALLOWED = "allowed"
    DENIED = "denied"
    ANSWERED = "answered"
    EXPIRED = "expired"  # nobody answered in time; the call is not made
    WITHDRAWN = "withdrawn"  # its run or reply ended first


# Every transition of an approval, and the function of `agents.approvals.approvals` that makes it.
APPROVAL_TRANSITIONS = (
    (ApprovalStatus.OPEN, ApprovalStatus.ALLOWED, "answer"),
    (ApprovalStatus.OPEN, ApprovalStatus.DENIED, "answer"),
    (ApprovalStatus.OPEN, ApprovalStatus.ANSWERED, "answer"),
    (ApprovalStatus.OPEN, ApprovalStatus.EXPIRED, "answer"),  # the answer came too late
    (ApprovalStatus.OPEN, ApprovalStatus.EXPIRED, "expire"),
    (ApprovalStatus.OPEN, ApprovalStatus.WITHDRAWN, "withdraw"),
)


class Activity(models.TextChoices):
    """What a ledger entry pays for."""

    RUN_TURN = "run_turn"
    CHAT_TURN = "chat_turn"
    MANUAL_FORCE_BYPASS = "manual_force_bypass"


class PriceSource(models.TextChoices):
    """Where a price comes from."""

    CONSOLE = "console"
    LIST = "list"  # of genai-prices
    LOCAL = "local"  # the offline model or a local server: free
    UNKNOWN = "unknown"


class BudgetScope(models.TextChoices):
    """What a budget covers."""

    INSTALL = "install"
    PROJECT = "project"
    SCHEDULE = "schedule"


class BudgetWindow(models.TextChoices):
    """The period of a budget, in the install's time zone."""

    DAY = "day"
    MONTH = "month"


class McpTransport(models.TextChoices):
    """How an MCP server is reached."""

    STDIO = "stdio", "a command on this machine (stdio)"
    HTTP = "http", "an address (streamable HTTP)"


class McpToolState(models.TextChoices):
    """The state of a tool that an MCP server lists."""

    NEW = "new"  # not allowed yet, so not offered
    OFFERED = "offered"  # to the profiles that name it
    CHANGED = "changed"  # since it was allowed; not offered until it is allowed again
    UNFIT = "unfit"  # models reject its schema
    GONE = "gone"  # no longer listed
