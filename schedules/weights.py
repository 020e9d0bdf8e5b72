"""How many agent steps a run of a schedule is expected to take."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from statistics import median

from agents.models import Profile
from schedules.conf import Conf
from schedules.models import Schedule
from schedules.sketch import Sketch


class Weights:
    """Expected steps: the schedule's own average, else its profile's median, else the limit it runs under."""

    def __init__(self, schedules: Iterable[Schedule | Sketch], conf: Conf) -> None:
        averages = defaultdict[int, list[float]](list)
        for schedule in schedules:
            if schedule.avg_turns_per_firing is not None:
                averages[schedule.profile_id].append(schedule.avg_turns_per_firing)
        self._medians = {profile: median(values) for profile, values in averages.items()}
        self._default = conf.default_max_turns

    def of(self, schedule: Schedule | Sketch) -> float:
        if schedule.avg_turns_per_firing is not None:
            return schedule.avg_turns_per_firing
        if usual := self._medians.get(schedule.profile_id):
            return min(usual, schedule.max_turns or usual)  # no run takes more steps than it may
        return schedule.max_turns or self._limits.get(schedule.profile_id) or self._default

    @cached_property
    def _limits(self) -> dict[int, int | None]:
        """Read the limits of all profiles, once and only where one is asked for."""
        return dict(Profile.objects.values_list("pk", "max_turns"))
