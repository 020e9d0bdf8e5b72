"""From what was raised to why it failed.

The order is the point: the provider's error code, its error type, the HTTP status, the class, and the words
of the message last. Words mislead: "API returned 429: rate limit exceeded" holds both "turn" and "limit".
Nothing here imports the SDK, which takes seconds; its classes are known by name.
"""

import re
from dataclasses import dataclass
from typing import Any

from agents.retry_after import retry_after
from agents.states import FailureReason
from agents.text import shorten


class LeaseLost(Exception):
    """Somebody else holds the run's token now, or nobody: stop, discard, write nothing more."""


class BudgetExceeded(Exception):
    """A limit or budget is used up; the message names it, for the user."""


class TurnLimitExceeded(Exception):
    """The model was asked as often as it may be."""


class CutStream(Exception):
    """The stream ended without a stop reason: what came is not the whole reply."""


@dataclass(frozen=True)
class Failure:
    """Why it failed, for the run's row and for whoever decides whether to try again."""

    reason: FailureReason
    detail: str
    retryable: bool = False
    retry_after_sec: float | None = None
    provider_stop: bool = False  # a bad key or a spend stop: nobody else needs to try either


@dataclass(frozen=True)
class _Verdict:
    reason: FailureReason
    says: str
    retryable: bool = False
    stop: bool = False


BUDGET = _Verdict(FailureReason.BUDGET_EXCEEDED, "")
LEASE = _Verdict(FailureReason.LEASE_EXPIRED, "The lease was lost")
ABORTED = _Verdict(FailureReason.ABORTED, "Cancelled")
SPEND = _Verdict(FailureReason.BUDGET_EXCEEDED, "The provider stopped us over money", stop=True)
AUTH = _Verdict(FailureReason.AUTH_FAILED, "The provider does not accept the API key", stop=True)
RATE = _Verdict(FailureReason.RATE_LIMITED, "The provider asks us to slow down", retryable=True)
OVERLOAD = _Verdict(FailureReason.OVERLOADED, "The provider is overloaded", retryable=True)
TIMEOUT = _Verdict(FailureReason.TIMEOUT, "The provider took too long to answer", retryable=True)
CONTEXT = _Verdict(FailureReason.CONTEXT_WINDOW_EXCEEDED, "The conversation is too long for the model")
TURNS = _Verdict(FailureReason.TURN_LIMIT_EXCEEDED, "")
MISCONFIGURED = _Verdict(FailureReason.SDK_ERROR, "")
UNKNOWN_MODEL = _Verdict(FailureReason.SDK_ERROR, "The provider does not know this model or address")
REFUSED = _Verdict(FailureReason.SDK_ERROR, "The provider refused the request")
BROKEN = _Verdict(FailureReason.SDK_ERROR, "The connection to the provider broke", retryable=True)
FAULT = _Verdict(FailureReason.SDK_ERROR, "The provider failed", retryable=True)
GARBLED = _Verdict(FailureReason.SDK_ERROR, "The provider's answer could not be read", retryable=True)
DATABASE = _Verdict(FailureReason.SDK_ERROR, "The database is away", retryable=True)
UNEXPECTED = _Verdict(FailureReason.SDK_ERROR, "Something unexpected went wrong")

BY_CODE = {
    "enforced_spend_limit_reached": SPEND,
    "contract_spend_limit_reached": SPEND,
    "linked_organization_spend_limit_reached": SPEND,
    "linked_organization_billing_unavailable": SPEND,
    "user_profile_not_billable": SPEND,
    "user_profile_billing_not_authorized": SPEND,
    "organization_on_hold": AUTH,
    "ramp_limit_exceeded": RATE,
    "request_body_too_large_after_decoding": CONTEXT,
}

BY_TYPE = {
    "billing_error": SPEND,
    "authentication_error": AUTH,
    "permission_error": AUTH,
    "rate_limit_error": RATE,
    "overloaded_error": OVERLOAD,
    "timeout_error": TIMEOUT,
    "request_too_large": CONTEXT,
    "not_found_error": UNKNOWN_MODEL,  # an api_error says no more than its status
}

BY_STATUS = {
    401: AUTH,
    402: SPEND,
    403: AUTH,
    404: UNKNOWN_MODEL,
    408: TIMEOUT,
    413: CONTEXT,
    429: RATE,
    503: OVERLOAD,
    504: TIMEOUT,
    529: OVERLOAD,
}

