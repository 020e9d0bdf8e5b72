"""A list asks the database as often for many rows as for one: all that its rows show is read with them."""

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import LedgerEntry
from agents.states import Activity
from schedules.models import Firing, Schedule, Setting
from schedules.states import Outcome, Source
from schedules.transitions import enqueue
from stagent.lib import clock
from tests.support.builders import a_running_run, a_schedule, a_scheduler, a_waiting_run
from tests.support.programs import Program

LISTS = ("/runs", "/firings", "/schedules", "/status")


@pytest.mark.parametrize("path", LISTS)
def test_the_number_of_queries_does_not_grow_with_the_rows(alice, path: str) -> None:
    api, now = Program(alice), clock.now()
    a_scheduler(now)
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="20")
    some_work(alice, now, 1)
    api.get(path)
    with CaptureQueriesContext(connection) as few:
        before = api.get(path).json()
    some_work(alice, now, 5)
    with CaptureQueriesContext(connection) as many:
        after = api.get(path).json()
    assert rows_in(after) > rows_in(before)
    assert len(many) == len(few)


def some_work(owner, now: datetime, count: int) -> None:
    """Make runs that are queued, run and wait, some of unknown price, and schedules with advice."""
    known = Schedule.objects.filter(name="Busy").first()  # one, for the history of each schedule is read
    busy = known or a_schedule(now, name="Busy", overlap_policy="allow")
    for number in range(count):
        name = f"{count} {number}"
        schedule = a_schedule(now, name=name, owner=owner, email="a@b.example")
        Schedule.objects.filter(pk=schedule.pk).update(turn_budget_breach_streak=9, slow_streak=9)
        firing = Firing.objects.create(
            schedule=schedule, schedule_name=name, kind="scheduled", outcome=Outcome.FIRED,
            nominal_at=now, due_at=now,
        )  # fmt: skip
        enqueue(schedule, source=Source.SCHEDULED, now=now, firing=firing)
        a_waiting_run(busy, now)
        run, _ = a_running_run(busy, now)
        spent = {"activity": Activity.RUN_TURN, "provider": "offline", "model": "unknown"}
        LedgerEntry.objects.create(at=now, run_id=run.pk, cost_usd=None, **spent)


def rows_in(shown) -> int:
    return len(shown["items"]) if "items" in shown else len(shown["queue"]) + len(shown["waiting"])
