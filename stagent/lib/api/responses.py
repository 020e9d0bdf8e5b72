"""Which answers an operation may give, for the OpenAPI document."""

from collections.abc import Callable
from typing import Any

from pydantic import ConfigDict, Field

from stagent.lib.api.types import Row


class Refusal(Row):
    """Why something cannot be done."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": "validation_error",
                "message": "cron: the minute is 0 to 59.",
                "fields": {"cron": "the minute is 0 to 59."},
            }
        }
    )

    error: str = Field(description="A code to act on.")
    message: str = Field(description="A sentence to read.")
    fields: dict[str, str] = Field(description="The fields that are wrong, each with what is wrong.")


def creates_nothing[View: Callable[..., Any]](view: View) -> View:
    """Let a POST take no Idempotency-Key: it makes nothing, and may not be kept in a transaction."""
    view.creates_nothing = True  # type: ignore[attr-defined]
    return view


def responses(model: Any, *refusals: int, status: int = 200) -> dict[int, Any]:
    """Return what an operation answers: its model, and the refusals beside 401 and 403."""
    return {status: model} | dict.fromkeys(sorted({401, 403, *refusals}), Refusal)
