"""Estimates how long runs take from the earlier runs of their schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from statistics import median
from typing import NamedTuple

from schedules.conf import Conf
from schedules.forecast.estimates import DurationEstimates
from schedules.models import Run, Schedule

LATEST = 30  # runs of a schedule that are looked at
MOST_SCHEDULES = 50  # whose runs are looked at; of the others the average is taken
OVERDUE_SHARE = 0.5  # a run that outlasts its history is expected to take half as long again


class Basis(IntEnum):
    """What an estimate is based on, best first."""

    HISTORY = 0  # earlier runs of the schedule
    SIMILAR = 1  # runs of other schedules: of its profile, its project, all
    LIMIT = 2  # nothing ran yet, or it outlasts all that did: only its time limit is known


class Span(NamedTuple):
    """A range in seconds: lowest, expected, highest."""

    low: float
    mid: float
    high: float

    def within(self, least: float, most: float) -> "Span":
        return Span(*(max(least, min(seconds, most)) for seconds in self))


@dataclass(frozen=True)
class Estimate:
    """An estimated duration and its basis."""

    span: Span
    basis: Basis
    schedule_name: str
    runs: int = 0  # earlier runs of this schedule that it is taken from


class History:
    """The durations of earlier runs; each schedule is read once."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self._durations = DurationEstimates(conf)
        self._known: dict[int, list[float]] = {}

    def remaining(self, run: Run, now: datetime) -> Estimate:
        """Estimate the remaining time of a running run; at most its time limit."""
        longest = self._conf.max_run_duration_sec
        elapsed = run.worked(now, longest).total_seconds()
        left = max(1.0, run.time_limit(longest).total_seconds() - elapsed)
        own, usual = self._samples(run.schedule)
        longer = [took - elapsed for took in own if took > elapsed]
        if longer:
            return Estimate(_spread(longer).within(1, left), Basis.HISTORY, run.schedule_name, len(own))
        if usual is not None and usual > elapsed:
            return Estimate(_of_others(usual - elapsed, left), Basis.SIMILAR, run.schedule_name)
        mid = left / 2 if usual is None and not own else OVERDUE_SHARE * elapsed
        return Estimate(Span(1, mid, left).within(1, left), Basis.LIMIT, run.schedule_name, len(own))

    def duration(self, run: Run) -> Estimate:
        """Estimate the duration of a run that has not started."""
        own, usual = self._samples(run.schedule)
        limit = run.time_limit(self._conf.max_run_duration_sec).total_seconds()
        if own:
            return Estimate(_spread(own).within(1, limit), Basis.HISTORY, run.schedule_name, len(own))
        if usual is not None:
            return Estimate(_of_others(usual, limit), Basis.SIMILAR, run.schedule_name)
        return Estimate(Span(1, limit / 2, limit), Basis.LIMIT, run.schedule_name)

    def _samples(self, schedule: Schedule | None) -> tuple[Sequence[float], float | None]:
        """Return the durations of the schedule's own runs; without any, the average of similar schedules."""
        own = self._own(schedule) if schedule is not None else []
        return own, None if own else self._durations.known(schedule) or None

    def _own(self, schedule: Schedule) -> list[float]:
        known = self._known.get(schedule.pk)
        if known is None:
            known = self._known[schedule.pk] = self._read(schedule)
        return known

    def _read(self, schedule: Schedule) -> list[float]:
        """Read the latest runs that worked; if none is kept any more, the stored average."""
        took: list[int] = []
        if len(self._known) < MOST_SCHEDULES:
            worked = Run.objects.worked_to_the_end().filter(schedule=schedule).order_by("-queued_at")
            took = list(worked.values_list("worked_ms", flat=True)[:LATEST])
        if took:
            return [milliseconds / 1000 for milliseconds in took]
        return [] if schedule.avg_duration_ms is None else [schedule.avg_duration_ms / 1000]


def _of_others(usual: float, limit: float) -> Span:
    """Return the range for a schedule without runs: similar schedules are a guess, its limit the only
    bound.
    """
    return Span(usual / 2, usual, limit).within(1, limit)


def _spread(samples: Sequence[float]) -> Span:
    """Return the median and a range around all samples; the fewer samples, the wider."""
    more = 1 + 1 / len(samples)
    return Span(min(samples) / more, median(samples), max(samples) * more)