BY_CLASS = {
    "agents.BudgetExceeded": BUDGET,
    "agents.LeaseLost": LEASE,
    "agents.TurnLimitExceeded": TURNS,
    "agents.CutStream": BROKEN,
    "agents.UnknownRuntime": MISCONFIGURED,
    "agents.NotAModelServer": MISCONFIGURED,
    "agents.NoMessagesApi": MISCONFIGURED,
    "agents.ToolsUnsupported": MISCONFIGURED,
    "agents.ProviderError": FAULT,
    "agents.GarbledStream": GARBLED,
    "agents.EndlessLine": GARBLED,
    "asyncio.CancelledError": ABORTED,
    "builtins.TimeoutError": TIMEOUT,
    "anthropic.CredentialsError": AUTH,
    "anthropic.APITimeoutError": TIMEOUT,  # a subclass of the next: the nearest class in the MRO wins
    "anthropic.APIConnectionError": BROKEN,
    "anthropic.APIResponseValidationError": GARBLED,
    "anthropic.APIStatusError": FAULT,  # an error event of a stream whose status was 200
    "httpx2.TimeoutException": TIMEOUT,
    "httpx2.UnsupportedProtocol": REFUSED,
    "httpx2.InvalidURL": REFUSED,
    "httpx2.TransportError": BROKEN,
    "builtins.ConnectionError": BROKEN,
    # What the SDK's stream reader raises at nonsense; json.JSONDecodeError is a ValueError.
    "builtins.AssertionError": GARBLED,
    "builtins.IndexError": GARBLED,
    "builtins.ValueError": GARBLED,
    "django.OperationalError": DATABASE,
    "django.InterfaceError": DATABASE,
}

_NUMBER = r"\b(?:http|status|code|error|returned)\W{0,3}"
BY_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), verdict)
    for pattern, verdict in (
        (r"\bcredit balance is too low\b|\bspend(?:ing)? limit\b|" + _NUMBER + r"402\b", SPEND),
        (r"\bnot logged in\b|\b(?:invalid|incorrect|missing|expired) (?:x-)?api[- ]key\b", AUTH),
        (r"\bauthentication\b|\bunauthori[sz]ed\b|" + _NUMBER + r"40[13]\b", AUTH),
        (r"\brate[- ]limit(?:s|ed|ing)?\b|\btoo many requests\b|" + _NUMBER + r"429\b", RATE),
        (r"\boverloaded\b|" + _NUMBER + r"(?:503|529)\b", OVERLOAD),
        (r"\bprompt is too long\b|\bcontext (?:length|window|size)\b|\bmaximum context\b", CONTEXT),
        (r"\btimed out\b|\btime-?out\b|" + _NUMBER + r"(?:408|504)\b", TIMEOUT),
        (r"\bturn limit\b|\bmax(?:imum)?[ _]turns\b", TURNS),
    )
)
_IN_REFUSALS = {SPEND, CONTEXT}  # what the words of a plain 400 are trusted to say


def classify(error: BaseException) -> Failure:
    """Return why this was raised. Never raises itself."""
    verdict = _by_answer(error) or _by_class(error) or _by_words(str(error)) or UNEXPECTED
    return Failure(
        reason=verdict.reason,
        detail=_detail(error, verdict),
        retryable=verdict.retryable,
        retry_after_sec=retry_after(_headers(error)) if verdict.retryable else None,
        provider_stop=verdict.stop,
    )


def _by_answer(error: BaseException) -> _Verdict | None:
    """Judge by what the provider answered: code, type, then status."""
    code, kind = getattr(error, "error_code", None), getattr(error, "type", None)
    status = 400 if kind == "invalid_request_error" else getattr(error, "status_code", None)
    return BY_CODE.get(code or "") or BY_TYPE.get(kind or "") or _by_status(status, _said(error))


def _by_status(status: Any, said: str) -> _Verdict | None:
    # A stream that breaks off with an error event has status 200: that says nothing.
    if not isinstance(status, int) or status < 400:
        return None
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return FAULT
    verdict = _by_words(said)
    return verdict if verdict in _IN_REFUSALS else REFUSED


def _by_class(error: BaseException) -> _Verdict | None:
    if isinstance(error, TypeError):  # how the SDK says that it has no key
        return AUTH if re.search(r"\bauthentication\b", str(error)) else UNEXPECTED
    names = (f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(error).__mro__)
    return next((BY_CLASS[name] for name in names if name in BY_CLASS), None)


def _by_words(text: str) -> _Verdict | None:
    return next((verdict for pattern, verdict in BY_WORDS if pattern.search(text)), None)


def _detail(error: BaseException, verdict: _Verdict) -> str:
    ident = getattr(error, "request_id", None)
    parts = [part for part in (verdict.says, _said(error)) if part]
    return shorten(": ".join(parts) or verdict.reason.value, 300) + (f" [{ident}]" if ident else "")


def _said(error: BaseException) -> str:
    """Return the provider's own words, or those of what lies below a connection error."""
    if message := getattr(error, "api_message", None):
        return str(message)
    if type(error).__name__ in ("APITimeoutError", "CancelledError"):
        return ""  # the SDK's text explains the SDK
    cause = error.__cause__ if type(error).__name__ == "APIConnectionError" else None
    return str(cause or error) or type(error).__name__


def _headers(error: BaseException) -> Any:
    return getattr(getattr(error, "response", None), "headers", None) or {}
