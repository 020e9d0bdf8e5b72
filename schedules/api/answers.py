"""Which answers an operation may give, for the OpenAPI document."""

from typing import Any

from pydantic import ConfigDict, Field

from schedules.api.values import Id, Row


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


class CapacityRefusal(Refusal):
    """Every slot is taken."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": "capacity_full",
                "message": "All slots are taken; the next one is expected in about 95 s.",
                "fields": {},
                "slot_eta_sec": 95,
                "position": 1,
                "blocking": ["41", "42"],
            }
        }
    )

    slot_eta_sec: int = Field(description="Seconds until a slot is expected; Retry-After says the same.")
    position: int = Field(description="The place in the queue a request with ?queue=true would get.")
    blocking: list[Id] = Field(description="The runs that run, the one expected to end first in front.")


def answers(model: Any, *refusals: int, status: int = 200) -> dict[int, Any]:
    """Return what an operation answers: its model, and the refusals beside 401 and 403."""
    return {status: model} | dict.fromkeys(sorted({401, 403, *refusals}), Refusal)
