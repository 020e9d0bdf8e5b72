"""What a skill is given: the request, its words, and what they pick out."""

from dataclasses import dataclass, field

from agents.offline import history
from agents.offline.request import OfflineRequest

POINTING = {"it", "that", "this", "that one", "this one", "the schedule", "that schedule", "this schedule"}


@dataclass(frozen=True)
class IntentRequest:
    """One thing somebody wants."""

    ask: OfflineRequest
    text: str
    words: dict[str, str] = field(default_factory=dict)

    @property
    def schedule(self) -> str:
        """The schedule that is meant; "it" is the one that the conversation was last about."""
        name = self.words.get("name", "")
        return last_schedule(self.ask) if name.lower() in POINTING else name


def last_schedule(ask: OfflineRequest) -> str:
    """Return the schedule that a tool was last called for, or nothing."""
    inputs = reversed(history.earlier_inputs(ask.messages))
    named = (given.get("schedule") or (given.get("name") if "prompt" in given else "") for given in inputs)
    return next((str(name) for name in named if name), "")
