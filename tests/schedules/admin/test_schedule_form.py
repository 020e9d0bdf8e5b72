"""The form of a schedule: one line that says when, faults at their fields, and nobody's changes lost."""

from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.contrib.admin.models import LogEntry

from schedules.models import Run, Schedule
from schedules.states import ScheduleStatus
from schedules.transitions import pause
from stagent.lib import clock
from tests.support.builders import a_profile, a_queued_run, a_schedule
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
ADD = "/admin/schedules/schedule/add/"
PREVIEW = "/admin/schedules/schedule/preview/"


@pytest.fixture
def now():
    return clock.now()


def filled(**fields):
    """What a browser sends for a new schedule, with these fields typed over."""
    return {
        "name": "Report", "when": "weekdays at 09:30", "timezone": "Europe/Berlin", "prompt": "Sum it up.",
        "profile": a_profile().pk, "project": "", "kind": "scheduled",
        "max_turns": "", "max_run_duration_sec": "", "max_cost_usd": "",
        "overlap_policy": "skip", "misfire_policy": "fire_once", "misfire_grace_sec": "",
        "max_retries": "2", "priority": "0", "pool": "", "jitter_sec": "0", "starts_at": "", "ends_at": "",
        "max_firings": "", "active_from": "", "active_until": "", "deliver_to_chat": "on",
        "webhook_url": "", "email": "",
    } | fields  # fmt: skip


def seen(reader, schedule):
    """Open the form of a schedule; return what the browser would send back untouched."""
    reader.opens(page_of(schedule))
    form = reader.answer.context["adminform"].form
    sent = {}
    for field in form:
        value = field.field.widget.format_value(field.value())
        value = value[0] if isinstance(value, list) else value
        if isinstance(field.field, forms.BooleanField):
            value = "on" if field.value() else ""
        sent[field.html_name] = "" if value is None else value
        sent[field.html_initial_name] = "" if field.value() is None else str(field.value())
    return sent


def page_of(schedule):
    return f"/admin/schedules/schedule/{schedule.pk}/change/"


# Making one.


def test_words_make_a_schedule_that_is_its_makers(reader):
    reader.presses(ADD, **filled())
    schedule = Schedule.objects.get()
    assert (schedule.cron, schedule.interval) == ("30 9 * * 1-5", "weekdays at 09:30")
    assert (schedule.timezone, schedule.owner) == ("Europe/Berlin", reader.user)
    assert schedule.next_fire_at is not None
    assert LogEntry.objects.get().is_addition()


def test_cron_and_intervals_are_taken_in_the_same_line(reader):
    reader.presses(ADD, **filled(when="*/15 * * * *"))
    reader.presses(ADD, **filled(when="every 90m"))
    cron, interval = Schedule.objects.order_by("pk")
    assert (cron.cron, cron.interval) == ("*/15 * * * *", "")
    assert (interval.cron, interval.every_sec, interval.interval) == ("", 5400, "every 90m")


def test_a_moment_is_read_on_the_clocks_of_its_zone(reader):
    reader.presses(ADD, **filled(when="2030-07-01 09:00", timezone="Asia/Tokyo"))
    assert Schedule.objects.get().at == datetime(2030, 7, 1, 0, 0, tzinfo=UTC)


def test_from_and_until_are_on_the_clocks_of_its_zone_too(reader):
    reader.presses(
        ADD, **filled(starts_at="2030-01-01T00:00", ends_at="2030-02-01T00:00", timezone="America/New_York")
    )
    schedule = Schedule.objects.get()
    assert schedule.starts_at == datetime(2030, 1, 1, 5, 0, tzinfo=UTC)
    assert schedule.ends_at == datetime(2030, 2, 1, 5, 0, tzinfo=UTC)


def test_the_form_says_what_a_step_is_and_how_many_this_install_takes(reader):
    schedule = a_schedule()
    assert "(a reply and the tool calls it asked for). Empty:" in reader.opens(ADD)
    for steps in range(1, 21):
        run = a_queued_run(schedule)
        ended = {"status": "completed", "finished_at": run.queued_at, "turn_count": steps}
        Run.objects.filter(pk=run.pk).update(**ended)
    assert "Most runs of this install take 3 to 18 steps." in reader.opens(ADD)


def test_every_time_zone_is_offered(reader):
    reader.opens(ADD)
    assert '<option value="Europe/Lisbon">' in reader.html


