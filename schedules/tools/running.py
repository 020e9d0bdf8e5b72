"""The tool that runs a schedule now."""

from typing import Any

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from schedules.api import finding, running
from schedules.api.run_rows import run_row
from schedules.api.running import Wanted
from schedules.tools.acting import actor, tool_call
from schedules.tools.describing import SCHEDULE, schema
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
