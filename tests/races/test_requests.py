"""Requests to run now, raced with each other and with the drain."""

from collections import Counter

import pytest

from schedules.models import Firing, Run, Slot
from schedules.states import RunStatus
from tests.races.actors import adopter, double_clicker, impatient, reaper, worker
from tests.races.test_everything_at_once import some_schedules
from tests.support.builders import a_schedule, a_scheduler
from tests.support.observer import Observer
from tests.support.racing import BASE, race

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def test_a_refused_request_leaves_no_row() -> None:
    some_schedules()
    observer = Observer()
    reports = race(
        *[(impatient, {})] * 3,
        *[(worker, {"name": f"worker {number}"}) for number in range(2)],
        seconds=3,
        observer=observer,
    )
    assert reports.total(impatient, "full") > 0
    started = reports.total(impatient, "started")
    assert Run.objects.count() == Firing.objects.count() == started > 0
    assert observer.most("inside") <= 2
    assert observer.most("overflow") == observer.most("misheld") == observer.most("homeless") == 0


def test_a_key_starts_one_run_however_many_click() -> None:
    schedule = a_schedule(BASE, interval="every 24h")
    a_scheduler(BASE.replace(day=30))
    reports = race(*[(double_clicker, {"schedule_id": schedule.pk, "keys": 40})] * 4, seconds=2)
    answers = Counter(run_id for result in reports.of(double_clicker) for run_id in result["runs"])
    assert len(answers) == Run.objects.count() == 40
    assert set(answers.values()) == {4}, "everybody was told of the same runs"


def test_a_claimed_run_is_adopted_by_one_scheduler() -> None:
    some_schedules()
    reports = race(
        (impatient, {}),
        (reaper, {}),  # on a busy machine nobody may have come in time for some
        *[(adopter, {"name": f"adopter {n}"}) for n in range(4)],
        seconds=3,
        enough=Run.objects.filter(status=RunStatus.COMPLETED).exists,
    )
    adopted = Counter(run_id for result in reports.of(adopter) for run_id in result["adopted"])
    assert adopted
    assert set(adopted.values()) == {1}
    assert reports.total(adopter, "lost") == 0, "whoever adopts a run may end it"
    assert Run.objects.filter(status=RunStatus.COMPLETED).count() == len(adopted)
    assert Slot.objects.held().exclude(pool="narrow").count() == Run.objects.running().count()
