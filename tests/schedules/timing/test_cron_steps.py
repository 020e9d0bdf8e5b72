"""A description promises no rhythm that is not kept: "every N" is true, or the values are said."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.timing.cron import describe, parse
from schedules.timing.cron_steps import uneven
from schedules.timing.recurrence import Recurrence
from schedules.timing.timezones import ZoneError, zone

START = datetime(2026, 11, 24, tzinfo=UTC)


def steps(size: int, low: int = 0) -> st.SearchStrategy[str]:
    """Fields of that many values, most of them with a step."""
    numbers = st.integers(low, size - 1 + low)
    step = st.integers(1, size)
    ranges = st.tuples(numbers, numbers, step).map(lambda three: f"{three[0]}-{three[1]}/{three[2]}")
    return st.one_of(step.map(lambda n: f"*/{n}"), ranges, numbers.map(str), st.just("*"))


def gaps(expression: str, days: int) -> set[timedelta]:
    instants = Recurrence(cron=expression).between(START, START + timedelta(days=days))
    return {later.at - earlier.at for earlier, later in pairwise(instants)}


@given(steps(60), steps(24))
def test_every_so_many_minutes_or_hours_is_true_all_day(minute: str, hour: str) -> None:
    said = describe(f"{minute} {hour} * * *")
    for number, unit in re.findall(r"[Ee]very (\d+) (minutes|hours)", said):
        within = re.search(r"between|, at|through", said)
        lengths = gaps(f"{minute} {'*' if within else hour} * * *", days=3)
        assert lengths == {timedelta(**{unit: int(number)})}, said


@given(steps(31, low=1), steps(12, low=1), steps(7))
def test_every_so_many_days_is_never_said_of_a_calendar(day: str, month: str, weekday: str) -> None:
    said = describe(f"0 9 {day} * *") + describe(f"0 9 * * {weekday}")
    assert not re.search(r"[Ee]very \d+ (days|weeks)", said)
    months = re.search(r"every (\d+) months", describe(f"0 0 1 {month} *"))
    if months:
        at = Recurrence(cron=f"0 0 1 {month} *").upcoming(START, 30)
        numbers = [instant.at.year * 12 + instant.at.month for instant in at]
        assert {b - a for a, b in pairwise(numbers)} == {int(months[1])}


@pytest.mark.parametrize(
    ("expression", "english"),
    [
        ("*/45 * * * *", "At 0 and 45 minutes past the hour"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("0 */7 * * *", "At 00:00, 07:00, 14:00 and 21:00, every day"),
        ("0 */6 * * *", "Every 6 hours"),
        ("0 0 */31 * *", "At 00:00, on day 1 of the month"),
        ("0 0 * * 7-1/2", "At 00:00, only on Sunday"),
        ("0 9 * * 0,7", "At 09:00, only on Sunday"),
        ("0 9 * * 6#1,L5", "At 09:00, on the first Saturday and the last Friday of the month"),
    ],
)
def test_what_the_library_does_not_tell_truly_is_told_by_its_values(expression: str, english: str) -> None:
    assert describe(expression) == english


def test_a_step_that_is_not_kept_is_warned_of() -> None:
    assert uneven("*/15 */6 * */3 *") == []
    (warning,) = uneven("*/45 * * * *")
    assert warning.startswith(
        "“*/45” in the minute is not every 45 minutes: the count begins again each hour"
    )
    assert warning.endswith("it means 0 and 45. For a steady rhythm use the interval “every 45m”.")
    assert len(uneven("*/7 */5 */31 */5 */2")) == 5
    assert uneven("5/15 * * * *") == []
    (warning,) = uneven("7/45 * * * *")
    assert "it means 7 and 52." in warning


@pytest.mark.parametrize(
    ("one", "same"),
    [("2-2 * * * *", "2 * * * *"), ("0 9-9/3 * * *", "0 9 * * *"), ("0 0 * * SUN-SUN", "0 0 * * SUN"),
     ("0 0 * * 7-0", "0 0 * * 7"), ("0 0 5-5 * *", "0 0 5 * *")],
)  # fmt: skip
def test_a_range_of_one_is_that_one(one: str, same: str) -> None:
    assert parse(one) == parse(same)


@pytest.mark.parametrize(
    ("wrong", "write"),
    [("GMT+2", "Etc/GMT-2"), ("UTC-05:00", "Etc/GMT+5"), ("+3", "Etc/GMT-3"), ("UTC+5:30", "Asia/Kolkata"),
     ("utc+0", "Write UTC")],
)  # fmt: skip
def test_an_offset_is_told_what_to_write(wrong: str, write: str) -> None:
    with pytest.raises(ZoneError, match=re.escape(write)):
        zone(wrong)