# What is wrong is said where it is wrong.


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"when": "every blue moon"}, "when", "is not understood"),
        ({"when": "61 * * * *"}, "when", "minute"),
        ({"when": "0 0 31 2 *"}, "when", "never fires"),
        ({"when": "every 5s"}, "when", "the shortest interval is one minute"),
        ({"when": "2020-01-01 09:00"}, "when", "This moment is in the past."),
        ({"when": "2030-02-31 09:00"}, "when", "There is no such moment."),
        ({"when": ""}, "when", "required"),
        ({"timezone": "Europe/Berln"}, "timezone", "Did you mean Europe/Berlin?"),
        ({"when": "2030-01-01 09:00", "timezone": "Mars/Base"}, "timezone", "is not a time zone"),
        ({"max_turns": "0"}, "max_turns", "greater than or equal to 1"),
        ({"max_turns": "10001"}, "max_turns", "less than or equal to 10000"),
        ({"max_run_duration_sec": "5"}, "max_run_duration_sec", "greater than or equal to 10"),
        ({"active_from": "08:00"}, "active_until", "both the start and the end"),
        ({"active_from": "08:00", "active_until": "18:00"}, "active_from", "Only heartbeat"),
        ({"starts_at": "2030-02-01T00:00", "ends_at": "2030-01-01T00:00"}, "ends_at", "before the start"),
        ({"starts_at": "soon"}, "starts_at", "Enter a date and time such as"),
        ({"webhook_url": "not a url"}, "webhook_url", "valid URL"),
        ({"prompt": ""}, "prompt", "required"),
    ],
)  # fmt: skip
def test_a_fault_is_shown_at_its_field_and_nothing_is_made(reader, typed, field, says):
    reader.presses(ADD, **filled(**typed))
    assert says in " ".join(reader.answer.context["adminform"].form.errors[field])
    assert "Please correct the error" in reader.words
    assert not Schedule.objects.exists()


def test_a_fault_in_a_folded_part_unfolds_it(reader):
    reader.presses(ADD, **filled(webhook_url="not a url"))
    part = reader.html[: reader.html.index('id="id_webhook_url"')].rpartition("<fieldset")[2]
    assert "<details>" not in part


# Changing one.


def test_only_what_was_changed_is_written(reader, now):
    schedule = a_schedule(now, name="Old", max_turns=50)
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"name": "New"})
    schedule.refresh_from_db()
    assert (schedule.name, schedule.interval, schedule.max_turns) == ("New", "every 5m", 50)
    assert LogEntry.objects.get().get_change_message() == "Changed Name."


def test_who_rewrites_anothers_prompt_answers_for_it_from_then_on(reader, now, bob):
    schedule = a_schedule(now, owner=bob)
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"priority": "3"})
    assert Schedule.objects.get().owner == bob
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"prompt": "Delete everything."})
    assert Schedule.objects.get().owner == reader.user
    assert "Took ownership" in " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_a_form_that_was_open_meanwhile_does_not_wake_a_schedule_that_was_paused(reader, now):
    schedule = a_schedule(now)
    sent = seen(reader, schedule)
    pause(schedule.pk, now=clock.now(), reason="Paused itself: 3 failures in a row.")
    Schedule.objects.filter(pk=schedule.pk).update(failure_streak=3, firing_count=7)
    reader.presses(page_of(schedule), **sent | {"name": "New", "when": "every 10m"})
    schedule.refresh_from_db()
    assert (schedule.name, schedule.interval) == ("New", "every 10m")
    assert (schedule.status, schedule.failure_streak, schedule.firing_count) == (ScheduleStatus.PAUSED, 3, 7)
    assert schedule.paused_reason == "Paused itself: 3 failures in a row."


def test_two_people_who_change_different_fields_both_keep_theirs(reader, now):
    schedule = a_schedule(now, max_turns=50)
    sent = seen(reader, schedule)
    Schedule.objects.filter(pk=schedule.pk).update(max_turns=200, prompt="The colleague's prompt.")
    reader.presses(page_of(schedule), **sent | {"name": "Mine"})
    schedule.refresh_from_db()
    assert (schedule.name, schedule.max_turns, schedule.prompt) == ("Mine", 200, "The colleague's prompt.")


def test_a_new_limit_begins_its_grace_and_an_untouched_one_does_not(reader, now):
    schedule = a_schedule(now, max_turns=50)
    before = schedule.max_turns_set_at
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"name": "New"})
    schedule.refresh_from_db()
    assert schedule.max_turns_set_at == before
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"max_turns": "90"})
    schedule.refresh_from_db()
    assert schedule.max_turns == 90
    assert schedule.max_turns_set_at > before


def test_an_edit_of_the_name_does_not_move_the_next_firing(reader, now):
    schedule = a_schedule(now, interval="every 90m")
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"name": "New"})
    was = (schedule.next_fire_at, schedule.anchor_at)
    schedule.refresh_from_db()
    assert (schedule.next_fire_at, schedule.anchor_at) == was


def test_another_zone_moves_a_moment_with_its_clock(reader, now):
    schedule = a_schedule(now, at=datetime(2030, 7, 1, 9, 0, tzinfo=UTC))
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"timezone": "Asia/Tokyo"})
    schedule.refresh_from_db()
    assert schedule.at == datetime(2030, 7, 1, 0, 0, tzinfo=UTC)


