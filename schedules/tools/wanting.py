"""What an agent wants of a schedule, read as the API reads it, before anything is shown or done."""

from datetime import datetime

from agents.mcp import tool_adapter
from agents.models import Profile
from agents.tools import registry
from agents.tools.base import Arguments, ToolContext, ToolError
from schedules.api.actors import Actor
from schedules.api.asking import NewSchedule
from schedules.models.schedule import install_zone
from schedules.tools.acting import actor, read
from schedules.zones import ZoneError, zone

MOMENTS = ("at", "starts_at", "ends_at")


def new_schedule(context: ToolContext, arguments: Arguments) -> tuple[Actor, NewSchedule]:
    """Return in whose name which schedule is to be made, in the agent's project unless another is named."""
    who = actor(context, "add_schedule")
    if context.project_id and "project" not in arguments:
        arguments = arguments | {"project": str(context.project_id)}
    asked = read(NewSchedule, on_its_clocks(arguments, arguments.get("timezone") or install_zone()))
    refuse_power(Profile.objects.filter(slug=asked.profile).first())
    return who, asked


def on_its_clocks(arguments: Arguments, timezone: str) -> Arguments:
    """Read moments without an offset on the schedule's clocks; models think in those."""
    return arguments | {
        name: _with_offset(arguments[name], timezone) for name in MOMENTS if arguments.get(name)
    }


def _with_offset(said: str, timezone: str) -> str:
    try:
        moment = datetime.fromisoformat(said)
        return said if moment.tzinfo else moment.replace(tzinfo=zone(timezone)).isoformat()
    except (ValueError, ZoneError):
        return said  # whoever reads it next says what is wrong


def refuse_power(profile: Profile | None) -> None:
    """Keep agents from handing themselves, through a schedule, what only a person may grant."""
    if profile is None:
        return
    tools = registry.offered(profile.tools, profile.permissions)
    granted = [
        tool.name
        for tool in tools
        if tool.permission != "allow" and registry.permission(tool, profile.permissions) == "allow"
    ]
    granted += tool_adapter.granted(profile)
    if granted:
        raise ToolError(
            f"Only a person may make or change schedules of the profile {profile.slug}, "
            f"which may use {', '.join(granted)}."
        )
