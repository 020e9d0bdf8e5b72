"""Stagent's own tools: agents read and change schedules and runs.

They call the same services as the API, as the user the agent works for, with that user's permissions and the
API's field names. An agent without a user has no access.
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
    """Register the tools. Idempotent."""
    for tool in OURS:
        registry.register(tool)
