"""The responses of an operation, for the OpenAPI document."""

from collections.abc import Callable
from typing import Any

from pydantic import ConfigDict, Field

from stagent.lib.api.types import Row


class ErrorResponse(Row):
    """The body of every error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": "validation_error",
                "message": "cron: the minute is 0 to 59.",
                "fields": {"cron": "the minute is 0 to 59."},
            }
        }
    )

    error: str = Field(description="Error code for programs.")
    message: str = Field(description="Error message for people.")
    fields: dict[str, str] = Field(description="Invalid fields, each with its error.")


def idempotency_exempt[View: Callable[..., Any]](view: View) -> View:
    """Mark a POST that creates nothing: it takes no Idempotency-Key and runs in no transaction of its own."""
    view.idempotency_exempt = True  # type: ignore[attr-defined]
    return view


def responses(model: Any, *errors: int, status: int = 200) -> dict[int, Any]:
    """Return the responses of an operation: its model, and these error statuses besides 401 and 403."""
    return {status: model} | dict.fromkeys(sorted({401, 403, *errors}), ErrorResponse)
