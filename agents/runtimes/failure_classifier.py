"""Classifies an exception as a kind of failure.

The order matters: the provider's error code, its error type, the HTTP status, the class, and the text of the
message last. Text misleads: "API returned 429: rate limit exceeded" contains both "turn" and "limit". Nothing
here imports the SDK, which takes seconds; its classes are known by name.
"""

import re
from dataclasses import dataclass
from typing import Any

from agents.failure_policies import Breaker, Policy, policy
from agents.runtimes.error_text import provider_message
from agents.runtimes.retry_after import retry_after
from agents.states import FailureKind as K
from agents.states import FailureReason
from stagent.lib.text import shorten

MAX_QUOTED_CHARS, MAX_DETAIL_CHARS = 200, 450  # of the provider's message and of the whole detail


@dataclass(frozen=True)
class Failure:
    """A classified failure; `agents.failure_policies` defines what follows from its kind."""

    kind: K
    detail: str
    retry_after_sec: float | None = None

    @property
    def policy(self) -> Policy:
        return policy(self.kind)

    @property
    def reason(self) -> FailureReason:
        return self.policy.reason

    @property
    def retryable(self) -> bool:
        return self.policy.retryable

    @property
    def opens_breaker(self) -> bool:
        """Whether the breaker opens at once: a bad key, a spending stop, a wrong address."""
        return self.policy.breaker == Breaker.TRIP


BY_CODE = {
    "enforced_spend_limit_reached": K.SPEND_STOP,
    "contract_spend_limit_reached": K.SPEND_STOP,
    "linked_organization_spend_limit_reached": K.SPEND_STOP,
    "linked_organization_billing_unavailable": K.SPEND_STOP,
    "user_profile_not_billable": K.SPEND_STOP,
    "user_profile_billing_not_authorized": K.SPEND_STOP,
    "organization_on_hold": K.BAD_KEY,
    "ramp_limit_exceeded": K.RATE_LIMITED,
    "request_body_too_large_after_decoding": K.CONTEXT_TOO_LONG,
}

BY_TYPE = {  # api_error adds nothing to its status
    "billing_error": K.SPEND_STOP,
    "authentication_error": K.BAD_KEY,
    "permission_error": K.BAD_KEY,
    "rate_limit_error": K.RATE_LIMITED,
    "overloaded_error": K.OVERLOADED,
    "timeout_error": K.STALLED,
    "request_too_large": K.CONTEXT_TOO_LONG,
    "exceed_context_size_error": K.CONTEXT_TOO_LONG,  # llama.cpp
}

BY_STATUS = {
    401: K.BAD_KEY,
    402: K.SPEND_STOP,
    403: K.BAD_KEY,
    404: K.WRONG_API,
    405: K.WRONG_API,
    408: K.STALLED,
    409: K.SERVER_ERROR,
    410: K.MODEL_UNKNOWN,
    413: K.CONTEXT_TOO_LONG,
    425: K.OVERLOADED,
    429: K.RATE_LIMITED,
    501: K.WRONG_API,
    503: K.OVERLOADED,
    504: K.STALLED,
    529: K.OVERLOADED,
}

