"""The first page leads on: when each run that waits would start, and which rows stand behind its numbers."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from types import SimpleNamespace

import pytest
from django.test import override_settings

from agents.models import Budget, Project
from agents.protocol.usage import Usage
from agents.spending import budgets
from agents.states import Activity, BudgetWindow, FailureReason
from schedules.dashboard import budget_resets, queue
from schedules.dashboard.queue import Waiting
from schedules.models import Firing, Schedule
from schedules.states import RunStatus, WaitReason
from schedules.transitions import Ending, finish
from stagent.lib import clock
from tests.support.builders import (
    NOON,
    a_queued_run,
    a_running_run,
    a_schedule,
    a_waiting_run,
    the_situation,
)

pytestmark = pytest.mark.django_db
BOARD = "/admin/board/"


def head() -> list[Waiting]:
    return queue.load(the_situation()).head


def spend(**whose: int) -> None:
    spender = budgets.Spender(Activity.RUN_TURN, **whose)
    budgets.charge(spender, Usage(input=1000), model="claude-opus-5-5", now=NOON)


def a_firing(schedule: Schedule, at: datetime, **columns: object) -> None:
    Firing.objects.create(
        schedule=schedule, schedule_name="A", kind="scheduled", nominal_at=at, due_at=at, **columns
    )


def test_behind_its_own_earlier_run_it_starts_when_that_one_ends():
    schedule = a_schedule()
    Schedule.objects.update(avg_duration_ms=600_000)
    schedule.refresh_from_db()
    a_running_run(schedule)
    a_queued_run(schedule)
    (waiting,) = head()
    assert waiting.reason == WaitReason.OVERLAP
    assert waiting.expected_at == NOON + timedelta(minutes=10)


def test_a_used_up_budget_says_when_it_begins_anew():
    Budget.objects.create(scope="install", window="day", max_turns=1)
    spend()
    a_queued_run()
    (waiting,) = head()
    assert waiting.reason == WaitReason.BUDGET
    assert waiting.expected_at == datetime(2026, 11, 25, tzinfo=UTC)


def test_of_several_used_up_budgets_the_last_to_begin_anew_counts():
    mine = Project.objects.create(name="Mine", slug="mine")
    Budget.objects.create(scope="install", window="day", max_turns=1)
    Budget.objects.create(scope="project", subject_id=mine.pk, window="month", max_turns=1)
    spend(project_id=mine.pk)
    a_queued_run(a_schedule(name="Mine", project=mine))
    a_queued_run(a_schedule(name="Other"))
    expected = {waiting.run.schedule_name: waiting.expected_at for waiting in head()}
    assert expected == {
        "Mine": datetime(2026, 12, 1, tzinfo=UTC),
        "Other": datetime(2026, 11, 25, tzinfo=UTC),
    }


@pytest.mark.parametrize("window", BudgetWindow)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Santiago", "Pacific/Chatham"])
def test_a_window_ends_where_the_next_one_begins_all_through_the_year(window, zone):
    budget = SimpleNamespace(window=window)
    with override_settings(TIME_ZONE=zone):
        for hour in range(0, 366 * 24, 5):
            now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
            ends = budget_resets.ends_at(budget, now)
            assert budgets.window_start(window, now) <= now < ends
            assert budgets.window_start(window, ends) == ends
            assert budgets.window_start(window, ends - timedelta(seconds=1)) == budgets.window_start(
                window, now
            )


def test_a_budget_with_something_left_holds_nobody_back():
    Budget.objects.create(scope="install", window="day", max_turns=9, max_cost_usd=Decimal(5))
    spend()
    assert not budget_resets.load(NOON).ends


def test_repeated_failures_lead_to_exactly_those_runs(reader):
    now = clock.now()
    for name in ("Crawl", "Digest"):
        schedule = a_schedule(now, name=name)
        for _ in range(2):
            run, claim = a_running_run(schedule, now)
            finish(run.pk, claim.token, Ending(RunStatus.FAILED, FailureReason.TIMEOUT, "Too slow."), now=now)
    reader.opens(BOARD)
    links = [unescape(link) for link in re.findall(r'href="([^"]+)">2 times</a>', reader.html)]
    assert len(links) == 2
    reader.opens(links[0])
    assert reader.html.count('class="action-select"') == 2


@pytest.mark.parametrize(
    ("result", "number"), [("good", 3), ("bad", 2), ("calm", 1), ("missed", 1), ("busy", 1)]
)
def test_the_numbers_of_the_day_lead_to_their_firings(reader, result, number):
    now, schedule = clock.now(), a_schedule()
    results = {
        "good": {"outcome": "fired", "completed_at": now, "duration_ms": 5},
        "calm": {"outcome": "fired", "completed_at": now, "failure_reason": "aborted"},
        "bad": {"outcome": "fired", "completed_at": now, "failure_reason": "timeout"},
        "missed": {"outcome": "skipped_overlap"},
        "busy": {"outcome": "fired"},
    }
    for minutes, name in enumerate(["good", "good", "good", "bad", "bad", "calm", "missed", "busy"]):
        a_firing(schedule, now - timedelta(minutes=minutes), **results[name])
    a_firing(schedule, now - timedelta(days=3), **results[result])
    reader.opens(BOARD)
    (link,) = re.findall(rf'class="{result}" href="([^"]+)">{number} ', reader.html)
    reader.opens(unescape(link))
    assert reader.html.count('class="action-select"') == number


def test_without_a_budget_the_way_to_one_is_shown(reader):
    assert "set a budget" in reader.opens(BOARD)
    Budget.objects.create(scope="install", window="day", max_turns=10)
    assert "set a budget" not in reader.opens(BOARD)


def test_an_hour_of_the_picture_leads_to_its_firings(reader):
    now, schedule = clock.now().replace(minute=0, second=0, microsecond=0), a_schedule()
    for minutes in (-1, 1, 59, 61):
        a_firing(schedule, now - timedelta(minutes=minutes), outcome="skipped_overlap")
    reader.opens(BOARD)
    link = re.findall(r'<a href="([^"]+)" tabindex="-1"><title>[^<]*: 2 not fired', reader.html)[-1]
    reader.opens(unescape(link))
    assert reader.html.count('class="action-select"') == 2


def test_all_who_wait_for_a_person_are_counted_and_some_are_shown(reader):
    for number in range(queue.MAX_PARKED + 2):
        a_waiting_run(a_schedule(name=f"Asks {number}"), clock.now())
    page = reader.opens(BOARD)
    assert f"{queue.MAX_PARKED + 2} for approval" in page
    assert f"All {queue.MAX_PARKED + 2}" in page
    assert len(queue.load(the_situation()).parked) == queue.MAX_PARKED


def test_who_waits_for_a_run_that_waits_for_a_person_is_told_so():
    schedule = a_schedule()
    a_waiting_run(schedule)
    a_queued_run(schedule)
    (waiting,) = head()
    assert waiting.sentence == "Waiting for an earlier run of its own schedule, which waits for a person."
