"""One process of a race: gets ready, waits for the start, acts until it is over, and reports.

Racers are forked from a server that has imported everything once, so that a race of eight begins at once.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

import django
from django.apps import apps

if not apps.ready:  # in the server that racers are forked from
    django.setup()

from django.db import connections

from schedules.signals import run_finished

BASE = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
log = logging.getLogger("tests.racer")

RATE = 60.0  # a minute of the race passes in a second of ours


@dataclass
class Race:
    """What an actor knows of the race: whether it is still on, and what time it is there."""

    started: float
    over: Event

    @property
    def on(self) -> bool:
        return not self.over.is_set()

    def now(self) -> datetime:
        """Return the time of the race, the same for all racers."""
        return BASE + timedelta(seconds=(time.time() - self.started) * RATE)

    def breathe(self, seconds: float = 0.002) -> None:
        """Let the others have a processor for a moment."""
        self.over.wait(seconds)


@dataclass
class Report:
    """What a racer says when it is over."""

    actor: str
    result: Any = None
    ended: list[int] = field(default_factory=list)  # runs that ended through this process
    complaints: list[str] = field(default_factory=list)  # every error that was logged


class Complaints(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.lines.append(f"{record.getMessage()}\n{trace}")


def take_part(
    link: Connection,
    over: Event,
    database: str,
    seed: str,
    actor: Callable[..., Any],
    arguments: dict[str, Any],
) -> None:
    """Do the steps of this module's docstring."""
    connections["default"].settings_dict["NAME"] = database
    random.seed(seed)  # what is drawn is the same again; who is quicker is not
    report = Report(actor.__name__)
    logging.getLogger().handlers = [Complaints(report.complaints)]
    run_finished.connect(lambda run, **_: report.ended.append(run.pk), weak=False)
    link.send("ready")
    race = Race(link.recv(), over)
    try:
        report.result = actor(race, **arguments)
    except Exception:
        log.exception("%s broke down.", report.actor)
    connections.close_all()
    link.send(report)
