"""Does a schedule come due together with others, so that their steps pile up? A warning, never a refusal.

Nominal instants of the next 24 hours are put into minutes, and a window of five minutes slides over them, so
that :04 and :05 are neighbours and 09:00 and 15:00 are not. Within a window a schedule counts once: its own
runs do not overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schedules import conf
from schedules.models import Schedule
from schedules.weights import Weights
from schedules.zones import zone

HORIZON = timedelta(hours=24)
WINDOW = 5  # minutes
BUSY_STEPS = 3000  # in one window
SHIFTS = sorted(
    (shift for shift in range(-55, 60, 5) if shift), key=abs
)  # minutes that a suggestion may move it by
MOST_MINUTES = 48  # named in one warning


def check(schedule: Schedule, now: datetime) -> list[dict[str, Any]]:
    """Return one warning if the schedule, saved or not, makes a window busy together with others."""
    mine = _minutes(schedule, now)
    others = _others(schedule, now) if mine else []
    if not others:
        return []
    weights = Weights([schedule, *others], conf.load())
    traffic = Traffic([(weights.of(other), _minutes(other, now)) for other in others])
    busy = traffic.meets(mine, weights.of(schedule))
    return [_warning(schedule, others, traffic, busy, weights.of(schedule), mine, now)] if busy else []


def _others(schedule: Schedule, now: datetime) -> list[Schedule]:
    """Return the active schedules of its project (all, where it has none) that fire within the day."""
    soon = Schedule.objects.active().filter(next_nominal_at__lte=now + HORIZON).exclude(pk=schedule.pk)
    near = soon.filter(project=schedule.project_id) if schedule.project_id else soon
    return list(near.select_related("profile").only(*COLUMNS))


COLUMNS = (
    "name", "cron", "every_sec", "at", "timezone", "anchor_at", "starts_at", "ends_at",
    "avg_turns_per_firing", "max_turns", "profile__max_turns",
)  # fmt: skip


def _minutes(schedule: Schedule, now: datetime) -> list[int]:
    """Return the minutes, counted from 1970, in which it comes due within the day."""
    return sorted({stamp // 60 for stamp in schedule.recurrence.stamps(now, now + HORIZON)})


@dataclass
class Traffic:
    """The steps of many schedules, minute by minute; `totals` maps a window's first minute to its steps."""

    flows: Sequence[tuple[float, list[int]]]
    totals: dict[int, float] = field(init=False)

    def __post_init__(self) -> None:
        self.totals = _totals(self.flows)

    def meets(self, minutes: Iterable[int], steps: float) -> dict[int, int]:
        """Return the minutes in a busy window with somebody else, each with its busiest window's first."""
        busiest = ((minute, max(_windows(minute), key=self._steps)) for minute in minutes)
        return {minute: first for minute, first in busiest if self._is_busy(first, steps)}

    def _steps(self, first: int) -> float:
        return self.totals.get(first, 0.0)

    def _is_busy(self, first: int, steps: float) -> bool:
        return self._steps(first) > 0 and self._steps(first) + steps >= BUSY_STEPS

    def members(self, firsts: set[int]) -> list[int]:
        """Return which flows pass through any of these windows."""
        crowded = {minute for first in firsts for minute in range(first, first + WINDOW)}
        return [number for number, (_, minutes) in enumerate(self.flows) if not crowded.isdisjoint(minutes)]


def _windows(minute: int) -> range:
    """Return the first minutes of the windows that a minute lies in, the one it begins first."""
    return range(minute, minute - WINDOW, -1)


def _totals(flows: Iterable[tuple[float, list[int]]]) -> dict[int, float]:
    """Add every flow's steps once to each window that it passes through."""
    totals: dict[int, float] = {}
    for steps, minutes in flows:
        reached = None  # the last window this flow was added to
        for minute in minutes:
            first = minute - WINDOW + 1 if reached is None else max(reached + 1, minute - WINDOW + 1)
            for window in range(first, minute + 1):
                totals[window] = totals.get(window, 0.0) + steps
            reached = minute
    return totals


def _warning(
    schedule: Schedule,
    others: Sequence[Schedule],
    traffic: Traffic,
    busy: dict[int, int],
    steps: float,
    mine: list[int],
    now: datetime,
) -> dict[str, Any]:
    met = [others[number] for number in traffic.members(set(busy.values()))]
    return {
        "type": "cron_collision",
        "overlapping_schedules": [other.name for other in met],
        "overlapping_schedule_ids": [str(other.pk) for other in met],
        "overlapping_minutes": _clock_times(schedule, list(busy)[:MOST_MINUTES]),
        "estimated_concurrent_steps": round(max(traffic.totals[first] for first in busy.values()) + steps),
        "suggestion": _suggestion(schedule, traffic, steps, mine),
    }


def _suggestion(schedule: Schedule, traffic: Traffic, steps: float, mine: list[int]) -> str:
    """Name the nearest shift that keeps every instant out of busy windows."""
    for shift in SHIFTS:
        moved = [minute + shift for minute in mine]
        if not traffic.meets(moved, steps):
            way = "later" if shift > 0 else "earlier"
            to = _clock_times(schedule, moved[:1])[0]
            return (
                f"{abs(shift)} minutes {way} (the next one at {to}) it would stay below {BUSY_STEPS:,} steps."
            )
    return "No time within the hour around it is quiet: spread the others, or lower their step limits."


def _clock_times(schedule: Schedule, minutes: Iterable[int]) -> list[str]:
    """Return minutes as clock times in the schedule's zone."""
    here = zone(schedule.timezone)
    return [f"{datetime.fromtimestamp(60 * minute, UTC).astimezone(here):%H:%M}" for minute in minutes]
