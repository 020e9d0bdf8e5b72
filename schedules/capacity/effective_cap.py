"""The cap in force, as a process sees it that is no scheduler.

Whoever claims goes by what it reads itself, and a scheduler may have been told another cap than the web
process: by --max-concurrent, or by an environment of its own. So schedulers write down what they work by.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from schedules import conf
from schedules.conf import COMMAND_LINE, ENVIRONMENT, Conf
from schedules.models import Scheduler

KEY = conf.BY_NAME["SCHEDULE_MAX_CONCURRENT"]


@dataclass(frozen=True)
class Cap:
    """How many runs there may be at once, who says so, and what this process would have read instead."""

    value: int
    source: str
    here: int
    by: Scheduler | None = None  # empty where no scheduler claims: then the settings are all there is

    @property
    def differs(self) -> bool:
        """Whether the page of settings alone would mislead."""
        return self.value != self.here


def snapshot(now: datetime) -> Cap:
    """Return the largest cap that a scheduler claims up to; without one, what is read here."""
    here, saved = conf.readings(KEY)
    claiming = [one for one in Scheduler.objects.running(now) if one.claims]
    told = [_of(one, here.value, saved.value) for one in claiming]
    return max(told, key=lambda cap: cap.value, default=Cap(here.value, here.source, here.value))


def load(now: datetime) -> Conf:
    """Return the settings in force, with the cap that the schedulers work by."""
    return replace(conf.load(), max_concurrent=snapshot(now).value)


def _of(scheduler: Scheduler, here: int, saved: int) -> Cap:
    """Read a row: a cap of its own stands as written, what is saved for all may be newer than the row."""
    if scheduler.cap is None:  # written by a version that did not tell
        return Cap(here, "", here, scheduler)
    own = scheduler.cap_source in (COMMAND_LINE, ENVIRONMENT)
    return Cap(scheduler.cap if own else saved, scheduler.cap_source, here, scheduler)
