"""The tools that make, change, pause and resume schedules."""

from datetime import datetime
from typing import Any

from agents.models import Profile
from agents.tools.base import Arguments, Tool, ToolContext
from schedules.api import changing, finding
from schedules.api.asking import ScheduleChanges
from schedules.api.changing import Saved
from schedules.api.schedule_rows import ScheduleRow
from schedules.models import Schedule
from schedules.tools import telling
from schedules.tools.acting import actor, read, tool_call
from schedules.tools.describing import FIELDS, REASON, SCHEDULE, schema
from schedules.tools.naming import the_schedule
from schedules.tools.previewing import card
from schedules.tools.wanting import new_schedule, on_its_clocks, refuse_power
from stagent.lib import clock


@tool_call
def create_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Make a schedule, in the project the agent works in unless another is named."""
    who, asked = new_schedule(context, arguments)
    now = clock.now()
    return _told(changing.create(asked, who, now), now)


@tool_call
def update_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Change some fields of a schedule."""
    who = actor(context, "change_schedule")
    schedule = the_schedule(arguments["schedule"])
    changes = {name: value for name, value in arguments.items() if name != "schedule"}
    asked = read(ScheduleChanges, on_its_clocks(changes, changes.get("timezone") or schedule.timezone))
    refuse_power(schedule.profile)
    refuse_power(Profile.objects.filter(slug=changes.get("profile")).first())
    now = clock.now()
    return _told(changing.change(str(schedule.pk), asked, who, now), now)


@tool_call
def pause_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Pause a schedule."""
    who = actor(context, "change_schedule")
    schedule = the_schedule(arguments["schedule"])
    return telling.schedule_in_list(
        changing.pause(str(schedule.pk), arguments.get("reason", ""), who, clock.now())
    )


@tool_call
def resume_schedule(context: ToolContext, arguments: Arguments) -> Any:
    """Let a paused schedule go on."""
    who = actor(context, "change_schedule")
    schedule = the_schedule(arguments["schedule"])
    return telling.schedule_in_list(changing.resume(str(schedule.pk), who, clock.now()))


def _told(saved: Saved, now: datetime) -> dict[str, Any]:
    row: ScheduleRow = saved.schedule
    schedule: Schedule = finding.schedule(row.id)
    return {"schedule": telling.whole_schedule(row, schedule, now), "warnings": saved.warnings}


CREATE_SCHEDULE = Tool(
    name="create_schedule",
    description=(
        "Make a schedule: an agent with a prompt, run again and again. Say when in one way: cron, interval "
        "or at. A person is shown it first and may refuse. Answers the schedule with its next firings, and "
        "warnings such as collisions with others."
    ),
    input_schema=schema(("name", "prompt"), **FIELDS),
    call=create_schedule,
    effects="schedules",
    permission="ask",
    each_time=True,  # it works on long after the conversation: each is looked at
    preview=card,
)

UPDATE_SCHEDULE = Tool(
    name="update_schedule",
    description="Change some fields of a schedule; what is left out stays. Its next firing follows from now.",
    input_schema=schema(("schedule",), schedule=SCHEDULE, **FIELDS),
    call=update_schedule,
    effects="schedules",
    idempotent=True,
)

PAUSE_SCHEDULE = Tool(
    name="pause_schedule",
    description="Pause a schedule until it is resumed. Runs that are running go on; queued ones wait.",
    input_schema=schema(("schedule",), schedule=SCHEDULE, reason=REASON),
    call=pause_schedule,
    effects="schedules",
    idempotent=True,
)

RESUME_SCHEDULE = Tool(
    name="resume_schedule",
    description="Let a paused schedule go on from now, its failure streaks forgiven.",
    input_schema=schema(("schedule",), schedule=SCHEDULE),
    call=resume_schedule,
    effects="schedules",
    idempotent=True,
)
