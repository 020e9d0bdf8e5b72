"""Stagent's own tools: how agents look at schedules and runs, and change them.

They walk through the API's doors in the name of the person an agent works for, with that person's
permissions and the API's field names. An agent that works for nobody may look and change nothing.
"""

from agents.tools import registry
from schedules.agent_tools.read import FORECAST, GET_RUN, GET_SCHEDULE, LIST_RUNS, LIST_SCHEDULES
from schedules.agent_tools.write import (
    CANCEL_RUN,
    CREATE_SCHEDULE,
    PAUSE_SCHEDULE,
    RESUME_SCHEDULE,
    RUN_SCHEDULE,
    UPDATE_SCHEDULE,
)

OURS = (
    LIST_SCHEDULES,
    GET_SCHEDULE,
    CREATE_SCHEDULE,
    UPDATE_SCHEDULE,
    PAUSE_SCHEDULE,
    RESUME_SCHEDULE,
    RUN_SCHEDULE,
    CANCEL_RUN,
    LIST_RUNS,
    GET_RUN,
    FORECAST,
)


def register() -> None:
    """Offer them to agents; a second time changes nothing."""
    for tool in OURS:
        registry.register(tool)
