"""The input of a skill: the request, its text, and the values extracted from it."""

from dataclasses import dataclass, field

from agents.offline import history
from agents.offline.request import OfflineRequest

PRONOUNS = {"it", "that", "this", "that one", "this one", "the schedule", "that schedule", "this schedule"}


@dataclass(frozen=True)
class IntentRequest:
    """A parsed request of a person."""

    request: OfflineRequest
    text: str
    params: dict[str, str] = field(default_factory=dict)

    @property
    def schedule(self) -> str:
        """The name of the schedule; "it" is the one that the last tool call was about."""
        name = self.params.get("name", "")
        return last_schedule(self.request) if name.lower() in PRONOUNS else name


def last_schedule(request: OfflineRequest) -> str:
    """Return the schedule of the last tool call, or an empty string."""
    inputs = reversed(history.earlier_inputs(request.messages))
    names = (
        values.get("schedule") or (values.get("name") if "prompt" in values else "") for values in inputs
    )
    return next((str(name) for name in names if name), "")
