"""The forecast as a picture: where a moment stands, how high the lanes are, which schedules have a row."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schedules.forecast.forecast import Forecast, play
from schedules.forecast.inputs import ForecastInput, PlannedSchedule
from schedules.forecast.simulation import SimSchedule
from schedules.timeline import labels
from schedules.timeline.axis import Axis
from schedules.timeline.drawing import draw
from schedules.timeline.lanes import Level, levels, peaks
from schedules.timeline.rows import rows
from tests.support.builders import NOON

MINUTE, HOUR = 60.0, 3600.0
START = NOON.timestamp()


def played(*plans: SimSchedule, cap: int = 2, hours: int = 48, names: str = "") -> Forecast:
    planned = [
        PlannedSchedule(number, names or f"Schedule {number}", "UTC", plan)
        for number, plan in enumerate(plans, start=1)
    ]
    until = NOON + timedelta(hours=hours)
    return play(ForecastInput(planned, {}), now=NOON, until=until, cap=cap)


def axis_of(forecast: Forecast, where: str = "UTC") -> Axis:
    return Axis(forecast.now, forecast.until, ZoneInfo(where))


def at(*minutes: float, takes: float = 10) -> SimSchedule:
    return SimSchedule([START + minute * MINUTE for minute in minutes], takes_sec=takes * MINUTE)


def drawn(forecast: Forecast, most: int = 20) -> str:
    axis = axis_of(forecast)
    return draw(axis, [forecast], rows(forecast, axis, most), lambda number: f"/schedule/{number}/")


def test_the_hours_are_those_of_the_clocks_also_where_they_stand_at_the_half():
    axis = Axis(NOON, NOON + timedelta(hours=2), ZoneInfo("Asia/Kolkata"))
    assert [f"{hour:%H:%M}" for hour in axis.hours] == ["18:00", "19:00"]
    assert axis.x(axis.hours[0]) == 25


def test_an_hour_that_comes_twice_is_there_twice():
    night = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    axis = Axis(night - timedelta(hours=2), night + timedelta(hours=2), ZoneInfo("Europe/Berlin"))
    assert [hour.hour for hour in axis.hours] == [1, 2, 2, 3]


def label_spans(picture: str, css: str) -> list[tuple[float, float]]:
    """Return from where to where the labels of a kind reach on a picture of 920 pixels."""
    found = re.findall(rf'<text class="{css}" x="([\d.]+)%" y="\d+"( text-anchor="end")?>([^<]+)<', picture)
    spans = [(9.2 * float(x), bool(turned), 6.5 * len(text) + 4) for x, turned, text in found]
    return [(x - broad, x) if turned else (x, x + broad) for x, turned, broad in spans]


def test_a_day_is_named_once_where_midnight_comes_twice_or_not_at_all():
    for begins, days in (
        (datetime(2027, 11, 6, 14, tzinfo=UTC), ["Sat 06 Nov", "Sun 07 Nov", "Mon 08 Nov"]),
        (datetime(2027, 3, 13, 14, tzinfo=UTC), ["Sat 13 Mar", "Sun 14 Mar", "Mon 15 Mar"]),
    ):
        axis = Axis(begins, begins + timedelta(hours=48), ZoneInfo("America/Havana"))
        named = re.findall(r'class="day"[^>]*>([^<]+)<', draw(axis, [], [], lambda _: ""))
        assert named == days


@given(
    quarters=st.integers(0, 4 * 24 * 366),
    where=st.sampled_from(["UTC", "America/Havana", "Asia/Kolkata", "Europe/Berlin"]),
)
def test_no_label_above_covers_another_or_leaves_the_picture(quarters, where):
    now = NOON + timedelta(minutes=15 * quarters)
    picture = draw(Axis(now, now + timedelta(hours=48), ZoneInfo(where)), [], [], lambda _: "")
    for css in ("o-clock", "day"):
        spans = label_spans(picture, css)
        assert spans
        assert all(left >= 0 and right <= 920 for left, right in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_the_lanes_tell_the_most_that_run_and_wait_in_each_stretch():
    forecast = played(at(60), at(60), at(60, takes=15))
    found = levels(forecast, axis_of(forecast))
    told = [(f"{level.begins:%H:%M}", level.running, level.waiting) for level in found]
    assert told == [("12:00", 0, 0), ("13:00", 2, 1), ("13:10", 1, 0), ("13:30", 0, 0)]
    assert found[-1].ends == forecast.until


@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(1, 90)), min_size=1, max_size=12), st.integers(1, 4)
)
def test_no_lane_is_higher_than_the_simulation_and_its_peak_is_reached(asked, cap):
    forecast = played(*(at(minute, takes=takes) for minute, takes in asked), cap=cap)
    found = levels(forecast, axis_of(forecast))
    assert max(level.running for level in found) == forecast.peak_running
    assert all(level.running <= cap for level in found)
    assert max(level.waiting for level in found) >= forecast.peak_waiting


def test_the_worst_waits_are_marked_and_never_two_side_by_side():
    found = [
        Level(NOON + timedelta(hours=hour), NOON + timedelta(hours=hour + 1), 2, waiting)
        for hour, waiting in enumerate([5, 4, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 1])
    ]
    assert [level.waiting for level in peaks(found)] == [5, 3, 1]


def test_the_busiest_have_a_row_each_and_the_rest_share_one():
    forecast = played(*(at(0, takes=number + 1) for number in range(30)), cap=30)
    found = rows(forecast, axis_of(forecast), most=5)
    assert [row.name for row in found] == [
        *(f"Schedule {number}" for number in range(30, 25, -1)), "25 other schedules",
    ]  # fmt: skip
    assert (found[-1].runs, found[-1].schedule_id) == (25, None)
    assert sum(cell.firings for cell in found[-1].cells) == 25


def test_a_rest_of_one_is_that_schedule_itself():
    forecast = played(*(at(0) for _ in range(4)), cap=4)
    assert [row.schedule_id for row in rows(forecast, axis_of(forecast), most=3)] == [1, 2, 3, 4]


def test_a_schedule_that_fires_all_the_time_is_drawn_hour_by_hour():
    forecast = played(at(*range(0, 48 * 60, 10), takes=3))
    (row,) = rows(forecast, axis_of(forecast))
    assert not row.bars
    assert [cell.firings for cell in row.cells] == [6] * 48
    assert all(abs(cell.level - 0.3) < 1e-9 for cell in row.cells)


def test_a_run_over_the_full_hour_counts_in_both_hours_as_long_as_it_lasts_in_each():
    forecast = played(at(*range(45, 2880, 60), takes=30), at(*range(50, 2880, 60), takes=20), cap=1)
    for row in rows(forecast, axis_of(forecast)):
        assert all(cell.level <= 1 for cell in row.cells)
    cells = rows(forecast, axis_of(forecast), most=0)[0].cells
    assert [round(cell.work_sec / 60) for cell in cells[:3]] == [15, 50, 50]
    assert [round(cell.waited_sec / 60) for cell in cells[:3]] == [10, 25, 25]


def test_a_run_queued_by_a_host_whose_clock_is_ahead_waits_for_nothing_rather_than_less():
    often = SimSchedule([START + 60 * minute for minute in range(10, 70)], takes_sec=1, overlap="allow")
    workload = ForecastInput(
        [PlannedSchedule(1, "Often", "UTC", often)], {}, queued=[(0, NOON + timedelta(minutes=5))]
    )
    forecast = play(workload, now=NOON, until=NOON + timedelta(hours=48), cap=2)
    assert forecast.present[0].wait_sec < 0
    (row,) = rows(forecast, axis_of(forecast))
    assert [cell.waited_sec for cell in row.cells] == [0, 0]


def test_a_bar_says_when_it_is_due_and_what_the_wait_is():
    forecast = played(at(60), at(60), at(60))
    axis = axis_of(forecast)
    assert [labels.bar_label(one, axis) for one in forecast.firings] == [
        "Schedule 1: due Tue 13:00, takes 10 min",
        "Schedule 2: due Tue 13:00, takes 10 min",
        "Schedule 3: due Tue 13:00, waits 10 min, starts 13:10, takes 10 min",
    ]


def test_what_is_skipped_says_why_and_has_no_length():
    forecast = played(at(0, 5, takes=10))
    said = labels.bar_label(forecast.firings[1], axis_of(forecast))
    assert said == "Schedule 1: Tue 12:05, skipped, an earlier run is in the way"
    assert drawn(forecast).count('class="skipped"') == 1


def test_every_bar_leads_to_its_schedule_and_one_of_each_row_is_a_stop_of_the_tab_key():
    picture = drawn(played(at(0, 60, 120), at(30)))
    assert re.findall(r'href="([^"]+)" tabindex="(-?\d)"', picture) == [
        ("/schedule/1/", "0"), ("/schedule/1/", "-1"), ("/schedule/1/", "-1"), ("/schedule/2/", "0"),
    ]  # fmt: skip


def test_names_are_escaped_and_nothing_is_styled_inline():
    picture = drawn(played(at(0), names='<script>alert("1")</script>'))
    assert "<script" not in picture
    assert "&lt;script&gt;" in picture
    assert "style=" not in picture


def test_a_thousand_schedules_make_a_picture_of_bounded_size():
    forecast = played(*(at(*range(number, 2880, 60), takes=0.5) for number in range(60)), cap=9)
    assert len(drawn(forecast)) < 700_000
    assert drawn(forecast).count('class="row"') == 21
