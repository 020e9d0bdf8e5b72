"""The first page of the console: what goes on right now, and why whoever waits is waiting."""

from datetime import timedelta
from uuid import uuid4

import pytest

from agents import live_streams
from agents.models import Provider
from agents.protocol.usage import Usage
from agents.runtimes import breaker
from agents.spending import budgets
from agents.states import Activity
from schedules.models import Firing, Pool, Schedule
from schedules.states import RunStatus
from schedules.transitions import Ending, finish, pause
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
BOARD = "/admin/board/"


@pytest.fixture
def now():
    moment = clock.now()
    a_scheduler(moment)
    return moment


def test_without_a_scheduler_the_page_says_so_and_how_to_start_one(reader):
    page = reader.opens("/admin/")
    assert "No scheduler is running." in page
    assert "python manage.py runscheduler" in page
    assert 'role="alert"' in reader.html


def test_so_does_every_other_page(reader):
    assert "No scheduler is running." in reader.opens("/admin/schedules/run/")


def test_a_scheduler_that_executes_nothing_is_told_apart(reader):
    a_scheduler(clock.now(), executes=False)
    assert "No scheduler is executing runs." in reader.opens("/admin/")


def test_with_one_there_is_no_alarm(reader, now):
    page = reader.opens("/admin/")
    assert "No scheduler" not in page
    assert "1 scheduler running" in page


def test_who_holds_which_slot_is_shown_with_the_end_of_the_lease(reader, now):
    run, _ = a_running_run(a_schedule(name="Inventory", max_turns=40), now)
    page = reader.opens(BOARD)
    assert "Running 1 of 2" in page
    assert f"Inventory run {run.pk} · step 0 of 40" in page
    assert "lease ends in 59 s" in page


def test_a_slot_nobody_ever_needed_is_shown_as_free(reader, now):
    assert "Slots All slots 1 free 2 free" in reader.opens(BOARD)


def test_who_waits_knows_the_place_in_line_and_the_expected_start(reader, now):
    slow = a_schedule(name="Slow")
    Schedule.objects.filter(pk=slow.pk).update(avg_duration_ms=600_000)
    for _ in range(2):
        a_running_run(slow, now)
    a_queued_run(a_schedule(name="Patient"), now)
    page = reader.opens(BOARD)
    assert "Patient Waiting for a free slot, first in line." in page
    assert "expected in 9 min" in page


def test_who_waits_for_its_own_pool_is_told_so_although_the_cap_has_room(reader, now):
    press = a_schedule(name="Press", pool=Pool.objects.create(name="press", size=1), overlap_policy="allow")
    Schedule.objects.filter(pk=press.pk).update(avg_duration_ms=300_000)
    a_running_run(press, now)
    a_queued_run(press, now)
    page = reader.opens(BOARD)
    assert "Waiting for a free slot of the pool press." in page
    assert "expected in 4 min" in page


def test_who_waits_for_its_own_earlier_run_is_told_so(reader, now):
    schedule = a_schedule()
    a_running_run(schedule, now)
    a_queued_run(schedule, now)
    assert "Waiting for an earlier run of its own schedule to end." in reader.opens(BOARD)


def test_who_steps_back_for_chat_is_told_so_and_until_when(reader, now):
    live_streams.begin("message:1", "web", ttl_sec=60, now=now)
    a_queued_run(now=now)
    page = reader.opens(BOARD)
    assert "Waiting for chat: a reply is streaming." in page
    assert "expected in 4 min" in page
    assert "Live streams 1" in page


def test_who_waits_for_the_provider_is_told_so_and_the_breaker_is_named(reader, now):
    run = a_queued_run(now=now)
    breaker.trip(breaker.provider_of(run.profile), "auth_failed", "invalid x-api-key", now)
    page = reader.opens(BOARD)
    assert "Waiting for the provider" in page
    assert "Circuit breaker open: auth failed. invalid x-api-key" in page
    assert Provider.objects.get().name in page


def test_a_paused_schedules_run_waits_and_says_why(reader, now):
    run = a_queued_run(now=now)
    pause(run.schedule_id, now=clock.now())
    assert "Waiting because its schedule is paused." in reader.opens(BOARD)


def test_an_empty_queue_says_what_would_be_there(reader, now):
    assert "The queue is empty." in reader.opens(BOARD)


def test_the_next_firings_are_named_in_plain_english(reader, now):
    a_schedule(now, name="Morning", cron="30 9 * * 1-5")
    assert "Morning At 09:30, Monday through Friday" in reader.opens(BOARD)


def test_without_schedules_the_page_leads_to_the_first_one(reader, now):
    page = reader.opens(BOARD)
    assert "Create a schedule" in page
    assert "/admin/schedules/schedule/add/" in reader.html


def test_failures_of_one_schedule_are_gathered(reader, now):
    schedule = a_schedule(name="Broken")
    for _ in range(2):
        run, claim = a_running_run(schedule, now)
        finish(run.pk, claim.token, Ending(RunStatus.FAILED, "tool_error", "The server is away."), now=now)
    page = reader.opens(BOARD)
    assert "The server is away. tool error 2 times" in page


def test_a_schedule_that_paused_itself_is_there_with_its_reason(reader, now):
    schedule = a_schedule(name="Weary")
    pause(schedule.pk, now=clock.now(), reason="Paused itself: 3 failures in a row, the last one timeout.")
    assert "Weary Paused itself: 3 failures in a row" in reader.opens(BOARD)


def test_what_today_cost_is_shown(reader, now):
    usage = Usage(input=1_000_000, output=0)
    budgets.charge(budgets.Spender(Activity.RUN_TURN), usage, model="claude-opus-5-5", now=now)
    page = reader.opens(BOARD)
    assert "Spent today $" in page
    assert "1 agent steps" in page


def test_the_last_day_is_a_picture_with_its_numbers_beside_it(reader, now):
    run, claim = a_running_run(now=now)
    finish(run.pk, claim.token, Ending(RunStatus.COMPLETED), now=now)
    reader.opens(BOARD)
    assert 'aria-label="Firings of the last 24 hours, by hour"' in reader.html
    assert "0 completed 0 failed 0 not fired" in reader.words
    Firing.objects.create(
        schedule_name="Late", kind="scheduled", nominal_at=now, due_at=now, outcome="skipped_misfire", count=3
    )
    assert "0 completed 0 failed 3 not fired" in reader.opens(BOARD)


def test_each_sees_the_panels_they_may_see(client, bob, now):
    page = Reader(client, bob).opens("/admin/")
    assert "Slots" in page
    assert "Spent today" not in page


def test_a_stranger_sees_nothing(client, charlie):
    client.force_login(charlie)
    assert client.get("/admin/").status_code == 302
    assert client.get(BOARD).status_code == 302


def test_the_board_is_read_in_a_bounded_number_of_queries(reader, now, django_assert_max_num_queries):
    for number in range(12):
        a_queued_run(a_schedule(name=f"Number {number}"), now + timedelta(seconds=number))
    reader.opens(BOARD)  # the hours that are over are counted now, and remembered
    with django_assert_max_num_queries(37):
        reader.opens(BOARD)


def test_a_lease_token_is_nowhere_on_the_page(reader, now):
    run, _ = a_running_run(now=now, forced=True)
    assert run.token != uuid4()
    reader.opens("/admin/")
    assert str(run.token) not in reader.html