BY_CLASS = {
    "agents.RunLimitExceeded": K.COST_LIMIT,
    "agents.BudgetExceeded": K.BUDGET_SPENT,
    "agents.LeaseLost": K.LEASE_LOST,
    "agents.TurnLimitExceeded": K.TURN_LIMIT,
    "agents.CutStream": K.CUT_STREAM,
    "agents.NotAModelServer": K.WRONG_API,
    "agents.NoMessagesApi": K.WRONG_API,
    "agents.Redirected": K.WRONG_ADDRESS,
    "agents.ToolsUnsupported": K.TOOLS_UNSUPPORTED,
    "agents.ProviderError": K.SERVER_ERROR,
    "agents.GarbledStream": K.GARBLED,
    "agents.LineTooLong": K.GARBLED,
    "agents.UnknownRuntime": K.RUNTIME_UNKNOWN,
    "asyncio.CancelledError": K.CANCELLED,
    "builtins.TimeoutError": K.STALLED,
    "anthropic.CredentialsError": K.BAD_KEY,
    "anthropic.APITimeoutError": K.STALLED,  # a subclass of the next; the nearest class in the MRO wins
    "anthropic.APIConnectionError": K.CUT_STREAM,
    "anthropic.APIResponseValidationError": K.GARBLED,
    "anthropic.APIStatusError": K.SERVER_ERROR,  # an error event in a stream of status 200
    "aiohttp.ClientConnectorError": K.UNREACHABLE,
    "aiohttp.ClientConnectionError": K.CUT_STREAM,  # after the connection was made
    "httpx2.ConnectTimeout": K.UNREACHABLE,
    "httpx2.ConnectError": K.UNREACHABLE,
    "httpx2.ProxyError": K.UNREACHABLE,
    "httpx2.TimeoutException": K.STALLED,
    "httpx2.UnsupportedProtocol": K.WRONG_ADDRESS,
    "httpx2.InvalidURL": K.WRONG_ADDRESS,
    "httpx2.TooManyRedirects": K.WRONG_ADDRESS,
    "httpx2.TransportError": K.CUT_STREAM,
    "httpx2.DecodingError": K.GARBLED,
    "builtins.ConnectionRefusedError": K.UNREACHABLE,
    "builtins.ConnectionError": K.CUT_STREAM,
    # Raised by the SDK's stream reader for invalid data; json.JSONDecodeError is a ValueError.
    "builtins.AssertionError": K.GARBLED,
    "builtins.IndexError": K.GARBLED,
    "builtins.ValueError": K.GARBLED,
    "django.OperationalError": K.DATABASE_AWAY,
    "django.InterfaceError": K.DATABASE_AWAY,
}

_NUMBER = r"\b(?:http|status|code|error|returned)\W{0,3}"
BY_TEXT = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"\bcredit balance is too low\b|\bspend(?:ing)? limit\b|" + _NUMBER + r"402\b", K.SPEND_STOP),
        (r"\bnot logged in\b|\b(?:invalid|incorrect|missing|expired) (?:x-)?api[- ]key\b", K.BAD_KEY),
        (r"\bauthentication\b|\bunauthori[sz]ed\b|" + _NUMBER + r"40[13]\b", K.BAD_KEY),
        (r"\bprompt is too long\b|\binput is too long\b|\btoo many (?:input )?tokens\b", K.CONTEXT_TOO_LONG),
        (r"\b(?:context|prompt)[ -](?:length|window|size)\b|\bmaximum context\b", K.CONTEXT_TOO_LONG),
        (r"\bexceeds? (?:the )?(?:available |model'?s? |maximum )*context\b", K.CONTEXT_TOO_LONG),
        (r"\bloading (?:the )?model\b|\bmodel (?:is |still |being |currently )*loading\b", K.LOADING),
        (r"\bwarming up\b|\bstarting up\b", K.LOADING),
        (r"\b(?:not|n't) support (?:tools?|tool[ -]?(?:use|calls?|calling)|function)", K.TOOLS_UNSUPPORTED),
        (r"\btools?(?: use| calls?| calling)? (?:is|are) not supported\b|--jinja\b", K.TOOLS_UNSUPPORTED),
        (r"\bmodels?\b[^.]{0,120}\b(?:not found|not exist|unknown|not available)", K.MODEL_UNKNOWN),
        (r"\bmodel\b[^.]{0,120}\b(?:retired|deprecated|discontinued)\b", K.MODEL_UNKNOWN),
        (r"\b(?:unknown|invalid|no such) model\b|^model:? \S+$", K.MODEL_UNKNOWN),
        (r"\brate[- ]limit(?:s|ed|ing)?\b|\btoo many requests\b|" + _NUMBER + r"429\b", K.RATE_LIMITED),
        (r"\boverloaded\b|" + _NUMBER + r"(?:503|529)\b", K.OVERLOADED),
        (r"\btimed out\b|\btime-?out\b|" + _NUMBER + r"(?:408|504)\b", K.STALLED),
        (r"\bturn limit\b|\bmax(?:imum)?[ _]turns\b", K.TURN_LIMIT),
    )
)
_TRUSTED_IN_400 = {
    K.SPEND_STOP,
    K.CONTEXT_TOO_LONG,
    K.TOOLS_UNSUPPORTED,
    K.MODEL_UNKNOWN,
}  # trusted in a 400
_TRUSTED_IN_5XX = {
    K.CONTEXT_TOO_LONG,
    K.TOOLS_UNSUPPORTED,
    K.LOADING,
}  # trusted in a 5xx, which local servers return
_ENDS = (".", "!", "?", ")")


