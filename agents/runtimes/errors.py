"""From what was raised to why it failed.

The order is the point: the provider's error code, its error type, the HTTP status, the class, and the words
of the message last. Words mislead: "API returned 429: rate limit exceeded" holds both "turn" and "limit".
Nothing here imports the SDK, which takes seconds; its classes are known by name.
"""

import re
from dataclasses import dataclass
from typing import Any

from agents.failures import Breaker, Policy, policy
from agents.runtimes.error_text import provider_message
from agents.runtimes.retry_after import retry_after
from agents.states import FailureKind as K
from agents.states import FailureReason
from stagent.lib.text import shorten

MOST_WORDS, MOST_OF_ALL = 200, 450  # characters of what the provider said, and of a whole explanation


@dataclass(frozen=True)
class Failure:
    """What went wrong; `agents.failures` says what follows from its kind."""

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
    def provider_stop(self) -> bool:
        """Whether the provider is to be left alone at once: a bad key, a spend stop, a wrong address."""
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

BY_TYPE = {  # an api_error says no more than its status
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
    "agents.EndlessLine": K.GARBLED,
    "agents.UnknownRuntime": K.RUNTIME_UNKNOWN,
    "asyncio.CancelledError": K.CANCELLED,
    "builtins.TimeoutError": K.STALLED,
    "anthropic.CredentialsError": K.BAD_KEY,
    "anthropic.APITimeoutError": K.STALLED,  # a subclass of the next: the nearest class in the MRO wins
    "anthropic.APIConnectionError": K.CUT_STREAM,
    "anthropic.APIResponseValidationError": K.GARBLED,
    "anthropic.APIStatusError": K.SERVER_ERROR,  # an error event of a stream whose status was 200
    "aiohttp.ClientConnectorError": K.UNREACHABLE,
    "aiohttp.ClientConnectionError": K.CUT_STREAM,  # of a connection that was made
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
    # What the SDK's stream reader raises at nonsense; json.JSONDecodeError is a ValueError.
    "builtins.AssertionError": K.GARBLED,
    "builtins.IndexError": K.GARBLED,
    "builtins.ValueError": K.GARBLED,
    "django.OperationalError": K.DATABASE_AWAY,
    "django.InterfaceError": K.DATABASE_AWAY,
}

_NUMBER = r"\b(?:http|status|code|error|returned)\W{0,3}"
BY_WORDS = tuple(
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
_IN_REFUSALS = {
    K.SPEND_STOP,
    K.CONTEXT_TOO_LONG,
    K.TOOLS_UNSUPPORTED,
    K.MODEL_UNKNOWN,
}  # trusted in a plain 400
_IN_FAULTS = {K.CONTEXT_TOO_LONG, K.TOOLS_UNSUPPORTED, K.LOADING}  # and in a 5xx, as local servers answer
_ENDS = (".", "!", "?", ")")


def classify(error: BaseException) -> Failure:
    """Return why this was raised. Never raises itself."""
    kind = _by_answer(error) or _by_class(error) or _by_words(str(error)) or K.UNEXPECTED
    wait = retry_after(_headers(error)) if policy(kind).retryable else None
    said, ident = provider_message(error), getattr(error, "request_id", None)
    if kind == K.UNEXPECTED:
        said = f"{type(error).__name__}: {said}"
    whole = type(error).__name__ in EXPLAINED
    return Failure(kind, shorten(said, MOST_OF_ALL) if whole else describe(kind, said, ident), wait)


def describe(kind: K, said: str = "", request_id: str | None = None) -> str:
    """Say what happened, why as far as somebody told us, and what to do: a sentence or two for people."""
    row = policy(kind)
    said = shorten(said, MOST_WORDS)
    what = said if said and kind in OUR_WORDS else ": ".join(filter(None, (row.says, said)))
    what = what if what.endswith(_ENDS) else f"{what}."
    return " ".join(filter(None, (what, row.remedy, f"[{request_id}]" if request_id else "")))


# Exceptions that say it all, the remedy too.
EXPLAINED = {"NotAModelServer", "NoMessagesApi", "Redirected", "ToolsUnsupported"}
# Kinds whose exceptions say what happened.
OUR_WORDS = {K.BUDGET_SPENT, K.COST_LIMIT, K.TURN_LIMIT, K.RUNTIME_UNKNOWN}


def _by_answer(error: BaseException) -> K | None:
    """Judge by what the provider answered: code, type, then status."""
    code, kind = getattr(error, "error_code", None), getattr(error, "type", None)
    status = getattr(error, "status_code", None) or (200 if hasattr(error, "api_message") else None)
    if kind == "invalid_request_error" and status not in (404, 405):
        status = 400
    found = BY_CODE.get(code or "") or BY_TYPE.get(kind if isinstance(kind, str) else "")
    return found or _by_status(status, kind, provider_message(error))


def _by_status(status: Any, kind: Any, said: str) -> K | None:
    if not isinstance(status, int):
        return None
    words = _by_words(said)
    if status < 300:  # that of a stream, which broke off with an error event: it says nothing
        return words if words in _IN_FAULTS else None
    if status < 400:
        return K.WRONG_ADDRESS  # a redirect that is not followed
    if status >= 500 and words in _IN_FAULTS:
        return words
    if status == 404 and (words == K.MODEL_UNKNOWN or _names_model(kind, said)):
        return K.MODEL_UNKNOWN
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return K.SERVER_ERROR
    return words if words in _IN_REFUSALS else K.REQUEST_REFUSED


def _names_model(kind: Any, said: str) -> bool:
    """Tell a 404 about the model from one about the path: a server without the Messages API names that."""
    return re.search(r"\bmodel\b", said, re.IGNORECASE) is not None or (
        kind == "not_found_error" and "/" not in said
    )


def _by_class(error: BaseException) -> K | None:
    if isinstance(error, TypeError):  # how the SDK says that it has no key
        return K.BAD_KEY if re.search(r"\bauthentication\b", str(error)) else K.UNEXPECTED
    cause = error.__cause__
    wrapped = type(error).__name__ in ("APIConnectionError", "APITimeoutError")
    if wrapped and cause is not None and cause is not error:
        return _by_class(cause) or K.CUT_STREAM
    # The transport calls everything a ConnectError that aiohttp calls a connection error.
    if cause is not None and type(error).__name__ == "ConnectError" and _package(cause) == "aiohttp":
        return _by_class(cause)
    names = (f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(error).__mro__)
    return next((BY_CLASS[name] for name in names if name in BY_CLASS), None)


def _package(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def _by_words(text: str) -> K | None:
    return next((kind for pattern, kind in BY_WORDS if pattern.search(text)), None)


def _headers(error: BaseException) -> Any:
    return getattr(getattr(error, "response", None), "headers", None) or {}
