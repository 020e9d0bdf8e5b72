"""The tools that create, change, pause, resume and run schedules, and cancel runs."""

from datetime import datetime
from typing import Any

from agents.models import Profile
from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from schedules.agent_tools import schemas
from schedules.agent_tools.approval_card import card
from schedules.agent_tools.context import (
    actor,
    find_schedule,
    in_schedule_zone,
    new_schedule,
    read,
    require_permission,
    tool_call,
)
from schedules.agent_tools.schemas import FIELDS, REASON, RUN, SCHEDULE, schema
from schedules.api import changes
from schedules.api.changes import Saved
from schedules.api.schemas.requests import ScheduleChanges
from schedules.api.schemas.runs import run_row
from schedules.api.schemas.schedules import ScheduleRow, schedule_row
from schedules.errors import NotAllowed
from schedules.models import Run, Schedule
from schedules.services import lookups, run_actions
from schedules.services.actor import Actor
from schedules.services.cancel_run import Cancelled
from schedules.services.run_actions import RunRequest
from schedules.states import UNFINISHED, RunStatus
from stagent.lib import clock


@tool_call
def create_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Create a schedule in the agent's project unless another is given."""
    who, asked = new_schedule(context, arguments)
    now = clock.now()
    return _result(changes.create(asked, who, now), now)


@tool_call
def update_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Change some fields of a schedule."""
    who = actor(context, "change_schedule")
    schedule = find_schedule(arguments["schedule"])
    fields = {name: value for name, value in arguments.items() if name != "schedule"}
    asked = read(ScheduleChanges, in_schedule_zone(fields, fields.get("timezone") or schedule.timezone))
    require_permission(schedule.profile)
    require_permission(Profile.objects.filter(slug=fields.get("profile")).first())
    now = clock.now()
    return _result(changes.change(str(schedule.pk), asked, who, now), now)


@tool_call
def pause_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Pause a schedule."""
    who = actor(context, "change_schedule")
    schedule = find_schedule(arguments["schedule"])
    return schemas.schedule_in_list(
        changes.pause(str(schedule.pk), arguments.get("reason", ""), who, clock.now())
    )


@tool_call
def resume_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Resume a paused schedule."""
    who = actor(context, "change_schedule")
    schedule = find_schedule(arguments["schedule"])
    return schemas.schedule_in_list(changes.resume(str(schedule.pk), who, clock.now()))


def _result(saved: Saved, now: datetime) -> dict[str, Any]:
    row: ScheduleRow = saved.schedule
    schedule: Schedule = lookups.schedule(row.id)
    return {"schedule": schemas.schedule_detail(row, schedule, now), "warnings": saved.warnings}


CREATE_SCHEDULE = Tool(
    name="create_schedule",
    description=(
        "Create a schedule: an agent with a prompt that runs repeatedly or once. Give one of cron, interval "
        "and at. A person sees it first and may decline. Returns the schedule with its next firings, and "
        "warnings such as collisions with others."
    ),
    input_schema=schema(("name", "prompt"), **FIELDS),
    call=create_schedule,
    permission="ask",
    asks_each_time=True,  # it works on long after the conversation: each is looked at
    preview=card,
)

UPDATE_SCHEDULE = Tool(
    name="update_schedule",
    description="Change some fields of a schedule; what is left out stays. Its next firing follows from now.",
    input_schema=schema(("schedule",), schedule=SCHEDULE, **FIELDS),
    call=update_schedule,
    idempotent=True,
)

PAUSE_SCHEDULE = Tool(
    name="pause_schedule",
    description="Pause a schedule until it is resumed. Runs that are running go on; queued ones wait.",
    input_schema=schema(("schedule",), schedule=SCHEDULE, reason=REASON),
    call=pause_schedule,
    idempotent=True,
)

RESUME_SCHEDULE = Tool(
    name="resume_schedule",
    description="Let a paused schedule go on from now, its failure streaks forgiven.",
    input_schema=schema(("schedule",), schedule=SCHEDULE),
    call=resume_schedule,
    idempotent=True,
)


@tool_call
def run_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Run a schedule now, or as soon as a slot is free."""
    who = actor(context, "run_schedule")
    schedule = find_schedule(arguments["schedule"])
    if schedule.pk == context.schedule_id:
        raise ToolError("A run cannot start its own schedule: that would never end.")
    now = clock.now()
    wanted = RunRequest(queue=True, idempotency_key=_key(context))
    started = run_actions.start(str(schedule.pk), wanted, who, now)
    row = run_row(lookups.run(str(started.run.pk)), now)
    shown = {"run_id", "schedule_id", "schedule_name", "forced", "status", "wait_reason", "slot"}
    warning = {"warning": started.warning} if started.warning else {}
    return {"run_id": row.id} | row.model_dump(include=shown, exclude_none=True) | warning