def classify(error: BaseException) -> Failure:
    """Classify an exception. Never raises."""
    kind = _by_response(error) or _by_class(error) or _by_text(str(error)) or K.UNEXPECTED
    wait = retry_after(_headers(error)) if policy(kind).retryable else None
    message, request_id = provider_message(error), getattr(error, "request_id", None)
    if kind == K.UNEXPECTED:
        message = f"{type(error).__name__}: {message}"
    is_complete = type(error).__name__ in COMPLETE_TEXTS
    return Failure(
        kind, shorten(message, MAX_DETAIL_CHARS) if is_complete else describe(kind, message, request_id), wait
    )


def describe(kind: K, message: str = "", request_id: str | None = None) -> str:
    """Describe a failure in one or two sentences: what happened, the provider's message, the remedy."""
    row = policy(kind)
    message = shorten(message, MAX_QUOTED_CHARS)
    text = message if message and kind in OWN_TEXTS else ": ".join(filter(None, (row.summary, message)))
    text = text if text.endswith(_ENDS) else f"{text}."
    return " ".join(filter(None, (text, row.remedy, f"[{request_id}]" if request_id else "")))


# Exceptions whose message is complete, with the remedy.
COMPLETE_TEXTS = {"NotAModelServer", "NoMessagesApi", "Redirected", "ToolsUnsupported"}
# Kinds whose exception message replaces the summary.
OWN_TEXTS = {K.BUDGET_SPENT, K.COST_LIMIT, K.TURN_LIMIT, K.RUNTIME_UNKNOWN}


def _by_response(error: BaseException) -> K | None:
    """Classify by the provider's response: code, type, then status."""
    code, kind = getattr(error, "error_code", None), getattr(error, "type", None)
    status = getattr(error, "status_code", None) or (200 if hasattr(error, "api_message") else None)
    if kind == "invalid_request_error" and status not in (404, 405):
        status = 400
    found = BY_CODE.get(code or "") or BY_TYPE.get(kind if isinstance(kind, str) else "")
    return found or _by_status(status, kind, provider_message(error))


def _by_status(status: Any, kind: Any, message: str) -> K | None:
    if not isinstance(status, int):
        return None
    by_text = _by_text(message)
    if status < 300:  # of a stream that ended with an error event: the status is meaningless
        return by_text if by_text in _TRUSTED_IN_5XX else None
    if status < 400:
        return K.WRONG_ADDRESS  # an unfollowed redirect
    if status >= 500 and by_text in _TRUSTED_IN_5XX:
        return by_text
    if status == 404 and (by_text == K.MODEL_UNKNOWN or _names_model(kind, message)):
        return K.MODEL_UNKNOWN
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return K.SERVER_ERROR
    return by_text if by_text in _TRUSTED_IN_400 else K.REQUEST_REFUSED


def _names_model(kind: Any, message: str) -> bool:
    """Return whether a 404 is about the model: a server without the Messages API names the path."""
    return re.search(r"\bmodel\b", message, re.IGNORECASE) is not None or (
        kind == "not_found_error" and "/" not in message
    )


def _by_class(error: BaseException) -> K | None:
    if isinstance(error, TypeError):  # raised by the SDK without a key
        return K.BAD_KEY if re.search(r"\bauthentication\b", str(error)) else K.UNEXPECTED
    cause = error.__cause__
    wrapped = type(error).__name__ in ("APIConnectionError", "APITimeoutError")
    if wrapped and cause is not None and cause is not error:
        return _by_class(cause) or K.CUT_STREAM
    # The transport raises ConnectError for every connection error of aiohttp.
    if cause is not None and type(error).__name__ == "ConnectError" and _package(cause) == "aiohttp":
        return _by_class(cause)
    names = (f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(error).__mro__)
    return next((BY_CLASS[name] for name in names if name in BY_CLASS), None)


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def _by_text(text: str) -> K | None:
    return next((kind for pattern, kind in BY_TEXT if pattern.search(text)), None)


def _headers(error: BaseException) -> Any:
    return getattr(getattr(error, "response", None), "headers", None) or {}
