"""The tools that start and cancel runs."""

from datetime import datetime
from typing import Any

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from schedules.api import finding, running
from schedules.api.actors import Actor
from schedules.api.run_rows import run_row
from schedules.api.running import Wanted
from schedules.api.schedule_rows import schedule_row
from schedules.cancelling import Cancelled
from schedules.errors import NotAllowed
from schedules.models import Run, Schedule
from schedules.states import UNFINISHED, RunStatus
from schedules.tools.acting import actor, tool_call
from schedules.tools.describing import REASON, RUN, SCHEDULE, schema
from schedules.tools.naming import the_schedule
from stagent.lib import clock


@tool_call
def run_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Run a schedule now, or as soon as there is a slot."""
    who = actor(context, "run_schedule")
    schedule = the_schedule(arguments["schedule"])
    if schedule.pk == context.schedule_id:
        raise ToolError("A run may not start its own schedule: that would never end.")
    now = clock.now()
    wanted = Wanted(queue=True, idempotency_key=_key(context))
    started = running.start(str(schedule.pk), wanted, who, now)
    row = run_row(finding.run(str(started.run.pk)), now)
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
    effects="schedules",
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
        run = finding.run(arguments["run"].strip().removeprefix("#"))
        return [run], run.schedule
    schedule = the_schedule(arguments["schedule"])
    unfinished = list(finding.runs().filter(schedule=schedule, status__in=UNFINISHED).order_by("pk"))
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
        became = running.cancel(str(run.pk), reason, who, now)
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
    effects="schedules",
    idempotent=True,
)
