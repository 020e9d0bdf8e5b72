"""Estimates the duration and the steps of a schedule's runs."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from statistics import median
from typing import NamedTuple

from agents.models import Profile
from schedules.conf import Conf
from schedules.forecast.schedule_summary import ScheduleSummary
from schedules.models import Schedule

DEFAULT_SEC = 60.0  # how long a run is guessed to take where nothing ever ran
COLUMNS = ("profile_id", "project_id", "avg_duration_ms")


class Usual(NamedTuple):
    """Median durations in seconds of schedules that have run."""

    of_profiles: dict[int, float]
    of_projects: dict[int, float]
    of_all: float | None


class DurationEstimates:
    """Expected seconds: the schedule's own average, else the median of its profile, its project, or all.

    Never more than the time limit.
    """

    def __init__(self, conf: Conf) -> None:
        self._longest = conf.max_run_duration_sec

    def of(self, schedule: Schedule | ScheduleSummary | None) -> float:
        if schedule is None:  # it was deleted
            return min(self._usual.of_all or DEFAULT_SEC, self._longest)
        own = schedule.avg_duration_ms
        expected = self._alike(schedule) if own is None else own / 1000
        return min(expected, schedule.max_run_duration_sec or self._longest)

    def known(self, schedule: Schedule | ScheduleSummary | None) -> float | None:
        """Return the expected seconds if they are based on runs; None if they would be a guess."""
        return self.of(schedule) if self._usual.of_all is not None else None

    def _alike(self, schedule: Schedule | ScheduleSummary) -> float:
        usual = self._usual
        return (
            usual.of_profiles.get(schedule.profile_id)
            or usual.of_projects.get(schedule.project_id or 0)
            or usual.of_all
            or DEFAULT_SEC
        )

    @cached_property
    def _usual(self) -> Usual:
        """Read the averages of all schedules; once, and only if a schedule has none of its own."""
        rows = [
            (profile, project, took_ms / 1000)
            for profile, project, took_ms in Schedule.objects.order_by().values_list(*COLUMNS)
            if took_ms is not None
        ]
        return Usual(
            _medians((profile, took) for profile, _, took in rows),
            _medians((project, took) for _, project, took in rows if project),
            median(took for _, _, took in rows) if rows else None,
        )


def _medians(durations: Iterable[tuple[int, float]]) -> dict[int, float]:
    groups = defaultdict[int, list[float]](list)
    for key, seconds in durations:
        groups[key].append(seconds)
    return {key: median(group) for key, group in groups.items()}


class StepEstimates:
    """Expected steps: the schedule's own average, else the median of its profile, else its limit."""

    def __init__(self, schedules: Iterable[Schedule | ScheduleSummary], conf: Conf) -> None:
        averages = defaultdict[int, list[float]](list)
        for schedule in schedules:
            if schedule.avg_turns_per_firing is not None:
                averages[schedule.profile_id].append(schedule.avg_turns_per_firing)
        self._medians = {profile: median(values) for profile, values in averages.items()}
        self._default = conf.default_max_turns

    def of(self, schedule: Schedule | ScheduleSummary) -> float:
        if schedule.avg_turns_per_firing is not None:
            return schedule.avg_turns_per_firing
        if usual := self._medians.get(schedule.profile_id):
            return min(usual, schedule.max_turns or usual)  # no run takes more steps than it may
        return schedule.max_turns or self._limits.get(schedule.profile_id) or self._default

    @cached_property
    def _limits(self) -> dict[int, int | None]:
        """Read the limits of all profiles; once, and only if needed."""
        return dict(Profile.objects.values_list("pk", "max_turns"))
