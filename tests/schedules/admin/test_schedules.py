"""The list of schedules, and what can be done with them there."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import LedgerEntry
from schedules.models import Delivery, Firing, Run, Schedule
from schedules.states import Outcome, RunStatus, ScheduleStatus
from schedules.transitions import Ending, finish, pause
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/schedule/"
FORCE = f"{LIST}force/"


@pytest.fixture
def now():
    moment = clock.now()
    a_scheduler(moment)
    return moment


def do(schedule, verb):
    return f"{LIST}{schedule.pk}/do/{verb}/"


def a_firing(schedule, at, **columns):
    return Firing.objects.create(
        schedule=schedule, schedule_name=schedule.name, kind="scheduled", nominal_at=at, due_at=at, **columns
    )


def chosen(*schedules, **more):
    return {"_selected_action": [schedule.pk for schedule in schedules], **more}


# What a row says.


def test_a_row_says_in_plain_english_when_and_in_which_zone(reader, now):
    a_schedule(now, name="Report", cron="30 9 * * 1-5", timezone="Europe/Berlin")
    page = reader.opens(LIST)
    assert "Report Tester active At 09:30, Monday through Friday Europe/Berlin" in page


def test_the_next_firing_is_told_from_now_and_on_the_clocks_of_its_zone(reader, now):
    moment = (now + timedelta(days=2)).replace(hour=23, minute=30, second=0, microsecond=0)
    a_schedule(now, at=moment, timezone="Asia/Tokyo")
    page = reader.opens(LIST)
    assert f"{moment + timedelta(hours=9):%d %b} 08:30" in page


def test_one_that_nobody_fired_is_overdue(reader, now):
    schedule = a_schedule(now)
    past = now - timedelta(minutes=9)
    Schedule.objects.filter(pk=schedule.pk).update(next_nominal_at=past, next_fire_at=past)
    assert "overdue" in reader.opens(LIST)


def test_streaks_and_the_average_of_steps_are_shown(reader, now):
    schedule = a_schedule(now, max_turns=60)
    Schedule.objects.filter(pk=schedule.pk).update(
        failure_streak=2, turn_budget_breach_streak=3, avg_turns_per_firing=41.6
    )
    page = reader.opens(LIST)
    assert "42 of 60" in page
    assert "2 failed" in page
    assert "3 at the limit" in page


def test_the_last_twenty_firings_are_bars_that_say_what_became_of_each(reader, now):
    schedule = a_schedule(now)
    for number in range(22):
        at = now - timedelta(minutes=30 - number)
        columns = {"outcome": Outcome.FIRED, "completed_at": at, "duration_ms": 1000 * (number + 1)}
        a_firing(schedule, at, **columns, failure_reason="timeout" if number == 21 else "")
    a_firing(schedule, now, outcome=Outcome.SKIPPED_OVERLAP, reason="Run 4 is still running.")
    reader.opens(LIST)
    assert "The last 20 firings: 18 completed, 1 failed, 1 skipped overlap" in reader.html
    assert "skipped overlap (Run 4 is still running.)" in reader.html


def test_more_schedules_do_not_mean_more_queries(reader, now):
    for number in range(2):
        a_firing(a_schedule(now, name=f"Early {number}"), now, outcome=Outcome.FIRED)
    reader.opens(LIST)
    few = queries_of(reader)
    for number in range(20):
        a_firing(a_schedule(now, name=f"Late {number}"), now, outcome=Outcome.FIRED)
    assert queries_of(reader) == few


def queries_of(reader):
    with CaptureQueriesContext(connection) as queries:
        reader.opens(LIST)
    return len(queries)


def test_what_wants_a_person_can_be_filtered(reader, now):
    weary, fine = a_schedule(now, name="Weary"), a_schedule(now, name="Fine")
    pause(weary.pk, now=clock.now(), reason="Paused itself: 3 failures in a row, the last one timeout.")
    page = reader.opens(LIST, attention="itself")
    assert "Weary" in page
    assert fine.name not in page


def test_it_can_be_searched_by_what_its_prompt_says(reader, now):
    a_schedule(now, name="Alpha", prompt="Count the whales.")
    a_schedule(now, name="Beta", prompt="Count the stars.")
    page = reader.opens(LIST, q="whales")
    assert "Alpha" in page
    assert "Beta" not in page


def test_an_empty_list_says_what_to_do_next(reader, now):
    page = reader.opens(LIST)
    assert "Create one with a prompt" in page
    assert "Add schedule" in page


def test_a_search_that_finds_nothing_leads_back(reader, now):
    a_schedule(now)
    assert "No results" in reader.opens(LIST, q="whales")


# Pausing, resuming, forgiving, copying.


def test_pausing_says_who_and_is_in_the_log(reader, now):
    schedule = a_schedule(now)
    assert "is paused" in reader.presses(do(schedule, "pause"))
    schedule.refresh_from_db()
    assert (schedule.status, schedule.paused_reason) == (
        ScheduleStatus.PAUSED,
        "Paused by alice through the console.",
    )
    entry = LogEntry.objects.get()
    assert (entry.user, entry.get_change_message()) == (reader.user, "Paused. Through the console.")


def test_pausing_twice_changes_nothing_and_says_so(reader, now):
    schedule = a_schedule(now)
    pause(schedule.pk, now=clock.now(), reason="Paused itself: no more.")
    assert "is not active" in reader.presses(do(schedule, "pause"))
    schedule.refresh_from_db()
    assert schedule.paused_reason == "Paused itself: no more."
    assert not LogEntry.objects.exists()


def test_resuming_forgives(reader, now):
    schedule = a_schedule(now)
    Schedule.objects.filter(pk=schedule.pk).update(failure_streak=3)
    pause(schedule.pk, now=clock.now())
    reader.presses(do(schedule, "resume"))
    schedule.refresh_from_db()
    assert (schedule.status, schedule.failure_streak) == (ScheduleStatus.ACTIVE, 0)
    assert schedule.next_fire_at > now


def test_streaks_can_be_reset_without_touching_the_status(reader, now):
    schedule = a_schedule(now)
    Schedule.objects.filter(pk=schedule.pk).update(
        failure_streak=2, turn_budget_breach_streak=4, slow_streak=3
    )
    reader.presses(do(schedule, "reset"))
    schedule.refresh_from_db()
    streaks = (schedule.failure_streak, schedule.turn_budget_breach_streak, schedule.slow_streak)
    assert streaks == (0, 0, 0)
    assert schedule.status == ScheduleStatus.ACTIVE


def test_a_copy_is_paused_and_has_everything_but_the_history(reader, now):
    schedule = a_schedule(now, name="Report", interval="every 90m", timezone="Asia/Tokyo", max_turns=77)
    Schedule.objects.filter(pk=schedule.pk).update(firing_count=9, failure_streak=2)
    assert "Duplicated." in reader.presses(do(schedule, "duplicate"))
    copy = Schedule.objects.get(name="Report (copy)")
    assert (copy.status, copy.every_sec, copy.timezone, copy.max_turns) == ("paused", 5400, "Asia/Tokyo", 77)
    assert (copy.firing_count, copy.failure_streak, copy.owner) == (0, 0, reader.user)


def test_a_one_shot_that_is_over_can_be_copied(reader, now):
    schedule = a_schedule(now - timedelta(days=2), at=now - timedelta(days=1))
    reader.presses(do(schedule, "duplicate"))
    assert Schedule.objects.filter(name__endswith="(copy)", at=schedule.at).exists()


def test_actions_do_the_same_to_many(reader, now):
    some = [a_schedule(now, name=name) for name in ("One", "Two")]
    reader.presses(LIST, **chosen(*some, action="pause"))
    assert not Schedule.objects.active().exists()
    reader.presses(LIST, **chosen(*some, action="resume"))
    assert Schedule.objects.active().count() == 2
    assert LogEntry.objects.count() == 4


# Running.


def test_run_now_starts_a_run_and_leads_to_it(reader, now):
    schedule = a_schedule(now)
    page = reader.presses(do(schedule, "run"))
    run = Run.objects.get()
    assert (run.status, run.requested_by) == (RunStatus.RUNNING, reader.user)
    assert f"{schedule.name} run {run.pk}" in page
    assert LogEntry.objects.get().get_change_message() == f"Started run {run.pk}."


def test_a_full_cap_leaves_no_run_behind_and_offers_to_wait_or_to_force(reader, now):
    for name in ("Slow", "Quick"):
        a_running_run(a_schedule(now, name=name), now)
    schedule = a_schedule(now)
    page = reader.presses(do(schedule, "run"))
    assert "All slots are held: 2 of 2. The next one is expected in about" in page
    assert "It would be number 1 in the queue." in page
    assert "Queue run" in page
    assert "Force…" in page
    assert not Run.objects.filter(schedule=schedule).exists()


def test_queueing_it_lets_it_wait_its_turn_and_shows_why(reader, now):
    for name in ("Slow", "Quick"):
        a_running_run(a_schedule(now, name=name), now)
    page = reader.presses(do(a_schedule(now), "queue"))
    assert "Waiting for a free slot, first in line." in page


def test_without_a_scheduler_run_now_says_so(reader):
    page = reader.presses(do(a_schedule(), "run"))
    assert "No scheduler is running, so nobody would start it." in page
    assert "Queue run" in page


def test_the_action_starts_what_finds_room_and_queues_the_rest(reader, now):
    some = [a_schedule(now, name=name) for name in ("One", "Two", "Three")]
    page = reader.presses(LIST, **chosen(*some, action="run_now"))
    assert page.count("is running.") == 2
    assert page.count("is queued.") == 1


def test_forcing_asks_for_a_reason_and_does_nothing_without_one(reader, now):
    schedule = a_schedule(now)
    reader.presses(LIST, **chosen(schedule, action="force"))
    assert "Reason" in reader.words
    assert "Enter a reason." in reader.presses(f"{FORCE}?ids={schedule.pk}", reason="  ")
    assert not Run.objects.exists()


def test_a_forced_run_leaves_its_reason_in_the_ledger_and_in_the_log(reader, now):
    for name in ("Slow", "Quick"):
        a_running_run(a_schedule(now, name=name), now)
    schedule = a_schedule(now)
    page = reader.presses(f"{FORCE}?ids={schedule.pk}", reason="The board meets at noon.")
    run = Run.objects.get(schedule=schedule)
    assert (run.forced, run.slot) == (True, "overflow #1")
    assert f"Run {run.pk} of “Nightly report” was forced." in page
    assert LedgerEntry.objects.get().detail["reason"] == "The board meets at noon."
    assert "The board meets at noon." in LogEntry.objects.get().get_change_message()


def test_when_even_the_overflow_is_full_it_says_so(reader, now, monkeypatch):
    monkeypatch.setenv("SCHEDULE_MAX_CONCURRENT", "1")
    monkeypatch.setenv("SCHEDULE_MAX_OVERFLOW", "1")
    for name in ("Slow", "Quick"):
        a_running_run(a_schedule(now, name=name), now, forced=True)
    page = reader.presses(f"{FORCE}?ids={a_schedule(now).pk}", reason="Now!")
    assert "could not be forced" in page


# Deleting.


def test_deleting_withdraws_what_waits_and_keeps_the_history(reader, now):
    schedule = a_schedule(now, webhook_url="https://example.org/hook")
    ended, claim = a_running_run(schedule, now)
    finish(ended.pk, claim.token, Ending(RunStatus.COMPLETED), now=now)
    waiting = a_queued_run(schedule, now)
    assert Delivery.objects.exists()
    assert "runs and transcripts are kept" in reader.opens(f"{LIST}{schedule.pk}/delete/")
    reader.presses(f"{LIST}{schedule.pk}/delete/", post="yes")
    waiting.refresh_from_db()
    assert waiting.status == RunStatus.CANCELLED
    assert Run.objects.filter(pk=ended.pk, schedule=None, schedule_name=schedule.name).exists()
    assert not Schedule.objects.exists()


# Who may.


def test_a_colleague_runs_but_does_not_force(client, bob, now):
    schedule = a_schedule(now)
    theirs = Reader(client, bob)
    page = theirs.opens(f"{LIST}{schedule.pk}/change/")
    assert "Run now" in page
    assert "Force…" not in page
    theirs.presses(f"{FORCE}?ids={schedule.pk}", reason="Please.")
    assert theirs.answer.status_code == 403
    assert client.post(do(schedule, "run")).status_code == 302
    assert Run.objects.filter(forced=False, requested_by=bob).count() == 1


def test_who_may_only_look_is_refused_every_verb(client, charlie, now):
    charlie.is_staff = True
    charlie.save()
    charlie.user_permissions.add(Permission.objects.get(codename="view_schedule"))
    schedule = a_schedule(now)
    theirs = Reader(client, charlie)
    page = theirs.opens(f"{LIST}{schedule.pk}/change/")
    assert "every 5m" in page
    assert "Pause" not in page
    for verb in ("run", "queue", "pause", "resume", "reset", "duplicate"):
        assert client.post(do(schedule, verb)).status_code == 403
    assert Schedule.objects.get().status == ScheduleStatus.ACTIVE


def test_a_verb_is_never_done_by_looking(reader, now):
    schedule = a_schedule(now)
    reader.opens(do(schedule, "pause"))
    assert reader.answer.status_code == 405
    assert Schedule.objects.active().exists()


def test_nothing_is_done_without_a_token_against_forgery(alice, now):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(do(a_schedule(now), "pause")).status_code == 403


def test_an_unknown_verb_or_schedule_is_not_found_or_refused(reader, now):
    assert reader.client.post(f"{LIST}99/do/pause/").status_code == 404
    assert reader.client.post(do(a_schedule(now), "explode")).status_code == 403
