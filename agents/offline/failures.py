"""Errors of the API, as HTTP responses and as stream events."""

from dataclasses import dataclass, field
from typing import Any

from agents.offline.directives import Directive

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
STATUS_OF = {
    "overloaded": 529,
    "api": 500,
    "rate_limit": 429,
    "timeout": 504,
    "billing": 402,
    "authentication": 401,
}
REQUESTED_FAILURE = "The directive requested this failure."


@dataclass
class ApiFailure(Exception):
    """An error response of the API."""

    status: int
    message: str
    details: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str | None) -> dict[str, Any]:
        return {
            "type": "error",
            "error": error(self.status, self.message, self.details),
            "request_id": request_id,
        }


def error(status: int, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    extra = {"details": details} if details else {}
    return {"type": TYPES[status], "message": message, **extra}


def raise_requested_failure(directive: Directive, count: int) -> None:
    """Raise the failure that the directive requests for the count-th request, if any."""
    if count <= directive.rate_limits:
        raise ApiFailure(
            429,
            "Too many requests, as the directive requests.",
            headers=retry_after(directive.retry_after or 1),
        )
    if count <= directive.rate_limits + directive.overloads:
        raise ApiFailure(529, "Overloaded", headers=retry_after(directive.retry_after))
    if directive.badkey:
        raise ApiFailure(401, "invalid x-api-key")
    if directive.spend:
        details = {"error_code": "enforced_spend_limit_reached"}
        raise ApiFailure(429, "You have reached your monthly spend limit.", details)
    if directive.fail:
        raise ApiFailure(directive.fail, REQUESTED_FAILURE)


def retry_after(seconds: float | None) -> dict[str, str]:
    """Return the Retry-After header; none without a value."""
    return {} if seconds is None else {"retry-after": f"{seconds:g}"}
