"""Totals never fall: not when they are counted for good, not when what they count is pruned."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F

from agents import live_streams
from agents.models import LedgerEntry
from agents.states import Activity, FailureReason
from schedules.dispatch import retention
from schedules.dispatch.tick import tick
from schedules.models import CounterTotal, Firing, Run
from schedules.monitoring.rollups import rollup
from schedules.monitoring.rollups.sources import DURATION, FIRST_TOKEN, LATENESS
from schedules.states import RunStatus
from schedules.transitions import Ending, claim, finish, withdraw
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, the_situation

MINUTES = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def from_the_beginning(db):
    CounterTotal.objects.all().delete()


def a_firing_that_took(seconds, late_ms=3, **ending):
    """A schedule that came due at 12:05, was fired a little late, ran and ended."""
    schedule = a_schedule(name=f"took {seconds}")
    due = NOON + 5 * MINUTES + timedelta(milliseconds=late_ms)
    tick(the_situation(due))
    run = Run.objects.get(schedule=schedule)
    claimed = claim(run, holder="worker", now=due, conf=the_situation().conf)
    finish(
        run.pk,
        claimed.token,
        Ending(**({"status": RunStatus.COMPLETED, "worked_ms": seconds * 1000} | ending)),
        now=due + timedelta(seconds=seconds),
    )
    return run


def keep_until_settled(now):
    """Count as the loop does, pass by pass: what is settled now, and what is new until then."""
    for pass_ in range(4):
        rollup.update(now + pass_ * 6 * MINUTES)


def test_what_happened_is_counted_before_anything_is_kept():
    a_firing_that_took(40)
    counted = rollup.totals()
    assert (counted["firings|fired"], counted["runs|completed|scheduled"]) == (1, 1)
    buckets, total = DURATION.values(counted)
    assert dict(buckets)["30.0"] == 0
    assert dict(buckets)["60.0"] == dict(buckets)["+Inf"] == 1
    assert total == 40.0


def test_lateness_runs_from_due_to_fired_and_a_step_back_for_chat_is_none():
    a_firing_that_took(1, late_ms=8)
    buckets, total = LATENESS.values(rollup.totals())
    assert (dict(buckets)["0.005"], dict(buckets)["0.01"], total) == (0, 1, pytest.approx(0.008))
    Firing.objects.update(deferral_ms=30_000, fired_at=F("due_at") + 30 * timedelta(seconds=1))
    assert LATENESS.values(rollup.totals())[0][-1] == ("+Inf", 0)


def test_totals_are_the_same_before_and_after_they_are_counted_for_good():
    a_firing_that_took(40)
    a_firing_that_took(2, status=RunStatus.FAILED, reason=FailureReason.TIMEOUT)
    LedgerEntry.objects.create(
        at=NOON, activity=Activity.RUN_TURN, cost_usd=Decimal("0.00000007"), input_tokens=5
    )
    before = rollup.totals()
    keep_until_settled(NOON + 10 * MINUTES)
    assert rollup.totals() == before
    assert CounterTotal.objects.get(pk="runs").totals["failures|timeout"] == 1
    assert (before["cost|run_turn"], before["replies|run_turn"], before["tokens_input|run_turn"]) == (7, 1, 5)


def test_a_reply_whose_price_is_not_known_is_counted_and_costs_nothing_known():
    LedgerEntry.objects.create(at=NOON, activity=Activity.RUN_TURN, cost_usd=None, input_tokens=5)
    totals = rollup.totals()
    assert (totals["cost|run_turn"], totals["tokens_input|run_turn"]) == (0, 5)
    keep_until_settled(NOON + 10 * MINUTES)
    assert rollup.totals() == totals


def test_pruning_takes_nothing_from_the_totals():
    a_firing_that_took(40)
    before = rollup.totals()
    keep_until_settled(NOON + 10 * MINUTES)
    assert retention.prune(NOON + timedelta(days=3), 1)
    assert not Firing.objects.exists()
    assert not Run.objects.exists()
    assert rollup.totals() == before


def test_what_is_new_is_not_counted_for_good_before_it_has_settled():
    a_firing_that_took(40)
    rollup.update(NOON + 10 * MINUTES)  # notes how far there is something
    rollup.update(NOON + 11 * MINUTES)
    assert CounterTotal.objects.get(pk="firings").totals == {}
    rollup.update(NOON + 16 * MINUTES)
    assert CounterTotal.objects.get(pk="firings").totals["firings|fired"] == 1


def test_many_rows_are_counted_in_steps_and_each_once(monkeypatch):
    monkeypatch.setattr(rollup, "STEP", 2)
    for seconds in range(1, 6):
        a_firing_that_took(seconds)
    before = rollup.totals()
    assert rollup.update(NOON + 10 * MINUTES)
    passes = 0
    while not rollup.update(NOON + 20 * MINUTES):
        passes += 1
        assert rollup.totals() == before
    assert passes == 2
    assert CounterTotal.objects.get(pk="runs").totals["runs|completed|scheduled"] == 5


def test_of_two_that_count_at_once_one_gives_way():
    a_firing_that_took(40)
    rollup.update(NOON + 10 * MINUTES)
    source = rollup.SOURCES[0]
    seen = CounterTotal.objects.get(pk=source.name)
    rollup.update(NOON + 20 * MINUTES)
    rollup._count(source, seen, seen.ahead, NOON + 20 * MINUTES)  # with what it saw before the other was done
    assert CounterTotal.objects.get(pk=source.name).totals["firings|fired"] == 1


def test_a_run_that_expired_in_the_queue_had_fired_all_the_same():
    schedule = a_schedule()
    tick(the_situation(NOON + 5 * MINUTES))
    before = rollup.totals()["firings|fired"]
    run = Run.objects.get(schedule=schedule)
    withdraw(run.pk, now=NOON + 90 * MINUTES, reason="Too old.", outcome="expired_in_queue")
    counted = rollup.totals()
    assert (before, counted["firings|fired"], counted["runs|cancelled|scheduled"]) == (1, 1, 1)


def test_runs_that_have_not_ended_are_not_counted():
    a_queued_run()
    a_running_run(a_schedule(name="Other"))
    assert not [key for key in rollup.totals() if key.startswith("runs|")]


def test_the_first_words_of_replies_are_counted():
    ended = NOON + timedelta(seconds=9)
    live_streams.record("message:1", started_at=NOON, ended_at=ended, reason="completed", first_token_ms=700)
    live_streams.record("message:2", started_at=NOON, ended_at=ended, reason="error", first_token_ms=None)
    counted = rollup.totals()
    assert (counted["streams|completed"], counted["streams|error"]) == (1, 1)
    buckets, total = FIRST_TOKEN.values(counted)
    assert (dict(buckets)["0.5"], dict(buckets)["1.0"], dict(buckets)["+Inf"], total) == (0, 1, 1, 0.7)
