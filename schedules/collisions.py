"""Does a schedule come due together with others, so that their steps pile up? A warning, never a refusal.

Nominal instants of the next 24 hours are put into minutes, and a window of five minutes slides over them, so
that :04 and :05 are neighbours and 09:00 and 15:00 are not. Within a window a schedule counts once: its own
runs do not overlap.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from schedules import conf
from schedules.ahead import Stretch
from schedules.models import Schedule
from schedules.sketch import Sketch, sketches
from schedules.weights import Weights
from schedules.zones import zone

HORIZON = timedelta(hours=24)
WINDOW = 5  # minutes
BUSY_STEPS = 3000  # in one window
SHIFTS = sorted(
    (shift for shift in range(-55, 60, 5) if shift), key=abs
)  # minutes that a suggestion may move it by
MARGIN = 120  # minutes before and after the day that a window or a suggestion may reach into
LENGTH = 24 * 60 + 2 * MARGIN
MOST_MINUTES = 48  # named in one warning


def check(schedule: Schedule, now: datetime) -> list[dict[str, Any]]:
    """Return one warning if the schedule, saved or not, makes a window busy together with others."""
    day = Day(now)
    mine = day.minutes(schedule)
    others = _others(schedule, now) if mine else []
    if not others:
        return []
    weights = Weights([schedule, *others], conf.load())
    flows = [(weights.of(other), day.minutes(other)) for other in others]
    traffic = Traffic(flows, begin=round(now.timestamp()) // 60)
    busy = traffic.meets(mine, weights.of(schedule))
    return [_warning(schedule, others, traffic, busy, weights.of(schedule), mine, now)] if busy else []


def _others(schedule: Schedule, now: datetime) -> list[Sketch]:
    """Return the active schedules of its project (all, where it has none) that fire within the day."""
    soon = Schedule.objects.active().filter(next_nominal_at__lte=now + HORIZON).exclude(pk=schedule.pk)
    near = soon.filter(project=schedule.project_id) if schedule.project_id else soon
    return list(sketches(near))


class Day:
    """The minutes, counted from 1970, in which schedules will fire within the day; one list for a rhythm."""

    def __init__(self, now: datetime) -> None:
        self._stretch = Stretch(now, now + HORIZON)
        self._known: dict[tuple[int, int | None], list[int]] = {}

    def minutes(self, schedule: Schedule | Sketch) -> list[int]:
        stamps, left = self._stretch.stamps(schedule), schedule.firings_left
        key = id(stamps), left  # the stretch keeps them, so no other list has this number
        minutes = self._known.get(key)
        if minutes is None:
            minutes = self._known[key] = sorted({stamp // 60 for stamp in stamps[:left]})
        return minutes


class Traffic:
    """The steps of many schedules: what each window of the day adds up to, and the worst a minute lies in."""

    def __init__(self, flows: Sequence[tuple[float, list[int]]], begin: int) -> None:
        self._flows = flows
        self._base = begin - MARGIN
        self._windows = self._add_up()
        self._worst = [max(self._windows[max(0, at - WINDOW + 1) : at + 1]) for at in range(LENGTH)]

    def _add_up(self) -> list[float]:
        """Add every flow's steps once to each window it passes through, named by its first minute."""
        changes = [0.0] * LENGTH
        for steps, minutes in self._together():
            beyond = 0  # the first window that this flow is not in yet
            for minute in minutes:
                at = minute - self._base
                changes[max(beyond, at - WINDOW + 1)] += steps
                changes[at + 1] -= steps
                beyond = at + 1
        return list(accumulate(changes))

    def _together(self) -> Iterable[tuple[float, list[int]]]:
        """Return the flows, those that share a list of minutes as one."""
        found: dict[int, tuple[float, list[int]]] = {}
        for steps, minutes in self._flows:
            before, _ = found.get(id(minutes), (0.0, minutes))
            found[id(minutes)] = before + steps, minutes
        return found.values()

    def meets(self, minutes: Iterable[int], steps: float) -> list[int]:
        """Return the minutes at which so many steps more, beside somebody else's, make a window busy."""
        return [minute for minute in minutes if self.at(minute) >= max(1, BUSY_STEPS - steps)]

    def at(self, minute: int) -> float:
        """Return the steps of the worst window that a minute lies in."""
        return self._worst[minute - self._base]

    def members(self, minutes: Iterable[int]) -> list[int]:
        """Return which flows are in the worst windows of these minutes."""
        crowded = {near for minute in minutes for near in self._window_of(minute)}
        lists = {id(mine): mine for _, mine in self._flows}
        inside = {key for key, mine in lists.items() if not crowded.isdisjoint(mine)}
        return [number for number, (_, mine) in enumerate(self._flows) if id(mine) in inside]

    def _window_of(self, minute: int) -> range:
        firsts = range(minute, minute - WINDOW, -1)
        first = max(firsts, key=lambda first: self._windows[first - self._base])
        return range(first, first + WINDOW)


def _warning(
    schedule: Schedule,
    others: Sequence[Sketch],
    traffic: Traffic,
    busy: list[int],
    steps: float,
    mine: list[int],
    now: datetime,
) -> dict[str, Any]:
    met = [others[number] for number in traffic.members(busy)]
    return {
        "type": "cron_collision",
        "overlapping_schedules": [other.name for other in met],
        "overlapping_schedule_ids": [str(other.pk) for other in met],
        "overlapping_minutes": _clock_times(schedule, busy[:MOST_MINUTES]),
        "estimated_concurrent_steps": round(max(map(traffic.at, busy)) + steps),
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
