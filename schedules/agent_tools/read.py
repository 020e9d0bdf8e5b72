"""The tools that read schedules, runs and the forecast."""

from typing import Any

from agents.states import FailureReason
from agents.tools.base import Arguments, Tool, ToolContext
from schedules.agent_tools import schemas
from schedules.agent_tools.context import find_schedule, require_view, tool_call
from schedules.agent_tools.schemas import RUN, SCHEDULE, limit, schema
from schedules.api.schemas.runs import run_row, run_rows
from schedules.api.schemas.schedules import schedule_row
from schedules.capacity import conditions, effective_cap
from schedules.forecast.as_json import answer
from schedules.forecast.forecast import MOST_HOURS
from schedules.forecast.forecast import forecast as look_ahead
from schedules.services import lookups
from schedules.states import RunStatus, ScheduleStatus
from stagent.lib import clock

SHOWN = 100


@tool_call
def forecast(context: ToolContext, arguments: Arguments) -> Any:
    """Return the forecast of the coming hours."""
    require_view(context, "view_schedule")
    situation = conditions.load(now := clock.now(), effective_cap.load(now))
    ahead = look_ahead(situation, hours=arguments.get("hours", 24), cap=arguments.get("cap"))
    return answer(ahead, limit=SHOWN)


FORECAST = Tool(
    name="forecast",
    description=(
        "Look ahead: every firing of the coming hours with its predicted start and wait under the cap, the "
        "peak, and steps and cost by day. `cap` answers what would be if the cap were another. An estimate "
        "from usual runs; `count` is how many firings there are, the first 100 are listed."
    ),
    input_schema=schema(
        hours={"type": "integer", "minimum": 1, "maximum": MOST_HOURS, "description": "24 unless said."},
        cap={"type": "integer", "minimum": 1, "maximum": 1000},
    ),
    call=forecast,
    idempotent=True,
)


@tool_call
def list_schedules(context: ToolContext, arguments: Arguments) -> Any:
    """List schedules by name."""
    require_view(context, "view_schedule")
    found = lookups.schedules()
    if status := arguments.get("status"):
        found = found.filter(status=status)
    if part := arguments.get("search"):
        found = found.filter(name__icontains=part)
    rows = [schedule_row(schedule) for schedule in found[: arguments.get("limit", 50)]]
    return {"items": [schemas.schedule_in_list(row) for row in rows], "count": found.count()}


@tool_call
def get_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Return one schedule."""
    require_view(context, "view_schedule")
    schedule = find_schedule(arguments["schedule"])
    return schemas.schedule_detail(schedule_row(schedule), schedule, clock.now())


@tool_call
def list_runs(context: ToolContext, arguments: Arguments) -> Any:
    """List runs, latest first."""
    require_view(context, "view_run")
    found = lookups.runs()
    if name := arguments.get("schedule"):
        found = found.filter(schedule=find_schedule(name))
    wanted = {name: arguments[name] for name in ("status", "failure_reason") if name in arguments}
    found = found.filter(**wanted)
    rows = run_rows(found[: arguments.get("limit", 20)], clock.now())
    return {"items": [schemas.run(row, most=schemas.SHORT_RESULT) for row in rows], "count": found.count()}


@tool_call
def get_run(context: ToolContext, arguments: Arguments) -> Any:
    """Return one run."""
    require_view(context, "view_run")
    return schemas.run(run_row(lookups.run(arguments["run"].strip().removeprefix("#")), clock.now()))


LIST_SCHEDULES = Tool(
    name="list_schedules",
    description=(
        "List the schedules of this install by name: when each fires, its status, its next firing and how it "
        "has been doing. `count` is how many there are in all."
    ),
    input_schema=schema(
        status={"type": "string", "enum": list(ScheduleStatus.values)},
        search={"type": "string", "maxLength": 120, "description": "Part of the name."},
        limit=limit(50, 100),
    ),
    call=list_schedules,
    idempotent=True,
)

GET_SCHEDULE = Tool(
    name="get_schedule",
    description="Show one schedule: its prompt, timing, next firings, limits, streaks and warnings.",
    input_schema=schema(("schedule",), schedule=SCHEDULE),
    call=get_schedule,
    idempotent=True,
)

LIST_RUNS = Tool(
    name="list_runs",
    description=(
        "List runs of agents, the latest first: status, why a queued one waits, why one failed, steps, cost "
        "and the beginning of the result. `count` is how many there are in all."
    ),
    input_schema=schema(
        status={"type": "string", "enum": list(RunStatus.values)},
        schedule=SCHEDULE,
        failure_reason={"type": "string", "enum": list(FailureReason.values)},
        limit=limit(20, 50),
    ),
    call=list_runs,
    idempotent=True,
)

GET_RUN = Tool(
    name="get_run",
    description="Show one run: how it went, what it cost, its result, and why it failed if it did.",
    input_schema=schema(("run",), run=RUN),
    call=get_run,
    idempotent=True,
)
