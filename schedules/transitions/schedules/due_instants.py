"""Which instants of a schedule are due at a moment, and what the misfire policy makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import cast

from schedules.capacity.conditions import StartConditions
from schedules.capacity.lateness import Delays
from schedules.models import Firing, Run, Schedule
from schedules.timing.active_hours import has_quiet_hours, is_quiet
from schedules.timing.misfires import (
    MICROSECOND,
    NEVER_LATE,
    MisfireDecision,
    MissedSpan,
    Policy,
    decide,
    decide_some,
    default_grace,
    spans,
)
from schedules.timing.recurrence import Instant, jittered
from schedules.transitions.schedules.next_instant import SKEW, is_credible, made_at

MOST_SINGLED_OUT = 1_000_000  # instants that are looked at one by one: two years of minutes


@dataclass
class DueInstants:
    """A schedule at a moment when it is due; `earlier` are its unfinished runs.

    `recorded` are its firings that cover the due instants; there are some only if a clock was wrong.
    `at_once` treats an instant as due although its jitter would delay it: its recurrence ends now.
    """

    schedule: Schedule
    situation: StartConditions
    delays: Delays
    earlier: Sequence[Run] = ()
    recorded: Sequence[Firing] = ()
    at_once: bool = False

    @property
    def now(self) -> datetime:
        return self.situation.now

    @property
    def due_at(self) -> datetime:
        assert self.schedule.next_fire_at is not None
        return self.schedule.next_fire_at

    @property
    def following(self) -> Instant | None:
        """Return the first instant that is not due and has not fired."""
        if self.schedule.at is not None:
            return None
        following = self.plan.next
        while following and any(row.nominal_at == following.at and row.fired_at for row in self.recorded):
            following = self.schedule.recurrence.next_after(following.at)
        return following

    @cached_property
    def plan(self) -> MisfireDecision:
        """Return the misfire decision; within its jitter an instant is not due."""
        decided = self._plan_until(self.now)
        last = decided.fire[-1].at if decided.fire else None
        if last is None or self.at_once or self._first is None or last == self._first.at:
            return decided
        return self._plan_until(last - MICROSECOND) if self._fire_at(last) > self.now else decided

    @cached_property
    def quiet(self) -> tuple[MissedSpan, ...]:
        """Return the due instants outside its active hours, where several are due."""
        return (
            spans([pair for pair in self._open(self.now) if self._is_quiet(pair[1])]) if self._several else ()
        )

    def _plan_until(self, moment: datetime) -> MisfireDecision:
        recurrence, policy = self.schedule.recurrence, cast(Policy, self.schedule.misfire_policy)
        if self._first is None:
            return MisfireDecision()
        if not self._several or self._first.at > moment:
            return decide(recurrence, self._first, moment, policy, self.grace)
        wanted = [pair for pair in self._open(moment) if not self._is_quiet(pair[1])]
        some = decide_some(wanted, moment, policy, self.grace)
        return MisfireDecision(some.fire, some.coalesced, some.skipped, recurrence.next_after(moment))

    @cached_property
    def _first(self) -> Instant | None:
        """Return the first instant that is not recorded: the stored one, unless a clock was wrong."""
        schedule, known = self.schedule, self.schedule.recorded_until
        assert schedule.next_nominal_at is not None
        stored = Instant(schedule.next_nominal_at, schedule.next_dst_shifted)
        believed_until = known if known and self.recorded and known <= self.now + SKEW else None
        made = made_at(schedule, self.now)
        if stored.at <= made:  # a clock that was behind has set it back
            return schedule.recurrence.next_after(max(made, believed_until or made))
        if believed_until is None or believed_until < stored.at:
            return stored  # also where no firing has come since: somebody has set it
        return schedule.recurrence.next_after(believed_until)

    @cached_property
    def _several(self) -> bool:
        """Return whether due instants must be examined one by one."""
        if any(row.nominal_at <= self.now for row in self.recorded):
            return True
        if self._first is None or not has_quiet_hours(self.schedule):
            return False
        following = self.schedule.recurrence.next_after(self._first.at)
        return following is not None and following.at <= self.now

    def _open(self, moment: datetime) -> list[tuple[int, Instant]]:
        """Return the due instants without a firing, each with its index among all."""
        if self._first is None or self._first.at > moment:
            return []
        due = [self._first, *self.schedule.recurrence.between(self._first.at, moment, MOST_SINGLED_OUT)]
        rows = [row for row in self.recorded if is_credible(row, self.now)]
        single = {row.nominal_at for row in rows}
        long = [(row.nominal_at, row.last_nominal_at) for row in rows if row.last_nominal_at]
        return [
            (number, instant)
            for number, instant in enumerate(due)
            if instant.at not in single and not any(first <= instant.at <= last for first, last in long)
        ]

    def _is_quiet(self, instant: Instant) -> bool:
        return is_quiet(self.schedule, instant.at)

    @cached_property
    def uncredible(self) -> list[Firing]:
        """Return the rows that a fast clock wrote for instants that are due only now."""
        return [row for row in self.recorded if row.nominal_at <= self.now and not is_credible(row, self.now)]

    @cached_property
    def grace(self) -> timedelta:
        """Return how late an instant may be; jitter, deferral for chat and a busy loop do not count."""
        stepped_back = self.now - self.due_at if self.schedule.deferred_until else timedelta()
        default = default_grace(self.schedule.recurrence.period(self.due_at))
        grace = max(self.schedule.grace(default), NEVER_LATE, self.delays.busy)
        return grace + timedelta(seconds=self.schedule.jitter_sec) + stepped_back

    def _fire_at(self, nominal: datetime) -> datetime:
        if not self.schedule.jitter_sec:
            return nominal
        following = self.schedule.recurrence.next_after(nominal)
        return jittered(
            self.schedule.pk, nominal, self.schedule.jitter_sec, following.at if following else None
        )
