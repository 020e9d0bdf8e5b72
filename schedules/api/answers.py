"""What a request to run now is told where every slot is taken, for the OpenAPI document."""

from pydantic import ConfigDict, Field

from stagent.lib.api.answers import Refusal
from stagent.lib.api.values import Id


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
