"""The tools that look at schedules and runs."""

from typing import Any

from agents.states import FailureReason
from agents.tools.base import Arguments, Tool, ToolContext
from schedules.api import finding
from schedules.api.run_rows import run_row, run_rows
from schedules.api.schedule_rows import schedule_row
from schedules.states import RunStatus, ScheduleStatus
from schedules.tools import telling
from schedules.tools.acting import may_look, tool_call
from schedules.tools.describing import RUN, SCHEDULE, limit, schema
from schedules.tools.naming import the_schedule
from stagent.lib import clock


@tool_call
def list_schedules(context: ToolContext, arguments: Arguments) -> Any:
    """List schedules by name."""
    may_look(context, "view_schedule")
    found = finding.schedules()
    if status := arguments.get("status"):
        found = found.filter(status=status)
    if part := arguments.get("search"):
        found = found.filter(name__icontains=part)
    rows = [schedule_row(schedule) for schedule in found[: arguments.get("limit", 50)]]
    return {"items": [telling.schedule_in_list(row) for row in rows], "count": found.count()}


@tool_call
def get_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Tell all about one schedule."""
    may_look(context, "view_schedule")
    schedule = the_schedule(arguments["schedule"])
    return telling.whole_schedule(schedule_row(schedule), schedule, clock.now())


@tool_call
def list_runs(context: ToolContext, arguments: Arguments) -> Any:
    """List runs, the latest first."""
    may_look(context, "view_run")
    found = finding.runs()
    if name := arguments.get("schedule"):
        found = found.filter(schedule=the_schedule(name))
    conditions = {name: arguments[name] for name in ("status", "failure_reason") if name in arguments}
    found = found.filter(**conditions)
    rows = run_rows(found[: arguments.get("limit", 20)], clock.now())
    return {"items": [telling.run(row, most=telling.SHORT_RESULT) for row in rows], "count": found.count()}


@tool_call
def get_run(context: ToolContext, arguments: Arguments) -> Any:
    """Tell all about one run."""
    may_look(context, "view_run")
    return telling.run(run_row(finding.run(arguments["run"].strip().removeprefix("#")), clock.now()))


LIST_SCHEDULES = Tool(
    name="list_schedules",
    description=(
        "List the schedules of this install by name: when each fires, its status, its next firing and how it "
        "has been doing. `count` is how many there are in all."
    ),
    input_schema=schema(
        status={"type": "string", "enum": list(ScheduleStatus.values)},
        search={"type": "string", "maxLength": 120, "description": "A part of the name."},
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
