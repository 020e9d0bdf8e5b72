"""The promise of instants as a plain statement, held against everything that can happen to a schedule.

Each minute that the rhythm names while the schedule is active has exactly one firing that covers it; none
has one before the schedule was made, while it was paused or by a rhythm it has no more. A one-shot ends fired
or missed, once, wherever it is moved. What comes next is what the rhythm says.
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

from agents import live_streams
from agents.models import Budget, LedgerEntry
from schedules.dispatch.next_instant_check import NextCheck
from schedules.dispatch.tick import tick
from schedules.models import Firing, Run, Schedule
from schedules.models.firing import BY_RHYTHM
from schedules.services import schedule_writer
from schedules.states import Outcome, OverlapPolicy, ScheduleStatus, Source
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
        self.schedule = schedule_writer.save(Schedule.objects.get(pk=self.schedule.pk), changes, now=self.now)
        self.recorded = False

    @rule(cron=st.sampled_from(sorted(RHYTHMS)), zone=st.sampled_from(sorted(AHEAD_OF_UTC)))
    def the_rhythm_is_edited(self, cron: str, zone: str) -> None:
        changes = {"cron": cron, "timezone": zone}
        self.schedule = schedule_writer.save(Schedule.objects.get(pk=self.schedule.pk), changes, now=self.now)
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
            self.token = live_streams.begin("message:1", "web", 86_400 * 365, self.now)
        else:
            live_streams.end("message:1", self.token)
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

    @precondition(lambda self: self.once)
    @rule(data=st.data(), after=st.integers(1, 600))
    def a_one_shot_is_moved(self, data: st.DataObject, after: int) -> None:
        one = Schedule.objects.get(pk=data.draw(st.sampled_from(self.once)).pk)
        if one.status == ScheduleStatus.ACTIVE:
            schedule_writer.save(one, {"at": self.now + timedelta(minutes=after)}, now=self.now)
            self.recorded = False

    @rule()
    def it_is_run_by_hand(self) -> None:
        enqueue(self.schedule, source=Source.MANUAL, now=self.now)

    @rule()
    def the_runs_end(self) -> None:
        for run_id in Run.objects.queued().values_list("pk", flat=True):
            withdraw(run_id, now=self.now, reason="Done.")

    @rule(minutes=st.integers(1, 3000) | st.integers(1, 90), seconds=st.integers(0, 90))
    def the_clock_is_ahead_for_a_while(self, minutes: int, seconds: int) -> None:
        """Then it is right, and one scheduler looks before all of them may be away."""
        self._wrong_clock(minutes)
        self.now += timedelta(seconds=seconds)
        self._tick(self.now)

    def _wrong_clock(self, minutes: int) -> None:
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
            moved = rows.filter(outcome=Outcome.COALESCED)
            assert not moved.exclude(reason__contains="was moved").exists()
            assert not moved.filter(nominal_at=one.at).exists()
            rows = rows.exclude(outcome=Outcome.COALESCED)
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


@pytest.mark.parametrize("misfire", ["fire_once", "skip", "fire_all"])
@pytest.mark.parametrize("minutes", [7, 31, 200])
@pytest.mark.parametrize("away", [60, 1800, 7200, 40_000])
@pytest.mark.parametrize("edited", [True, False])
def test_an_outage_longer_than_a_clock_was_ahead_loses_no_instant(
    misfire: str, minutes: int, away: int, edited: bool
) -> None:
    promise = Promise()
    promise.make("*/5 * * * *", misfire)
    promise._wrong_clock(minutes)
    for seconds in (60, 300):
        promise.now += timedelta(seconds=seconds)
        promise._tick(promise.now)
    if edited:
        promise.what_moves_no_instant_is_edited({"overlap_policy": OverlapPolicy.ALLOW})
    promise.no_scheduler_is_there(away)
    promise.time_passes_and_two_schedulers_look(1, 0)
    promise.every_instant_has_one_firing_that_covers_it()
    promise.what_comes_next_follows_from_the_rhythm()
    promise.teardown()


@pytest.mark.parametrize("behind", [2, 17, 59])
def test_by_a_clock_that_is_behind_nothing_fires_from_before_the_schedule_was_made(behind: int) -> None:
    schedule = a_schedule(NOON, cron="* * * * *")
    for second in range(0, (behind + 3) * 60, 60):  # until that clock has gone past the making
        wrong = NOON - timedelta(minutes=behind) + timedelta(seconds=second)
        with time_machine.travel(wrong, tick=False):
            NextCheck().step(wrong)
        tick(the_situation(wrong))
    fired = list(Firing.objects.filter(schedule=schedule).values_list("nominal_at", flat=True))
    assert fired
    assert min(fired) > NOON


def test_a_one_shot_that_is_due_and_is_moved_fires_once_at_its_new_moment() -> None:
    at, later = NOON + MINUTE, NOON + 90 * MINUTE
    one = a_schedule(NOON, at=at, name="Once")
    schedule_writer.save(Schedule.objects.get(pk=one.pk), {"at": later}, now=NOON + 30 * MINUTE)
    tick(the_situation(NOON + 31 * MINUTE))
    assert not Run.objects.exists()
    tick(the_situation(later))
    rows = Firing.objects.filter(schedule=one).order_by("nominal_at")
    assert list(rows.values_list("nominal_at", "outcome")) == [
        (at, Outcome.COALESCED), (later, Outcome.FIRED),
    ]  # fmt: skip
    assert rows[0].reason == "It had not fired when it was moved to 2026-11-24 13:30:00 UTC."


def test_whatever_happens_the_promise_of_instants_is_kept() -> None:
    profile = settings.default
    few = settings(
        profile, max_examples=max(8, profile.max_examples // 8), stateful_step_count=14, deadline=None
    )
    play(Promise, settings=few)
