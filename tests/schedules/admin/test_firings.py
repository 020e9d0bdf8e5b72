"""Firings in the console: every metric, what they add up to, and a sheet to take home."""

import csv
from datetime import timedelta
from io import StringIO

import pytest

from schedules.admin.firings.figures import percentile
from schedules.models import Firing
from stagent.lib import clock
from tests.support.builders import a_running_run, a_schedule, a_scheduler

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/firing/"


@pytest.fixture
def now():
    moment = clock.now()
    a_scheduler(moment)
    return moment


def a_firing(schedule, at, **columns):
    defaults = {"schedule_name": schedule.name, "kind": "scheduled", "due_at": at, "outcome": "fired"}
    return Firing.objects.create(schedule=schedule, nominal_at=at, **defaults | columns)


def measured(schedule, at, **columns):
    """A firing that went through everything there is to measure."""
    metrics = {
        "fired_at": at + timedelta(milliseconds=12), "slot_claimed_at": at, "completed_at": at,
        "slot_wait_ms": 1500, "deferral_ms": 0, "duration_ms": 61_000, "turn_count": 12,
        "max_turns_at_firing": 40, "input_tokens": 45_678, "output_tokens": 910, "cost_usd": "0.4567",
        "event_loop_lag_ms": 3.4, "peak_rss_mb": 141.7, "chat_streams_active": 1, "concurrent_runs": 2,
    }  # fmt: skip
    return a_firing(schedule, at, **metrics | columns)


def test_every_metric_is_in_the_row(reader, now):
    measured(a_schedule(), now)
    page = reader.opens(LIST)
    for part in (
        "12 ms",
        "1.5 s",
        "1 min 1 s",
        "12 / 40",
        "46k / 910",
        "$0.4567",
        "3 ms",
        "142 MB",
        "2 runs 1 stream",
    ):
        assert part in page


def test_what_did_not_happen_is_a_dash_and_not_a_zero(reader, now):
    a_firing(a_schedule(), now, outcome="skipped_misfire", reason="Too late.", count=3)
    page = reader.opens(LIST)
    assert "skipped misfire 3 instants. Too late." in page
    assert " 0 ms" not in page


def test_one_firing_has_a_page_with_everything(reader, now):
    firing = measured(a_schedule(), now, dst_shifted=True)
    page = reader.opens(f"{LIST}{firing.pk}/change/")
    for part in ("yes, fired right after the gap", "1 min 1 s", "142 MB", f"{now:%Y-%m-%d}"):
        assert part in page


def test_the_percentiles_are_those_of_the_rows_that_fit(reader, now):
    quick, slow = a_schedule(name="Quick"), a_schedule(name="Slow")
    for number in range(1, 11):
        measured(quick, now - timedelta(minutes=number), duration_ms=number * 1000, slot_wait_ms=number * 10)
        measured(slow, now - timedelta(minutes=number), duration_ms=600_000, failure_reason="timeout")
    page = reader.opens(LIST, schedule__id__exact=quick.pk)
    assert "Firings 10 Failed 0 Lag p50 12 ms p95 12 ms p99 12 ms" in page
    assert "Slot wait p50 50 ms p95 100 ms" in page
    assert "Duration p50 5.0 s p95 10.0 s p99 10.0 s" in page
    assert "Failed 10" in reader.opens(LIST)


@pytest.mark.parametrize(("share", "value"), [(50, 5), (95, 10), (99, 10)])
def test_a_percentile_is_a_value_that_was_measured(share, value):
    assert percentile(list(range(1, 11)), share) == value
    assert percentile([], share) is None


def test_they_can_be_found_by_outcome_kind_and_reason(reader, now):
    schedule = a_schedule()
    measured(schedule, now, failure_reason="timeout")
    a_firing(
        schedule, now - timedelta(minutes=5), outcome="skipped_overlap", reason="Run 4 is still running."
    )
    assert "Run 4" not in reader.opens(LIST, outcome__exact="fired")
    assert "Run 4" in reader.opens(LIST, outcome__exact="skipped_overlap")
    assert "Run 4" not in reader.opens(LIST, failure_reason__exact="timeout")
    assert "No results" in reader.opens(LIST, kind__exact="manual")


def test_a_schedule_that_the_filter_does_not_name_is_found_by_its_link(reader, now):
    schedule = a_schedule(name="Never fired")
    measured(schedule, now)
    page = reader.opens(LIST, schedule__id__exact=schedule.pk)
    assert "Schedule: Never fired" in page


def test_nonsense_in_the_address_is_no_fault(reader, now):
    measured(a_schedule(), now)
    for odd in ("x", "9" * 30, "-1", "1 OR 1=1"):
        reader.opens(LIST, schedule__id__exact=odd)
        assert reader.answer.status_code in (200, 302)


def test_the_chosen_rows_come_as_a_sheet(reader, now):
    firing = measured(a_schedule(name="=HYPERLINK(1)"), now)
    answer = reader.client.post(LIST, {"action": "download", "_selected_action": [firing.pk]})
    sheet = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    assert sheet[0]["schedule_name"] == "'=HYPERLINK(1)"
    assert (sheet[0]["duration_ms"], sheet[0]["nominal_at"]) == ("61000", now.isoformat())


def test_the_sheet_names_the_run(reader, now):
    schedule = a_schedule()
    firing = a_firing(schedule, now)
    run, _ = a_running_run(schedule, now, firing=firing)
    answer = reader.client.post(LIST, {"action": "download", "_selected_action": [firing.pk]})
    sheet = list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))
    assert sheet[0]["run_id"] == str(run.pk)


def test_nobody_can_write_history_by_hand(reader, now):
    firing = measured(a_schedule(), now)
    assert "Add firing" not in reader.opens(LIST)
    reader.opens(f"{LIST}{firing.pk}/delete/")
    assert reader.answer.status_code == 403
