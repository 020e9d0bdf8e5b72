"""The settings of the scheduler: environment, then the value saved in the admin, then the default.

A bad value (not a whole number in its range; for a switch, not on or off) is ignored with one warning that
names it and the default used. `load()` reads them afresh, so a change works without a restart.
"""

import logging
import os
from dataclasses import dataclass
from datetime import timedelta

from schedules.models import Setting
from schedules.models.slot import MOST_SLOTS
from stagent.lib.db.prepared import Select
from stagent.lib.processes import leases

COMMAND_LINE, ENVIRONMENT, ADMIN, DEFAULT = "command line", "environment", "admin", "default"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Key:
    """A setting: its default, bounds and meaning."""

    name: str
    default: int
    least: int
    most: int
    meaning: str

    @property
    def is_switch(self) -> bool:
        """Whether it is on (1) or off (0)."""
        return (self.least, self.most) == (0, 1)

    @property
    def takes(self) -> str:
        return "on or off" if self.is_switch else f"a whole number from {self.least:,} to {self.most:,}"

    def show(self, value: int) -> str:
        """Return the text of a value, as saved and shown."""
        return str(value) if not self.is_switch else "on" if value else "off"

    def read(self, text: str) -> int | None:
        """Parse a text; None if it is invalid."""
        if self.is_switch:
            return SWITCHED.get(text.strip().lower())
        try:
            number = int(text)
        except ValueError:
            return None
        return number if self.least <= number <= self.most else None


SWITCHED = {"on": 1, "true": 1, "yes": 1, "1": 1, "off": 0, "false": 0, "no": 0, "0": 0}

KEYS = (
    Key("SCHEDULE_MAX_CONCURRENT", 2, 1, MOST_SLOTS, "Maximum concurrent runs over all schedules: the cap."),
    Key(
        "SCHEDULE_MAX_RUN_DURATION_SEC",
        1200,
        10,
        86_400,
        "The longest a run may take, unless its schedule says otherwise.",
    ),
    Key(
        "SCHEDULE_CHAT_PRESSURE_DELAY_SEC",
        30,
        1,
        3600,
        "How long due work steps back, at a time, while somebody chats.",
    ),
    Key("SCHEDULE_CHAT_PRESSURE_MAX_DELAY_SEC", 300, 1, 86_400, "After this long it runs, chat or no chat."),
    Key(
        "SCHEDULE_LEASE_TTL_SEC",
        60,
        2,
        3600,
        "How long a lease lasts without renewal; renewed every quarter of it.",
    ),
    Key(
        "SCHEDULE_DEFAULT_MAX_TURNS",
        50,
        1,
        10_000,
        "Agent steps of a run whose schedule and profile set no limit.",
    ),
    Key("SCHEDULE_METRICS_RETENTION_DAYS", 30, 1, 3650, "How long firings, runs and transcripts are kept."),
    Key("SCHEDULE_MAX_OVERFLOW", 8, 1, 100, "Forced runs beyond the cap at once."),
    Key(
        "SCHEDULED_WORK_STOPPED",
        0,
        0,
        1,
        "Stop all scheduled work: due instants are recorded, and no scheduled run starts.",
    ),
)
BY_NAME = {key.name: key for key in KEYS}
STOP_SWITCH = BY_NAME["SCHEDULED_WORK_STOPPED"]


@dataclass(frozen=True)
class Value:
    """A current value and its source: environment, admin, default, or a scheduler's command line."""

    key: Key
    value: int
    source: str
    ignored: str = ""


@dataclass(frozen=True)
class Conf:
    """The settings of one pass, as integers; a switch is 0 or 1."""

    max_concurrent: int
    max_run_duration_sec: int
    chat_pressure_delay_sec: int
    chat_pressure_max_delay_sec: int
    lease_ttl_sec: int
    default_max_turns: int
    metrics_retention_days: int
    max_overflow: int
    scheduled_work_stopped: int = 0

    @property
    def stopped(self) -> bool:
        """Whether no scheduled run may start."""
        return bool(self.scheduled_work_stopped)

    @property
    def lease_ttl(self) -> timedelta:
        return timedelta(seconds=self.lease_ttl_sec)

    @property
    def renew_every_sec(self) -> float:
        return self.lease_ttl_sec * leases.RENEW_SHARE

    @property
    def chat_delay(self) -> timedelta:
        return timedelta(seconds=self.chat_pressure_delay_sec)

    @property
    def chat_max_delay(self) -> timedelta:
        return timedelta(seconds=self.chat_pressure_max_delay_sec)


def load() -> Conf:
    """Return the current values."""
    return Conf(**{value.key.name.removeprefix("SCHEDULE_").lower(): value.value for value in in_force()})


def in_force() -> list[Value]:
    """Return every setting with its current value and source."""
    saved = {setting.key: setting.value for setting in SAVED()}
    return [_choose(key, saved.get(key.name)) for key in KEYS]


def saved_value(key: Key) -> tuple[str | None, Value]:
    """Return the saved value, None if there is none, and the current value, in one query."""
    saved = Setting.objects.filter(key=key.name).values_list("value", flat=True).first()
    return saved, _choose(key, saved)


SAVED = Select(Setting.objects.order_by())


def readings(key: Key) -> tuple[Value, Value]:
    """Return a setting as this process reads it, and as it would be without the environment."""
    saved = next((setting.value for setting in SAVED() if setting.key == key.name), None)
    return _choose(key, saved), _choose(key, saved, environment=False)


def overrule(key: Key, value: int) -> None:
    """Override a value by the command line, for this process and its children."""
    os.environ[key.name] = str(value)
    _overruled.add(key.name)


_overruled: set[str] = set()


def _choose(key: Key, saved: str | None, *, environment: bool = True) -> Value:
    ignored: list[str] = []
    own = COMMAND_LINE if key.name in _overruled else ENVIRONMENT
    for source, text in ((own, os.environ.get(key.name) if environment else None), (ADMIN, saved)):
        if text is None or not text.strip():
            continue
        if (number := key.read(text)) is not None:
            return Value(key, number, source, "; ".join(ignored))
        ignored.append(f"{source}: {text!r}")
        _warn_once(key, source, text)
    return Value(key, key.default, DEFAULT, "; ".join(ignored))


_warned: set[tuple[str, str, str]] = set()


def _warn_once(key: Key, source: str, text: str) -> None:
    if (key.name, source, text) in _warned:
        return
    _warned.add((key.name, source, text))
    log.warning(
        "%s=%r from the %s is not %s; it is ignored, the default is %s.",
        key.name, text, source, key.takes, key.show(key.default),
    )  # fmt: skip
