"""The promise of instants as a plain statement, held against everything that can happen to a schedule.

Each minute that the rhythm names while the schedule is active has exactly one firing that covers it; none
has one before the schedule was made, while it was paused or by a rhythm it has no more. A one-shot ends fired
or missed. What comes next is what the rhythm says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as play

from agents import activity
from agents.models import Budget, LedgerEntry
from schedules import editing
from schedules.models import Firing, Run, Schedule
from schedules.models.firing import BY_RHYTHM
from schedules.next_check import NextCheck
from schedules.states import Outcome, OverlapPolicy, ScheduleStatus, Source
from schedules.tick import tick
from schedules.transitions import enqueue, pause, resume, withdraw
from tests.support.builders import NOON, a_schedule, the_situation

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
RHYTHMS = {"*/5 * * * *": set(range(0, 60, 5)), "3 * * * *": {3}, "*/20 * * * *": {0, 20, 40}}
AHEAD_OF_UTC = {"UTC": 0, "Asia/Kolkata": 330, "Europe/Berlin": 60}


@dataclass
class Stretch:
    """From when (exclusive) until when (inclusive) which minutes of the hour are instants."""

    begin: datetime
    minutes: set[int]
    end: datetime | None = None

    def instants(self, until: datetime) -> set[datetime]:
        end = min(until, self.end or until)
        moment, found = self.begin.replace(second=0, microsecond=0) + MINUTE, set()
        while moment <= end:
            if moment.minute in self.minutes:
                found.add(moment)
            moment += MINUTE
        return found


class Promise(RuleBasedStateMachine):
    """One schedule with a rhythm and some one-shots, at a time that is handed in."""

    def __init__(self) -> None:
        super().__init__()
        self._rollback = transaction.atomic()
        self._rollback.__enter__()
        self.now = NOON + timedelta(seconds=17)
        self.stretches: list[Stretch] = []
        self.once: list[Schedule] = []
        self.recorded = True  # a scheduler has just looked, and nobody chats
        self.ahead: set[datetime] = set()  # what a clock that was ahead fired early
        self.token: Any = None

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._rollback.__exit__(None, None, None)

    @initialize(
        cron=st.sampled_from(sorted(RHYTHMS)), misfire=st.sampled_from(["fire_once", "skip", "fire_all"])
    )
    def make(self, cron: str, misfire: str) -> None:
        self.cron, self.zone = cron, "UTC"
        self.schedule = a_schedule(self.now, cron=cron, misfire_policy=misfire, name="Rhythm")
        self._begin()

    def _begin(self) -> None:
        shift = AHEAD_OF_UTC[self.zone]
        self.stretches.append(Stretch(self.now, {(minute - shift) % 60 for minute in RHYTHMS[self.cron]}))

    def _end(self) -> None:
        if self.stretches and self.stretches[-1].end is None:
            self.stretches[-1].end = self.now

    @property
    def active(self) -> bool:
        return self.stretches[-1].end is None

    def _tick(self, moment: datetime) -> None:
        tick(the_situation(moment))

    # What happens.

    @rule(seconds=st.integers(1, 5400), skew_ms=st.integers(-150, 150))
    def time_passes_and_two_schedulers_look(self, seconds: int, skew_ms: int) -> None:
        self.now += timedelta(seconds=seconds)
        self._tick(self.now + timedelta(milliseconds=skew_ms))
        self._tick(self.now)
        self.recorded = self.token is None

    @rule(seconds=st.integers(1, 40_000))
    def no_scheduler_is_there(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.recorded = False

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "jitter_sec": st.sampled_from([0, 40]),
                "overlap_policy": st.sampled_from(list(OverlapPolicy)),
                "misfire_grace_sec": st.sampled_from([None, 0, 600]),
                "kind": st.sampled_from(["scheduled", "heartbeat"]),
                "prompt": st.sampled_from(["Report.", "Say hello."]),
                "ends_at": st.sampled_from([None, NOON + timedelta(days=3000)]),
            },
        )
    )
    def what_moves_no_instant_is_edited(self, changes: dict[str, Any]) -> None:
        self.schedule = editing.save(Schedule.objects.get(pk=self.schedule.pk), changes, now=self.now)
        self.recorded = False

    @rule(cron=st.sampled_from(sorted(RHYTHMS)), zone=st.sampled_from(sorted(AHEAD_OF_UTC)))
    def the_rhythm_is_edited(self, cron: str, zone: str) -> None:
        changes = {"cron": cron, "timezone": zone}
        self.schedule = editing.save(Schedule.objects.get(pk=self.schedule.pk), changes, now=self.now)
        self.cron, self.zone = cron, zone
        if self.active:
            self._end()
            self._begin()

    @precondition(lambda self: self.active)
    @rule()
    def it_is_paused(self) -> None:
        assert pause(self.schedule.pk, now=self.now)
        self._end()

    @precondition(lambda self: not self.active)
    @rule()
    def it_is_resumed(self) -> None:
        assert resume(self.schedule.pk, now=self.now)
        self._begin()

    @rule()
    def somebody_chats_or_stops(self) -> None:
        if self.token is None:
            self.token = activity.begin("message:1", "web", 86_400 * 365, self.now)
        else:
            activity.end("message:1", self.token)
            self.token = None
        self.recorded = False

    @rule()
    def the_budget_is_spent_or_filled(self) -> None:
        if Budget.objects.exists():
            Budget.objects.all().delete()
            return
        Budget.objects.create(scope="install", window="month", max_turns=1)
        LedgerEntry.objects.create(at=self.now, activity="run_turn")

    @rule(after=st.integers(1, 600))
    def a_one_shot_is_made(self, after: int) -> None:
        at = self.now + timedelta(minutes=after)
        self.once.append(a_schedule(self.now, at=at, name=f"Once {len(self.once)}"))

    @precondition(lambda self: self.once)
    @rule(data=st.data())
    def a_one_shot_is_paused_and_goes_on(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.once))
        if pause(one.pk, now=self.now):
            assert resume(one.pk, now=self.now + timedelta(seconds=1))
            self.recorded = False

    @rule()
    def it_is_run_by_hand(self) -> None:
        enqueue(self.schedule, source=Source.MANUAL, now=self.now)

    @rule()
    def the_runs_end(self) -> None:
        for run_id in Run.objects.queued().values_list("pk", flat=True):
            withdraw(run_id, now=self.now, reason="Done.")

    @rule(minutes=st.integers(1, 3000))
    def the_clock_is_ahead_for_a_while(self, minutes: int) -> None:
        self._tick(self.now)
        before = set(Firing.objects.values_list("pk", flat=True))
        self._tick(self.now + minutes * MINUTE)
        early = Firing.objects.exclude(pk__in=before).filter(fired_at__isnull=False, nominal_at__gt=self.now)
        self.ahead |= set(early.values_list("nominal_at", flat=True))
        self._check(self.now)
        self.recorded = False

    @rule(minutes=st.integers(1, 3000))
    def the_clock_is_behind_for_a_while(self, minutes: int) -> None:
        self._check(self.now - minutes * MINUTE)
        self._check(self.now)
        self.recorded = False

    def _check(self, moment: datetime) -> None:
        with time_machine.travel(moment, tick=False):
            NextCheck().step(moment)

    # What is promised.

    @invariant()
    def every_instant_has_one_firing_that_covers_it(self) -> None:
        if not (self.recorded and self.stretches):
            return
        wanted = set().union(*(stretch.instants(self.now) for stretch in self.stretches))
        jitter = Schedule.objects.get(pk=self.schedule.pk).jitter_sec
        certain = {moment for moment in wanted if moment <= self.now - timedelta(seconds=jitter + 1)}
        rows = Firing.objects.filter(schedule=self.schedule, kind__in=BY_RHYTHM, nominal_at__lte=self.now)
        covered: list[datetime] = []
        for row in rows:
            last = row.last_nominal_at or row.nominal_at
            inside = [moment for moment in wanted if row.nominal_at <= moment <= last]
            if row.nominal_at not in self.ahead:
                assert len(inside) == row.count, (row, row.count, inside)
            covered += inside
        assert len(covered) == len(set(covered)), "An instant has two firings."
        assert certain <= set(covered), sorted(certain - set(covered))

    @invariant()
    def a_one_shot_ends_fired_or_missed(self) -> None:
        if not self.recorded:
            return
        for one in Schedule.objects.filter(pk__in=[one.pk for one in self.once]):
            rows = Firing.objects.filter(schedule=one, kind__in=BY_RHYTHM)
            outcomes = list(rows.values_list("outcome", flat=True))
            assert len(outcomes) <= 1
            assert one.at is not None
            if one.at <= self.now:
                assert outcomes in ([Outcome.FIRED], [Outcome.MISSED]), (one.at, self.now)

    @invariant()
    def what_comes_next_follows_from_the_rhythm(self) -> None:
        if not (self.recorded and self.stretches):
            return
        schedule = Schedule.objects.get(pk=self.schedule.pk)
        assert (schedule.status == ScheduleStatus.ACTIVE) == self.active
        if self.active:
            later = self.stretches[-1].instants(self.now + timedelta(days=4)) - self.ahead
            pending = schedule.jitter_sec and schedule.next_nominal_at <= self.now
            assert pending or schedule.next_nominal_at == min(moment for moment in later if moment > self.now)


def test_whatever_happens_the_promise_of_instants_is_kept() -> None:
    profile = settings.default
    few = settings(
        profile, max_examples=max(8, profile.max_examples // 8), stateful_step_count=14, deadline=None
    )
    play(Promise, settings=few)
