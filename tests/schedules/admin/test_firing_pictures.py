"""How the firings of a list spread over waits, durations, steps and reasons; numbers lead to their rows."""

import csv
import re
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.admin.number_filters import LagFilter, StepsFilter, TookFilter, WaitFilter, counts, parse
from schedules.models import Firing, Run
from schedules.states import RunStatus
from schedules.transitions import Ending, finish, withdraw
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/firing/"
FILTERS = (LagFilter, StepsFilter, TookFilter, WaitFilter)


@pytest.fixture
def history():
    """Forty firings of two schedules, with something of everything."""
    now = clock.now()
    a_scheduler(now)
    schedules = [a_schedule(name=name) for name in ("Quick", "Slow")]
    for number in range(40):
        at = now - timedelta(minutes=number)
        Firing.objects.create(
            schedule=schedules[number % 2], schedule_name=schedules[number % 2].name, kind="scheduled",
            nominal_at=at, due_at=at, outcome="fired", fired_at=at + timedelta(milliseconds=number * 40),
            completed_at=at, slot_wait_ms=number * 1000, duration_ms=number * 60_000,
            turn_count=number, max_turns_at_firing=40 if number % 4 else None,
            failure_reason=("", "", "timeout", "turn_limit_exceeded", "")[number % 5],
        )  # fmt: skip
    return schedules


def lines(reader) -> list[tuple[str, str, int]]:
    """Return the lines of the pictures that lead somewhere: the address, the label, the number."""
    found = re.findall(
        r'<li><a href="([^"]+)"><span>([^<]+)</span>.*?<b>.*?(\d+).*?</b></a>', reader.html, re.DOTALL
    )
    return [(unescape(address), label, int(number)) for address, label, number in found]


def test_every_number_of_every_picture_leads_to_its_rows(reader, history):
    reader.opens(LIST)
    told = lines(reader)
    assert {"1 s to 10 s", "100 % or more", "timeout"} - {label for _, label, _ in told} == {"100 % or more"}
    for address, label, number in told:
        words = reader.opens(f"{LIST}{address}")
        assert f"Firings {number} " in words, label
        assert reader.html.count('class="action-select"') == number, label


def test_a_picture_is_of_the_rows_that_fit_and_keeps_their_filters(reader, history):
    reader.opens(LIST, schedule__id__exact=history[0].pk)
    assert (
        sum(number for _, label, number in lines(reader) if label in ("timeout", "turn limit exceeded")) == 8
    )
    assert all(f"schedule__id__exact={history[0].pk}" in address for address, _, _ in lines(reader))


@pytest.mark.parametrize("parameter", ["lag", "wait", "took"])
def test_a_percentile_leads_to_the_rows_from_there_on(reader, history, parameter):
    reader.opens(LIST)
    links = [unescape(link) for link in re.findall(rf'href="(\?{parameter}=\d+-)"', reader.html)]
    reader.opens(f"{LIST}{links[0]}")
    assert reader.html.count('class="action-select"') == 21  # the median itself and those above it


def test_the_failed_lead_to_the_failed(reader, history):
    reader.opens(LIST)
    words = reader.opens(LIST, result="bad")
    assert "Firings 16 Failed 16" in words
    assert "Result: failed" in words


@pytest.mark.parametrize("odd", ["x", "-", "5", "-5", "1-x", "9" * 30 + "-", "²-", ""])
def test_nonsense_in_the_address_filters_nothing(reader, history, odd):
    for narrow in FILTERS:
        reader.opens(LIST, **{narrow.parameter_name: odd})
        assert reader.answer.status_code == 200
        assert reader.html.count('class="action-select"') == 40


@given(st.lists(st.floats(0, 10_000_000), max_size=30))
def test_every_value_lies_in_exactly_one_stretch(values):
    for narrow in FILTERS:
        assert sum(number for _, number in counts(values, narrow.ranges)) == len(values)
        assert all(parse(stretch.value, stretch.unit) == stretch for stretch in narrow.ranges)


@pytest.mark.parametrize("stretch", ["20-25", "20-", "0-20", "24-26", "25-25"])
def test_a_lag_is_held_against_its_edges_to_the_microsecond(history, stretch):
    Firing.objects.all().delete()
    at = clock.now().replace(microsecond=999_499)
    lags = [edge * 1000 + beside for edge in (20, 24, 25, 26) for beside in (-1900, -501, -1, 0, 1, 1300)]
    for number, lag in enumerate(lags):
        moved = at + timedelta(microseconds=number * 137)
        Firing.objects.create(
            schedule=history[0], schedule_name="Quick", kind="scheduled", nominal_at=moved, due_at=moved,
            outcome="fired", fired_at=moved + timedelta(microseconds=lag),
        )  # fmt: skip
    asked, narrow = parse(stretch), object.__new__(LagFilter)
    found = narrow.narrow(Firing.objects.all(), asked)
    assert sorted((each.fired_at - each.due_at) / timedelta(microseconds=1) for each in found) == sorted(
        lag for lag in lags if lag / 1000 in asked
    )


def test_nothing_measured_is_said_and_not_drawn(reader):
    schedule, at = a_schedule(), clock.now()
    Firing.objects.create(
        schedule=schedule,
        schedule_name="A",
        kind="scheduled",
        nominal_at=at,
        due_at=at,
        outcome="skipped_overlap",
    )
    words = reader.opens(LIST)
    assert words.count("No measurements yet.") == 3
    assert "No failures." in words


def test_the_sheet_of_all_holds_the_rows_that_fit_the_filters(reader, history):
    assert "Download 4 firings as CSV" in reader.opens(LIST, wait="1000-10000", result="bad")
    sent = {"action": "download", "select_across": "1", "index": "0", "_selected_action": "0"}
    answer = reader.client.post(f"{LIST}?wait=1000-10000&result=bad", sent)
    sheet = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))
    assert sorted(int(row["slot_wait_ms"]) for row in sheet) == [2000, 3000, 7000, 8000]


def test_what_a_person_cancelled_is_counted_apart_from_failures(reader):
    now = clock.now()
    schedule = a_schedule(now)
    running, claimed = a_running_run(schedule, now)
    finish(running.pk, claimed.token, Ending(RunStatus.CANCELLED, "aborted"), now=now)
    failed, claimed = a_running_run(schedule, now)
    finish(failed.pk, claimed.token, Ending(RunStatus.FAILED, "refusal"), now=now)
    withdraw(a_queued_run(schedule, now).pk, now=now, reason="Not needed.")
    for number, run in enumerate(Run.objects.order_by("pk"), 1):
        at = now - timedelta(minutes=number)
        row = {"outcome": "fired", "nominal_at": at, "due_at": at, "fired_at": at, "completed_at": now}
        row |= {"failure_reason": run.failure_reason, "duration_ms": 5 if run.started_at else None}
        Firing.objects.create(schedule=schedule, schedule_name=schedule.name, kind="scheduled", **row)
    page = reader.opens(LIST)
    assert "Cancelled 2 Failed 1" in page
    assert "aborted" not in reader.html.split("Failures by reason")[1].split("</section>")[0]
    day = reader.opens("/admin/")
    assert "0 completed 1 failed 2 cancelled 0 not fired" in day
    assert reader.opens(f"{LIST}?result=calm").count("cancelled") >= 2
    assert "refusal" not in reader.opens("/admin/schedules/run/?status__exact=cancelled")
    assert "Not needed." in reader.words
