"""A clock that was ahead for a while: what it stored holds nothing back once the clock is right."""

from datetime import timedelta

import pytest

from agents import live_streams
from agents.models import Approval, LiveStream, Provider
from agents.runtimes import breaker
from schedules.dispatch import clock_skew_repair
from schedules.dispatch.drain import drain
from schedules.dispatch.next_instant_check import NextCheck
from schedules.dispatch.reaper import reap
from schedules.models import Run, Schedule, Scheduler
from schedules.states import RunStatus
from stagent.lib import clock
from tests.support.builders import (
    NOON,
    a_queued_run,
    a_running_run,
    a_schedule,
    a_scheduler,
    a_waiting_run,
    the_situation,
)

AHEAD = NOON + timedelta(days=30)

pytestmark = pytest.mark.django_db


def test_a_run_whose_worker_died_under_a_wrong_clock_is_queued_again():
    run, _ = a_running_run(now=AHEAD)
    assert reap(NOON) == 0
    clock_skew_repair.correct_stored_moments(NOON)
    reap(NOON + timedelta(seconds=1))
    run.refresh_from_db()
    assert (run.status, run.lost_count) == (RunStatus.QUEUED, 1)


def test_a_run_that_was_queued_under_a_wrong_clock_starts_in_its_turn():
    early = a_queued_run(a_schedule(name="early"), AHEAD)
    retried = a_queued_run(a_schedule(name="retried"), NOON)
    Run.objects.filter(pk=retried.pk).update(not_before=AHEAD)
    clock_skew_repair.correct_stored_moments(NOON)
    assert not Run.objects.filter(claim_order__gt=NOON).exists()
    drain(the_situation(NOON + timedelta(seconds=1)), "here")
    assert set(Run.objects.running().values_list("pk", flat=True)) == {early.pk, retried.pk}


def test_chat_breakers_and_signs_of_life_of_a_wrong_clock_are_over():
    live_streams.begin("message:1", "gone", 30, AHEAD)
    breaker.trip("anthropic", "server_error", "down", AHEAD)
    breaker.block_until("other", AHEAD)
    Schedule.objects.filter(pk=a_schedule().pk).update(deferred_until=AHEAD)
    a_scheduler(AHEAD)
    clock_skew_repair.correct_stored_moments(NOON)
    soon = NOON + timedelta(minutes=1)
    assert not LiveStream.objects.live(soon).exists()
    assert not Provider.objects.blocked(soon).exists()
    assert not Schedule.objects.filter(deferred_until__gt=soon).exists()
    assert not Scheduler.objects.filter(seen_at__gt=soon).exists()


def test_a_question_keeps_the_time_there_was_to_answer_it():
    _, approval = a_waiting_run(now=AHEAD)
    given = approval.expires_at - approval.asked_at
    clock_skew_repair.correct_stored_moments(NOON)
    approval.refresh_from_db()
    assert (approval.asked_at, approval.expires_at) == (NOON, NOON + given)


def test_what_a_right_clock_stored_stays():
    a_running_run(a_schedule(name="runs"))
    waits = a_queued_run(a_schedule(name="waits"))
    Run.objects.filter(pk=waits.pk).update(not_before=NOON + timedelta(minutes=32))
    breaker.trip("anthropic", "bad_key", "no", NOON)
    live_streams.begin("message:1", "here", 30, NOON)
    before = everything()
    assert clock_skew_repair.correct_stored_moments(NOON) == 0
    assert everything() == before


def test_the_loop_corrects_after_a_jump_and_at_its_start():
    check = NextCheck()
    for now in (clock.now(), clock.now()):
        a_scheduler(now + timedelta(days=30), holder=f"gone at {now}")
        check.begin("the clock was set")
        check.step(now)
        assert not Scheduler.objects.filter(seen_at__gt=now + timedelta(minutes=2)).exists()


def everything():
    return [list(model.objects.order_by("pk").values()) for model in (Run, Provider, LiveStream, Approval)]
