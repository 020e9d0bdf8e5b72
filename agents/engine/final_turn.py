"""The soft landing: before a limit is hit, the agent is told to answer now, so that there is an answer."""

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
    "and say plainly what is left undone."
)
FINAL_TURNS = {
    LAST_TURN: FinalTurn(
        LAST_TURN,
        FailureKind.TURN_LIMIT,
        ANSWER_NOW.format("the limit of agent steps is reached"),
        "It reached its limit of agent steps; this is what it had by then.",
    ),
    LAST_BUDGET: FinalTurn(
        LAST_BUDGET,
        FailureKind.COST_LIMIT,
        ANSWER_NOW.format("what this run may spend is nearly spent"),
        "It reached the limit of what it may spend; this is what it had by then.",
    ),
}


def final_turn_before(meter: Meter) -> FinalTurn | None:
    """Return why the reply to come has to be the last one, if it has to."""
    if meter.turns_left == 1:
        return FINAL_TURNS[LAST_TURN]
    return FINAL_TURNS[LAST_BUDGET] if meter.nearly_spent else None
