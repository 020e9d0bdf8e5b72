"""The actions of schedules: each returns a message for the page, or raises `NotApplicable` with one."""

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser, User

from schedules.errors import NotAllowed
from schedules.models import Schedule
from schedules.services import run_now, schedules
from schedules.services.actor import Actor
from schedules.services.run_now import Started
from stagent.lib.log import audit_log


class NotApplicable(Exception):
    """The schedule's status does not allow the command; the message names the status."""


def pause(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> str:
    if not _applies(schedules.pause, str(schedule.pk), "", _actor(user), now):
        raise NotApplicable(f"“{schedule}” is not active, so it cannot be paused.")
    return f"“{schedule}” is paused. Running runs continue."


def resume(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> str:
    """Resume a paused schedule from now."""
    if not _applies(schedules.resume, str(schedule.pk), _actor(user), now):
        raise NotApplicable(f"“{schedule}” is not paused, so it cannot be resumed.")
    return f"“{schedule}” is active. Its streaks are reset."


def reset(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> str:
    schedules.reset_streaks(schedule, _actor(user))
    return f"The streaks of “{schedule}” are reset."


def run(
    schedule: Schedule, user: AbstractBaseUser, now: datetime, click: str = "", **options: Any
) -> Started:
    """Run a schedule now; `click` is the key of the form, the same in both halves of a double click.

    `run_now.execute` documents `options` and what is raised when the run cannot start.
    """
    key = run_now.key_of_page(click[:100], schedule, user, now)
    started = run_now.execute(schedule, user=user, now=now, idempotency_key=key, **options)
    if not started.repeated and not started.run.forced:  # a forced run is logged already
        verb = "Queued" if started.queued else "Started"
        audit_log.record(user, schedule, audit_log.CHANGE, f"{verb} run {started.run.pk}.")
    return started


def duplicate(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> Schedule:
    """Create a paused copy."""
    return schedules.duplicate(schedule, _actor(user), now)


def _actor(user: AbstractBaseUser) -> Actor:
    return Actor(cast(User, user), "the console")


def _applies(action: Any, *arguments: Any) -> bool:
    try:
        return bool(action(*arguments))
    except NotAllowed:
        return False
