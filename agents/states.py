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


class Permission(models.TextChoices):
    """Whether a profile may use a tool."""

    ALLOW = "allow"
    DENY = "deny"


class Activity(models.TextChoices):
    """What a ledger row was for."""

    RUN_TURN = "run_turn"
    CHAT_TURN = "chat_turn"
    MANUAL_FORCE_BYPASS = "manual_force_bypass"


class BudgetScope(models.TextChoices):
    """Over what a budget adds up."""

    INSTALL = "install"
    PROJECT = "project"
    SCHEDULE = "schedule"


class BudgetWindow(models.TextChoices):
    """How long a budget adds up, in the install's time zone."""

    DAY = "day"
    MONTH = "month"