def _key(context: ToolContext) -> str:
    """Return the idempotency key of a call, stable over a crash and a second click on its card."""
    return f"tool:{context.run_id}:{context.message_id}:{context.call_id}" if context.call_id else ""


RUN_SCHEDULE = Tool(
    name="run_schedule",
    description=(
        "Run a schedule now, paused or not. It honours the cap: where every slot is taken the run waits its "
        "turn, and `wait_reason` says for what. get_run shows later how it went."
    ),
    input_schema=schema(("schedule",), schedule=SCHEDULE),
    call=run_schedule,
)


@tool_call
def cancel_run(context: ToolContext, arguments: Arguments) -> Any:
    """Cancel one run, or the runs of a schedule."""
    who = actor(context, "change_run")
    runs, schedule = _meant(arguments)
    if context.run_id in {run.pk for run in runs}:
        raise ToolError("A run cannot cancel itself; answer, and it ends.")
    reason, now = arguments.get("reason", ""), clock.now()
    row_values = [cancelled for run in runs if (cancelled := _cancel(run, reason, who, now))]
    if not row_values:
        raise ToolError("The run has already ended.")
    if schedule is None:
        return {"runs": row_values}
    shown = {"name", "status", "next_fire_at", "timezone"}
    return {"runs": row_values, "schedule": schedule_row(schedule).model_dump(include=shown)}


def _meant(arguments: Arguments) -> tuple[list[Run], Schedule | None]:
    """Return the matching runs and their schedule: running and waiting ones, else queued ones."""
    if ("run" in arguments) == ("schedule" in arguments):
        raise ToolError("Name either a run or a schedule.")
    if "run" in arguments:
        run = lookups.run(arguments["run"].strip().removeprefix("#"))
        return [run], run.schedule
    schedule = find_schedule(arguments["schedule"])
    unfinished = list(lookups.runs().filter(schedule=schedule, status__in=UNFINISHED).order_by("pk"))
    under_way = [run for run in unfinished if run.status != RunStatus.QUEUED]
    if not unfinished:
        raise ToolError(
            f"No run of {schedule.name!r} is running or waiting. The schedule is {schedule.status}; "
            "pause_schedule keeps it from firing."
        )
    return under_way or unfinished, schedule


def _cancel(run: Run, reason: str, who: Actor, now: datetime) -> dict[str, Any] | None:
    """Cancel a run and return the result; None if it has just ended."""
    try:
        became = run_actions.cancel(str(run.pk), reason, who, now)
    except NotAllowed:
        return None
    outcome = "cancelled" if became is Cancelled.AT_ONCE else "stopping, within about a second"
    return {"run_id": str(run.pk), "schedule_name": run.schedule_name, "outcome": outcome}


CANCEL_RUN = Tool(
    name="cancel_run",
    description=(
        "Cancel a run, by its id; or by its schedule, the runs of it that are running or wait for a person, "
        "else the queued ones. The schedule itself goes on and fires again: pause_schedule pauses it."
    ),
    input_schema=schema(run=RUN, schedule=SCHEDULE, reason=REASON),
    call=cancel_run,
    idempotent=True,
)
