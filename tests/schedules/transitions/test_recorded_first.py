"""What is due is recorded before a schedule is changed; what is not moved stays due."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from agents import live_streams
from agents.models import Budget, LedgerEntry
from agents.states import FailureReason
from schedules.dispatch import reaper
from schedules.dispatch.tick import tick
from schedules.models import Firing, Notice, Run, Schedule
from schedules.services import schedule_writer
from schedules.states import MisfirePolicy, Outcome, OverlapPolicy, RunStatus, ScheduleStatus, Source
from schedules.transitions import Ending, finish, pause, remove, resume
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, the_situation

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
DUE = NOON + 5 * MINUTE
EDITED = DUE + timedelta(seconds=70)


def tick_at(moment: datetime) -> int:
    return tick(the_situation(moment))


def told(schedule: Schedule) -> list[tuple[str, datetime]]:
    rows = Firing.objects.filter(schedule_name=schedule.name).exclude(kind="manual")
    return list(rows.order_by("nominal_at").values_list("outcome", "nominal_at"))


CHANGES: dict[str, dict[str, Any]] = {
    "jitter": {"jitter_sec": 30},
    "most firings": {"max_firings": 9},
    "end": {"ends_at": NOON + timedelta(days=2)},
    "beginning": {"starts_at": NOON + timedelta(hours=1)},
    "zone": {"timezone": "Asia/Kolkata"},
    "expression": {"cron": "30 * * * *"},
    "a moment": {"at": NOON + timedelta(hours=3)},
    "overlap": {"overlap_policy": OverlapPolicy.ALLOW},
    "misfires": {"misfire_policy": MisfirePolicy.SKIP},
    "grace": {"misfire_grace_sec": 0},
    "kind": {"kind": "heartbeat"},
    "prompt": {"prompt": "Something else."},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_an_edit_of_any_field_loses_no_instant_that_is_due(changes: dict[str, Any]) -> None:
    schedule = a_schedule(interval="every 5m")
    schedule_writer.save(schedule, changes, now=EDITED)
    tick_at(EDITED + timedelta(seconds=1))
    assert told(schedule) == [(Outcome.FIRED, DUE)]
    schedule.refresh_from_db()
    assert schedule.next_nominal_at is not None
    assert schedule.next_nominal_at > EDITED


def test_an_edit_by_which_it_has_fired_as_often_as_it_may_ends_it_after_what_is_due() -> None:
    schedule = a_schedule(interval="every 5m")
    schedule_writer.save(schedule, {"max_firings": 1}, now=EDITED)
    schedule.refresh_from_db()
    assert (told(schedule), schedule.status) == ([(Outcome.FIRED, DUE)], ScheduleStatus.COMPLETED)


def test_an_instant_within_its_jitter_fires_by_the_old_rhythm_when_the_rhythm_ends() -> None:
    schedule = a_schedule(cron="5 * * * *", jitter_sec=3000)
    assert schedule.next_fire_at is not None
    assert schedule.next_fire_at > EDITED
    schedule_writer.save(schedule, {"cron": "0 0 * * *"}, now=EDITED)
    assert told(schedule) == [(Outcome.FIRED, DUE)]


def test_less_jitter_leaves_the_instant_due_and_lets_it_fire_earlier() -> None:
    schedule = a_schedule(cron="5 * * * *", jitter_sec=3000)
    schedule_writer.save(schedule, {"jitter_sec": 0}, now=EDITED)
    assert schedule.next_fire_at == DUE
    tick_at(EDITED)
    assert told(schedule) == [(Outcome.FIRED, DUE)]


def test_after_downtime_an_edit_explains_all_that_was_missed() -> None:
    schedule = a_schedule(interval="every 5m")
    schedule_writer.save(schedule, {"cron": "0 0 * * *"}, now=NOON + 62 * MINUTE)
    coalesced, fired = Firing.objects.order_by("nominal_at")
    assert (coalesced.outcome, coalesced.count) == (Outcome.COALESCED, 11)
    assert (coalesced.nominal_at, coalesced.last_nominal_at) == (DUE, NOON + 55 * MINUTE)
    assert (fired.outcome, fired.nominal_at) == (Outcome.FIRED, NOON + 60 * MINUTE)


def by_hand(schedule: Schedule) -> None:
    pause(schedule.pk, now=EDITED, reason="Holiday.")


def by_itself(schedule: Schedule) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(failure_streak=2)
    _, claimed = a_running_run(schedule, NOON, source=Source.MANUAL)
    Schedule.objects.filter(pk=schedule.pk).update(overlap_policy=OverlapPolicy.ALLOW)
    finish(claimed.run_id, claimed.token, Ending(RunStatus.FAILED, FailureReason.TOOL_ERROR), now=EDITED)


@pytest.mark.parametrize("paused", [by_hand, by_itself])
def test_what_was_due_before_a_pause_is_recorded_and_its_run_waits(
    paused: Callable[[Schedule], None],
) -> None:
    schedule = a_schedule(interval="every 5m")
    paused(schedule)
    schedule.refresh_from_db()
    assert (schedule.status, schedule.next_fire_at) == (ScheduleStatus.PAUSED, None)
    assert told(schedule) == [(Outcome.FIRED, DUE)]
    firing = Firing.objects.get(nominal_at=DUE)
    assert "paused after it came due" in firing.reason
    assert firing.run.status == RunStatus.QUEUED
    resume(schedule.pk, now=EDITED + MINUTE)
    tick_at(EDITED + 2 * MINUTE)
    assert told(schedule) == [(Outcome.FIRED, DUE)]


def test_what_was_due_before_a_schedule_is_deleted_is_in_its_history() -> None:
    schedule = a_schedule(interval="every 5m")
    remove(schedule.pk, now=EDITED)
    assert told(schedule) == [(Outcome.FIRED, DUE)]
    assert Run.objects.get().status == RunStatus.CANCELLED


# One-shots are promises.


def test_a_one_shot_deferred_by_chat_survives_a_pause() -> None:
    schedule = a_schedule(at=DUE)
    token = live_streams.begin("message:1", "web", 3600, DUE)
    tick_at(DUE)
    pause(schedule.pk, now=DUE + MINUTE)
    tick_at(DUE + 2 * MINUTE)
    assert told(schedule) == []
    live_streams.end("message:1", token)
    resume(schedule.pk, now=DUE + 3 * MINUTE)
    tick_at(DUE + 3 * MINUTE)
    assert told(schedule) == [(Outcome.FIRED, DUE)]


def spend(schedule: Schedule) -> None:
    Budget.objects.create(scope="schedule", subject_id=schedule.pk, window="day", max_turns=1)
    LedgerEntry.objects.create(at=NOON, activity="run_turn", schedule_id=schedule.pk)


def run_by_hand(schedule: Schedule) -> None:
    a_running_run(schedule, NOON, source=Source.MANUAL)


def wait_in_line(schedule: Schedule) -> None:
    a_queued_run(schedule, NOON, source=Source.MANUAL)


def fired_before(schedule: Schedule) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(firing_count=3, max_firings=1)


@pytest.mark.parametrize("hindrance", [spend, run_by_hand, wait_in_line, fired_before])
@pytest.mark.parametrize("overlap", [OverlapPolicy.SKIP, OverlapPolicy.QUEUE_ONE])
@pytest.mark.parametrize("late", [timedelta(), timedelta(hours=23)])
def test_nothing_consumes_a_one_shot(
    hindrance: Callable[[Schedule], None], overlap: OverlapPolicy, late: timedelta
) -> None:
    schedule = a_schedule(
        at=DUE, overlap_policy=overlap, misfire_policy=MisfirePolicy.SKIP, misfire_grace_sec=0
    )
    hindrance(schedule)
    tick_at(DUE + late)
    assert told(schedule) == [(Outcome.FIRED, DUE)]
    run = Run.objects.get(source=Source.SCHEDULED)
    assert run.status == RunStatus.QUEUED
    assert run.expires_at == DUE + timedelta(hours=24)


def test_a_one_shot_outside_its_active_hours_waits_for_them() -> None:
    hours = {"kind": "heartbeat", "active_from": "14:00", "active_until": "18:00"}
    schedule = a_schedule(at=DUE, **hours)
    assert schedule.next_nominal_at == DUE
    assert schedule.next_fire_at == NOON + timedelta(hours=2)
    tick_at(NOON + timedelta(hours=2))
    assert told(schedule) == [(Outcome.FIRED, DUE)]


def test_a_one_shot_that_no_scheduler_could_fire_ends_as_missed_and_is_told() -> None:
    schedule = a_schedule(at=DUE)
    tick_at(DUE + timedelta(hours=24, seconds=1))
    assert told(schedule) == [(Outcome.MISSED, DUE)]
    assert "no scheduler was running" in Firing.objects.get().reason
    notice = Notice.objects.get()
    assert (notice.kind, notice.schedule_id) == (Notice.Kind.MISSED, schedule.pk)


def test_a_one_shot_whose_run_waited_until_it_expired_ends_as_missed_and_is_told() -> None:
    schedule = a_schedule(at=DUE)
    spend(schedule)
    tick_at(DUE)
    reaper.reap(DUE + timedelta(hours=24))
    assert told(schedule) == [(Outcome.MISSED, DUE)]
    assert Notice.objects.get().schedule_id == schedule.pk


def test_a_one_shot_that_is_due_may_be_edited_and_stays_due() -> None:
    schedule = a_schedule(at=DUE)
    schedule_writer.save(schedule, {"timezone": "Asia/Kolkata", "jitter_sec": 60}, now=EDITED)
    assert schedule.next_nominal_at == DUE
    tick_at(EDITED + MINUTE)
    assert told(schedule) == [(Outcome.FIRED, DUE)]


def test_a_person_may_start_a_run_without_the_schedule_cancelling_it() -> None:
    schedule = a_schedule(interval="every 5m", overlap_policy=OverlapPolicy.CANCEL_RUNNING)
    mine, _ = a_running_run(schedule, source=Source.MANUAL)
    again = a_queued_run(schedule, source=Source.RETRY)
    tick_at(DUE)
    for run in (mine, again):
        run.refresh_from_db()
        assert (run.cancel_requested_at, run.finished_at) == (None, None)
    assert told(schedule) == [(Outcome.FIRED, DUE)]
