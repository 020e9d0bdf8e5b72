"""Schedules edited, paused and resumed while several processes tick."""

from datetime import timedelta
from typing import Any

import pytest

from schedules.models import Firing, Run, Schedule
from schedules.models.firing import FiringQuerySet
from schedules.states import OverlapPolicy, RunStatus, ScheduleStatus
from tests.races.actors import canceller_of_all, editor, pauser, ticker, worker
from tests.support.builders import a_schedule
from tests.support.racing import BASE, race

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def minutely(count: int, **columns: Any) -> list[Schedule]:
    return [a_schedule(BASE, name=f"minutely {n}", cron="* * * * *", **columns) for n in range(count)]


def fired(schedule: Schedule) -> FiringQuerySet:
    return Firing.objects.filter(schedule=schedule, outcome="fired").select_related("run")


def all_fired() -> bool:
    return all(fired(schedule).count() > 1 for schedule in Schedule.objects.all())


def test_an_edit_never_fires_twice_nor_for_what_it_no_longer_says() -> None:
    minutely(4, overlap_policy=OverlapPolicy.ALLOW)
    reports = race(*[(ticker, {})] * 3, (editor, {}), seconds=6, enough=all_fired)
    assert reports.total(editor, "edits") > 3  # a busy machine edits slowly
    for schedule in Schedule.objects.all():
        assert fired(schedule).exists()
        for firing in fired(schedule):
            # Every edit writes into the prompt which minutes the schedule now names, odd or even.
            parity = firing.run.prompt.split()[-1]
            right = parity in ("Report.", "all", "odd" if firing.nominal_at.minute % 2 else "even")
            assert right, f"{firing} with the prompt {firing.run.prompt!r}"
        assert schedule.next_fire_at


def test_a_paused_schedule_does_not_fire_and_paused_time_is_not_missed_time() -> None:
    minutely(4, overlap_policy=OverlapPolicy.ALLOW)
    reports = race(*[(ticker, {})] * 3, (pauser, {}), seconds=5, enough=all_fired)
    pauses = [pause for result in reports.of(pauser) for pause in result["pauses"]]
    assert len(pauses) > 1
    for schedule_id, paused_at, resumed_at in pauses:
        between = Firing.objects.filter(
            schedule=schedule_id, nominal_at__gt=paused_at, nominal_at__lte=resumed_at
        )
        assert not between.exists()
    assert not Schedule.objects.exclude(status=ScheduleStatus.ACTIVE).exists()
    assert not Firing.objects.exclude(outcome="fired").exists()


def test_runs_that_are_cleared_away_by_the_next_instant_end_once() -> None:
    minutely(6, overlap_policy=OverlapPolicy.CANCEL_RUNNING)
    race(
        *[(ticker, {})] * 2,
        *[(worker, {"name": f"worker {n}", "obeys": True}) for n in range(3)],
        (canceller_of_all, {}),
        seconds=5,
        enough=all_fired,
    )
    for schedule in Schedule.objects.all():
        runs = Run.objects.filter(schedule=schedule)
        assert runs.count() == fired(schedule).count() > 1
        assert runs.filter(status=RunStatus.QUEUED).count() <= 1, "only the newest may still wait"


def test_a_hundred_that_come_due_together_are_each_told_of_once_for_every_instant() -> None:
    minutely(100, overlap_policy=OverlapPolicy.ALLOW)
    reports = race(*[(ticker, {})] * 3, (worker, {"name": "worker"}), seconds=8, enough=all_fired)
    assert not reports.complaints
    for schedule in Schedule.objects.all():
        told = sum(Firing.objects.filter(schedule=schedule).values_list("count", flat=True))
        assert schedule.next_nominal_at == BASE + timedelta(minutes=told + 1)
