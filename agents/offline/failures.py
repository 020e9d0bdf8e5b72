"""The API's errors, as HTTP answers and as events in a stream."""

from dataclasses import dataclass, field
from typing import Any

from agents.offline.directives import Orders

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
ORDERED = "The offline model was told to fail like this."


@dataclass
class ApiFailure(Exception):
    """An error answer of the API."""

    status: int
    message: str
    details: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str | None) -> dict[str, Any]:
        """Return the body that the API sends."""
        return {
            "type": "error",
            "error": error(self.status, self.message, self.details),
            "request_id": request_id,
        }


def error(status: int, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the error object of a status."""
    extra = {"details": details} if details else {}
    return {"type": TYPES[status], "message": message, **extra}


def refuse_if_ordered(orders: Orders, count: int) -> None:
    """Raise the failure that the orders want instead of an answer to the count-th request."""
    if count <= orders.rate_limits:
        raise ApiFailure(429, "Too many requests, as ordered.", headers=retry_after(orders.retry_after or 1))
    if count <= orders.rate_limits + orders.overloads:
        raise ApiFailure(529, "Overloaded", headers=retry_after(orders.retry_after))
    if orders.badkey:
        raise ApiFailure(401, "invalid x-api-key")
    if orders.spend:
        details = {"error_code": "enforced_spend_limit_reached"}
        raise ApiFailure(429, "You have reached your monthly spend limit.", details)
    if orders.fail:
        raise ApiFailure(orders.fail, ORDERED)


def retry_after(seconds: float | None) -> dict[str, str]:
    """Return the Retry-After header, where there is one to give."""
    return {} if seconds is None else {"retry-after": f"{seconds:g}"}
