"""The tools that make, change, pause and resume schedules."""

from datetime import datetime
from typing import Any

from agents.models import Profile
from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from schedules.agent_tools import schemas
from schedules.agent_tools.approval_card import card
from schedules.agent_tools.context import (
    actor,
    new_schedule,
    on_its_clocks,
    read,
    require_permission,
    the_schedule,
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
    """Make a schedule, in the project the agent works in unless another is named."""
    who, asked = new_schedule(context, arguments)
    now = clock.now()
    return _told(changes.create(asked, who, now), now)


@tool_call
def update_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Change some fields of a schedule."""
    who = actor(context, "change_schedule")
    schedule = the_schedule(arguments["schedule"])
    fields = {name: value for name, value in arguments.items() if name != "schedule"}
    asked = read(ScheduleChanges, on_its_clocks(fields, fields.get("timezone") or schedule.timezone))
    require_permission(schedule.profile)
    require_permission(Profile.objects.filter(slug=fields.get("profile")).first())
    now = clock.now()
    return _told(changes.change(str(schedule.pk), asked, who, now), now)


@tool_call
def pause_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Pause a schedule."""
    who = actor(context, "change_schedule")
    schedule = the_schedule(arguments["schedule"])
    return schemas.schedule_in_list(
        changes.pause(str(schedule.pk), arguments.get("reason", ""), who, clock.now())
    )


@tool_call
def resume_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Let a paused schedule go on."""
    who = actor(context, "change_schedule")
    schedule = the_schedule(arguments["schedule"])
    return schemas.schedule_in_list(changes.resume(str(schedule.pk), who, clock.now()))


def _told(saved: Saved, now: datetime) -> dict[str, Any]:
    row: ScheduleRow = saved.schedule
    schedule: Schedule = lookups.schedule(row.id)
    return {"schedule": schemas.whole_schedule(row, schedule, now), "warnings": saved.warnings}


CREATE_SCHEDULE = Tool(
    name="create_schedule",
    description=(
        "Make a schedule: an agent with a prompt, run again and again. Say when in one way: cron, interval "
        "or at. A person is shown it first and may refuse. Answers the schedule with its next firings, and "
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
    """Run a schedule now, or as soon as there is a slot."""
    who = actor(context, "run_schedule")
    schedule = the_schedule(arguments["schedule"])
    if schedule.pk == context.schedule_id:
        raise ToolError("A run may not start its own schedule: that would never end.")
    now = clock.now()
    wanted = RunRequest(queue=True, idempotency_key=_key(context))
    started = run_actions.start(str(schedule.pk), wanted, who, now)
    row = run_row(lookups.run(str(started.run.pk)), now)
    shown = {"run_id", "schedule_id", "schedule_name", "forced", "status", "wait_reason", "slot"}
    warning = {"warning": started.warning} if started.warning else {}
    return {"run_id": row.id} | row.model_dump(include=shown, exclude_none=True) | warning


def _key(context: ToolContext) -> str:
    """Return what makes a call the same call, made again after a crash or a second click on its card."""
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
    """Cancel one run, or those of a schedule that are under way."""
    who = actor(context, "change_run")
    runs, schedule = _meant(arguments)
    if context.run_id in {run.pk for run in runs}:
        raise ToolError("A run may not cancel itself; answer, and it ends.")
    reason, now = arguments.get("reason", ""), clock.now()
    told = [cancelled for run in runs if (cancelled := _cancel(run, reason, who, now))]
    if not told:
        raise ToolError("The run has ended; there is nothing to cancel.")
    if schedule is None:
        return {"runs": told}
    shown = {"name", "status", "next_fire_at", "timezone"}
    return {"runs": told, "schedule": schedule_row(schedule).model_dump(include=shown)}


def _meant(arguments: Arguments) -> tuple[list[Run], Schedule | None]:
    """Return the runs that are meant, and their schedule: the running and parked ones, else the queued."""
    if ("run" in arguments) == ("schedule" in arguments):
        raise ToolError("Name either a run or a schedule.")
    if "run" in arguments:
        run = lookups.run(arguments["run"].strip().removeprefix("#"))
        return [run], run.schedule
    schedule = the_schedule(arguments["schedule"])
    unfinished = list(lookups.runs().filter(schedule=schedule, status__in=UNFINISHED).order_by("pk"))
    under_way = [run for run in unfinished if run.status != RunStatus.QUEUED]
    if not unfinished:
        raise ToolError(
            f"No run of {schedule.name!r} is running or waiting. The schedule is {schedule.status}; "
            "pause_schedule keeps it from firing."
        )
    return under_way or unfinished, schedule


def _cancel(run: Run, reason: str, who: Actor, now: datetime) -> dict[str, Any] | None:
    """Cancel a run and tell what became of it; None where it has just ended."""
    try:
        became = run_actions.cancel(str(run.pk), reason, who, now)
    except NotAllowed:
        return None
    outcome = "cancelled" if became is Cancelled.AT_ONCE else "asked to stop, which takes about a second"
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
