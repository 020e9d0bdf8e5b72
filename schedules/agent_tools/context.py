"""The user an agent acts for, and errors as tool results."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from pydantic import BaseModel, ValidationError

from agents.mcp import tool_adapter
from agents.models import Profile
from agents.protocol.shared_texts import UNKNOWN_SCHEDULE
from agents.tools import registry
from agents.tools.base import Arguments, ToolContext, ToolError
from schedules.api.errors import PROBLEMS
from schedules.api.schemas.requests import NewSchedule
from schedules.models import Schedule
from schedules.models.schedule import install_zone
from schedules.services import lookups
from schedules.services.actor import Actor
from schedules.timing.timezones import ZoneError, zone
from stagent.lib.api.types import parse_id
from stagent.lib.problems import Problem, from_schema_errors
from stagent.lib.text import clip

type Act = Callable[[ToolContext, Arguments], Any]


def tool_call(act: Act) -> Callable[[ToolContext, Arguments], str]:
    """Turn a function into a tool call: its result as JSON, its errors as text."""

    @wraps(act)
    def call(context: ToolContext, arguments: Arguments) -> str:
        with errors_as_text():
            return json.dumps(act(context, arguments), cls=DjangoJSONEncoder, ensure_ascii=False)

    return call


@contextmanager
def errors_as_text() -> Iterator[None]:
    """Convert API errors to tool errors."""
    try:
        yield
    except Problem as problem:
        raise ToolError(problem.message) from None
    except tuple(PROBLEMS) as error:
        raise ToolError(str(error)) from None


def actor(context: ToolContext, permission: str) -> Actor:
    """Return the user the agent works for. Raises if there is none or the permission is missing."""
    user = User.objects.filter(pk=context.user_id).first() if context.user_id else None
    if user is None:
        raise ToolError("This agent has no user, so it can read but not change anything.")
    who = Actor(user, f"an agent (run {context.run_id})" if context.run_id else "an agent")
    who.must_have(permission)  # before a name is looked up: an answer about names is an answer
    return who


def require_view(context: ToolContext, permission: str) -> None:
    """Raise if the user the agent works for may not view this."""
    if context.user_id:
        actor(context, permission)


def read[Model: BaseModel](model: type[Model], arguments: Arguments) -> Model:
    """Validate arguments as the API validates a body."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise from_schema_errors(error.errors()) from None


SHOWN = 5
WHERE = " list_schedules lists them."


def find_schedule(said: str) -> Schedule:
    """Return a schedule by id or full name, case-insensitively."""
    said = said.strip()
    key = parse_id(said.removeprefix("#"))
    by_id = lookups.schedules().filter(pk=key).first() if key is not None else None
    named = list(lookups.schedules().filter(name__iexact=said)[: SHOWN + 1])
    if by_id and not named:
        return by_id
    if len(named) == 1:
        return named[0]
    raise ToolError(_ambiguous(said, named) if named else _unknown(said))


def _ambiguous(said: str, named: list[Schedule]) -> str:
    return f"Several schedules are named {said!r}: {_listed(named)}. Give its id."


def _unknown(said: str) -> str:
    near = list(lookups.schedules().filter(name__icontains=said)[:SHOWN]) if said else []
    hint = f" Did you mean {_listed(near)}?" if near else WHERE
    return f"{UNKNOWN_SCHEDULE} {clip(said, 80)!r}.{hint}"


def _listed(schedules: list[Schedule]) -> str:
    return ", ".join(f"{schedule.name!r} (id {schedule.pk})" for schedule in schedules)


MOMENTS = ("at", "starts_at", "ends_at")


def new_schedule(context: ToolContext, arguments: Arguments) -> tuple[Actor, NewSchedule]:
    """Return the actor and the schedule to create, in the agent's project unless another is given."""
    who = actor(context, "add_schedule")
    if context.project_id and "project" not in arguments:
        arguments = arguments | {"project": str(context.project_id)}
    asked = read(NewSchedule, in_schedule_zone(arguments, arguments.get("timezone") or install_zone()))
    require_permission(Profile.objects.filter(slug=asked.profile).first())
    return who, asked


def in_schedule_zone(arguments: Arguments, timezone: str) -> Arguments:
    """Interpret moments without an offset in the schedule's time zone; models omit offsets."""
    return arguments | {
        name: _with_offset(arguments[name], timezone) for name in MOMENTS if arguments.get(name)
    }


def _with_offset(said: str, timezone: str) -> str:
    try:
        moment = datetime.fromisoformat(said)
        return said if moment.tzinfo else moment.replace(tzinfo=zone(timezone)).isoformat()
    except (ValueError, ZoneError):
        return said  # whoever reads it next says what is wrong


def require_permission(profile: Profile | None) -> None:
    """Raise if a profile grants tools that only a person may allow."""
    if profile is None:
        return
    tools = registry.offered(profile.tools, profile.permissions)
    granted = [
        tool.name
        for tool in tools
        if tool.permission != "allow" and registry.permission(tool, profile.permissions) == "allow"
    ]
    granted += tool_adapter.granted_without_approval(profile)
    if granted:
        raise ToolError(
            f"Only a person can create or change schedules with the profile {profile.slug}, "
            f"which may use {', '.join(granted)}."
        )
