"""The final turn: before a limit is reached, the agent is told to answer with what it has."""

from dataclasses import dataclass

from agents.engine.limits import Meter
from agents.states import FailureKind
from agents.transcripts.history import LAST_BUDGET, LAST_TURN


@dataclass(frozen=True)
class FinalTurn:
    """Why the next reply is the last one."""

    code: str
    kind: FailureKind
    message: str  # to the agent
    detail: str  # to the user


ANSWER_NOW = (
    "This is your last reply: {}. Tools can no longer be called. Answer now with what you have, "
    "and state plainly what is not done."
)
FINAL_TURNS = {
    LAST_TURN: FinalTurn(
        LAST_TURN,
        FailureKind.TURN_LIMIT,
        ANSWER_NOW.format("the limit of agent steps is reached"),
        "Reached its limit of agent steps. This is what it had by then.",
    ),
    LAST_BUDGET: FinalTurn(
        LAST_BUDGET,
        FailureKind.COST_LIMIT,
        ANSWER_NOW.format("the spending limit of this run is nearly reached"),
        "Nearly reached its spending limit. This is what it had by then.",
    ),
}


def final_turn_before(meter: Meter) -> FinalTurn | None:
    """Return why the next reply must be the last one; None if it need not."""
    if meter.turns_left == 1:
        return FINAL_TURNS[LAST_TURN]
    return FINAL_TURNS[LAST_BUDGET] if meter.nearly_spent else None