def test_a_field_can_be_emptied(reader, now):
    schedule = a_schedule(now, max_turns=50, ends_at=now + timedelta(days=9))
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"max_turns": "", "ends_at": ""})
    schedule.refresh_from_db()
    assert (schedule.max_turns, schedule.ends_at) == (None, None)


def test_results_in_the_chat_can_be_switched_off(reader, now):
    schedule = a_schedule(now)
    assert schedule.deliver_to_chat
    reader.presses(page_of(schedule), **seen(reader, schedule) | {"deliver_to_chat": ""})
    schedule.refresh_from_db()
    assert not schedule.deliver_to_chat


def test_what_the_system_keeps_is_shown_and_cannot_be_sent(reader, now):
    schedule = a_schedule(now)
    assert "System fields" in reader.opens(page_of(schedule))
    reader.presses(
        page_of(schedule), **seen(reader, schedule) | {"firing_count": "99", "status": "completed"}
    )
    schedule.refresh_from_db()
    assert (schedule.firing_count, schedule.status) == (0, ScheduleStatus.ACTIVE)


def test_a_schedule_that_paused_itself_says_so_beside_the_button_that_undoes_it(reader, now):
    schedule = a_schedule(now)
    pause(schedule.pk, now=clock.now(), reason="Paused itself: 5 turn-limit breaches in a row.")
    page = reader.opens(page_of(schedule))
    assert "Paused. Paused itself: 5 turn-limit breaches in a row. Resume" in page
    reader.presses(f"/admin/schedules/schedule/{schedule.pk}/do/resume/")
    assert Schedule.objects.active().exists()


def test_its_firings_stand_below(reader, now):
    schedule = a_schedule(now)
    assert "No firings yet." in reader.opens(page_of(schedule))
    schedule.firings.create(
        schedule_name=schedule.name, kind="scheduled", nominal_at=now, due_at=now, outcome="skipped_overlap",
        reason="Run 7 is still running.",
    )  # fmt: skip
    assert "skipped overlap Run 7 is still running." in reader.opens(page_of(schedule))


def test_saving_among_heavy_neighbours_warns_and_saves(reader, now):
    for name in ("Crawler", "Indexer"):
        heavy = a_schedule(now, name=name, cron="30 9 * * *")
        Schedule.objects.filter(pk=heavy.pk).update(avg_turns_per_firing=1600)
    page = reader.presses(ADD, **filled(when="daily at 09:30", timezone="UTC"))
    assert "Busy at 09:30:" in page
    assert "Crawler" in page
    assert "Indexer" in page
    assert Schedule.objects.filter(name="Report").exists()


# While one types.


def ask(reader, **typed):
    return reader.presses(PREVIEW, **{"when": "", "timezone": "UTC", "prompt": "", "profile": ""} | typed)


def test_the_preview_says_what_was_understood_and_the_next_five_firings(reader):
    page = ask(reader, when="daily at 9am", timezone="Europe/Berlin")
    assert "At 09:00, every day" in page
    assert page.count(" 09:00 in ") == 5


def test_the_preview_marks_an_hour_that_a_clock_change_skips(reader):
    page = ask(reader, when="30 2 28 3 *", timezone="Europe/Berlin", starts_at="2027-03-01T00:00")
    assert "Sun, 28 Mar 2027 03:00" in page
    assert "clock change" in page


def test_the_preview_says_what_is_wrong(reader):
    assert "is not understood" in ask(reader, when="every blue moon")
    assert "Did you mean Europe/Berlin?" in ask(reader, when="every 5m", timezone="Europe/Berln")
    assert "There is no such moment." in ask(reader, when="2030-13-01 10:00")


def test_the_preview_tells_what_is_usual_for_the_profile(reader, now):
    profile = a_profile()
    for average in (20.0, 40.0, 300.0):
        schedule = a_schedule(now, profile=profile)
        Schedule.objects.filter(pk=schedule.pk).update(avg_turns_per_firing=average)
    assert "schedules with this profile average ~40 steps" in ask(reader, profile=str(profile.pk))


def test_the_form_says_that_a_number_of_turns_in_a_prompt_is_no_limit_and_that_chat_comes_first(reader):
    a_profile()
    page = reader.opens(ADD)
    assert "is a hint to the agent and not a limit. The limit is the field “Max agent steps per run”." in page
    assert "while a chat reply streams, a due run is deferred for up to 300 s. Then it fires anyway." in page


def test_odd_input_breaks_nothing(reader):
    for odd in (
        {"profile": "9" * 40},
        {"jitter_sec": "x"},
        {"starts_at": "x", "when": "every 5m"},
        {"when": "x" * 300},
    ):
        ask(reader, **odd)
        assert reader.answer.status_code == 200


def test_the_preview_is_for_those_who_may_write(client, bob, charlie):
    assert client.post(PREVIEW).status_code == 302
    Reader(client, charlie)
    assert client.post(PREVIEW).status_code == 302
    Reader(client, bob)
    assert client.post(PREVIEW).status_code == 200
