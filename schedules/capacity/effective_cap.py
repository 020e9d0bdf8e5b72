"""The effective cap, as schedulers report it.

A scheduler may use another cap than the web process reads: by --max-concurrent or its own environment. So
schedulers store the cap they use.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from schedules import conf
from schedules.conf import COMMAND_LINE, ENVIRONMENT, Conf
from schedules.models import Scheduler

KEY = conf.BY_NAME["SCHEDULE_MAX_CONCURRENT"]


@dataclass(frozen=True)
class Cap:
    """The cap, its source, and what this process would read instead."""

    value: int
    source: str
    here: int
    by: Scheduler | None = None  # empty where no scheduler claims: then the settings are all there is

    @property
    def differs(self) -> bool:
        """Whether the settings alone would be misleading."""
        return self.value != self.here


def snapshot(now: datetime) -> Cap:
    """Return the largest cap of the running schedulers; without one, the setting."""
    here, saved = conf.readings(KEY)
    claiming = [one for one in Scheduler.objects.running(now) if one.claims]
    caps = [_of(one, here.value, saved.value) for one in claiming]
    return max(caps, key=lambda cap: cap.value, default=Cap(here.value, here.source, here.value))


def load(now: datetime) -> Conf:
    """Return the current settings, with the schedulers' cap."""
    return replace(conf.load(), max_concurrent=snapshot(now).value)


def _of(scheduler: Scheduler, here: int, saved: int) -> Cap:
    """Return the cap of a scheduler's row: its own is final, a saved setting may be newer than the row."""
    if scheduler.cap is None:  # written by a version that did not tell
        return Cap(here, "", here, scheduler)
    own = scheduler.cap_source in (COMMAND_LINE, ENVIRONMENT)
    return Cap(scheduler.cap if own else saved, scheduler.cap_source, here, scheduler)
