"""From what was asked to the columns that `editing.save` takes; every name that means nothing is refused."""

from typing import Any

from agents.models import Profile, Project
from schedules.api.asking import Timing
from schedules.editing import WHEN
from schedules.models import Schedule
from schedules.models.schedule import install_zone
from schedules.models.slot import DEFAULT_POOL, Pool
from stagent.lib.api.values import number
from stagent.lib.problems import invalid

EMPTY = {"cron": "", "interval": "", "webhook_url": "", "email": ""}  # how these columns spell "nothing"
MOST_NAMED = 20  # of what there is, where something is asked for that there is not


def columns(asked: Timing, present: Schedule | None = None) -> dict[str, Any]:
    """Return the columns to change; `present` is the schedule as it is."""
    given = asked.model_dump(exclude_unset=True)
    values = {name: EMPTY.get(name) if value is None else value for name, value in given.items()}
    if "timezone" in given:
        values["timezone"] = given["timezone"] or install_zone()
    values |= _related(given)
    return _without_echo(values, present) if present else values


def _related(given: dict[str, Any]) -> dict[str, Any]:
    readers = {"profile": _profile, "project": _project, "pool": _pool}
    found, wrong = {}, {}
    for name in readers.keys() & given.keys():
        try:
            found[name] = readers[name](given[name])
        except LookupError as error:
            wrong[name] = str(error.args[0])
    if wrong:
        raise invalid(wrong)
    return found


def _profile(slug: str) -> Profile:
    profile = Profile.objects.filter(slug=slug).first()
    if profile is None:
        known = ", ".join(Profile.objects.values_list("slug", flat=True)[:MOST_NAMED]) or "none"
        raise LookupError(f"There is no profile {slug!r}. There are: {known}.")
    return profile


def _project(opaque: str | None) -> Project | None:
    if opaque is None:
        return None
    key = number(opaque)
    project = None if key is None else Project.objects.filter(pk=key).first()
    if project is None:
        known = [f"{key} ({name})" for key, name in Project.objects.values_list("pk", "name")[:MOST_NAMED]]
        raise LookupError(f"There is no project {opaque!r}. There are: {', '.join(known) or 'none'}.")
    return project


def _pool(name: str | None) -> Pool | None:
    if name is None or name == DEFAULT_POOL:
        return None
    pool = Pool.objects.filter(pk=name).first()
    if pool is None:
        known = ", ".join([DEFAULT_POOL, *Pool.objects.values_list("name", flat=True)[:MOST_NAMED]])
        raise LookupError(f"There is no concurrency pool {name!r}. There are: {known}.")
    return pool


def _without_echo(values: dict[str, Any], present: Schedule) -> dict[str, Any]:
    """Leave out what says when just as it is: a schedule sent back as it was read means no change."""
    echoed = {name for name in WHEN if values.get(name) and values[name] == getattr(present, name)}
    return {name: value for name, value in values.items() if name not in echoed}
