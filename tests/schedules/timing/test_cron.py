"""The parser is strict and says why; the clock faces it names are croniter's."""

from datetime import datetime, timedelta

import pytest
from croniter import croniter  # type: ignore[import-untyped]
from hypothesis import given

from schedules.timing.cron import Cron, CronError, describe, parse
from tests.schedules.strategies import crons, moments


def face(text: str) -> datetime:
    """Read a time off a clock: it has no zone."""
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("*/5 * * * *", "*/5 * * * *"),
        ("  30   9 * *\tmon-fri ", "30 9 * * MON-FRI"),
        ("05 09 01 jan *", "5 9 1 JAN *"),
        ("*/1 */1 */1 */1 */1", "* * * * *"),
        ("0,0,30 * * * *", "0,30 * * * *"),
        ("5,* * * * *", "* * * * *"),
        ("0 0 L * *", "0 0 L * *"),
        ("0 0 * * 5L", "0 0 * * L5"),
        ("0 0 * * lfri", "0 0 * * L5"),
        ("0 0 * * FRIL", "0 0 * * L5"),
        ("0 0 * * mon#2,7#1", "0 0 * * 1#2,0#1"),
        ("5/10 * * * *", "5/10 * * * *"),
        ("59/15 * * * *", "59/15 * * * *"),
        ("*/60 */24 * * *", "*/60 */24 * * *"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_an_expression_is_kept_in_one_spelling(written, kept):
    assert parse(written).expression == kept
    assert parse(kept).expression == kept


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "5 fields"),
        ("* * * *", "5 fields"),
        ("* * * * * *", "Seconds and years are not supported"),
        ("0 0 * * * * 2026", "Seconds and years are not supported"),
        ("@reboot", "@hourly"),
        ("60 * * * *", "'60' does not fit the minute: use 0-59"),
        ("-1 * * * *", "in the minute is not understood"),
        ("* 24 * * *", "'24' does not fit the hour: use 0-23"),
        ("* * 0 * *", "does not fit the day of the month: use 1-31"),
        ("* * 32 * *", "does not fit the day of the month"),
        ("* * * 13 *", "does not fit the month: use 1-12 or JAN-DEC"),
        ("* * * FOO *", "'FOO' does not fit the month"),
        ("* * * * 8", "does not fit the day of the week: use 0-7 or SUN-SAT"),
        ("* * MON * *", "'MON' does not fit the day of the month"),
        ("*/0 * * * *", "A step of 0 does not fit the minute"),
        ("*/90 * * * *", "every 90m"),
        ("* */25 * * *", "A step of 25 does not fit the hour"),
        ("9-9/90 * * * *", "A step of 90 does not fit the minute"),
        ("0 0 ? * *", "write * instead of ?"),
        ("0 0 15W * *", "W (nearest weekday) is not supported"),
        ("0 0 LW * *", "L alone is the last day of the month"),
        ("0 0 L-3 * *", "L alone is the last day of the month"),
        ("0 0 * * L", "the last Friday of the month is L5"),
        ("0 0 * L *", "in the month is not understood"),
        ("0 0 * * 1#6", "1st to the 5th"),
        ("0 0 * * 1#0", "1st to the 5th"),
        ("0 0 * * 9#1", "'9' does not fit the day of the week"),
        ("0 0 * * 1#2,5", "mixes # or L with plain days"),
        ("0 0 1 * 1#2", "make one of them *"),
        ("0 0 1 * L5", "make one of them *"),
        ("H * * * *", "'H' in the minute is not understood"),
        ("R/5 * * * *", "'R/5' in the minute is not understood"),
        (", * * * *", "in the minute is not understood"),
        ("1,,2 * * * *", "in the minute is not understood"),
        ("1-2-3 * * * *", "in the minute is not understood"),
        ("*-5 * * * *", "in the minute is not understood"),
        ("5/* * * * *", "in the minute is not understood"),
        ("٣ * * * *", "in the minute is not understood"),
        ("1; rm * * *", "in the minute is not understood"),
        ("0 0 31 2 *", "'0 0 31 2 *' never fires: February has no day 31"),
        ("0 0 30,31 FEB *", "month FEB has no day 30,31"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("*" * 300, "at most 255"),
        (f"{'1,' * 60}1 * * * *", "at most 60"),
    ],
)
def test_nonsense_is_refused_and_the_message_says_what_would_be_right(text, said):
    with pytest.raises(CronError) as caught:
        parse(text)
    assert said in str(caught.value)


def test_what_is_no_text_is_refused():
    with pytest.raises(CronError, match="text such as"):
        parse(None)


@pytest.mark.parametrize(
    ("expression", "is_wildcard"),
    [
        ("0 * * * *", True),
        ("0 */1 * * *", True),
        ("0 0-23 * * *", True),
        ("0 */2 * * *", False),
        ("0 9-17 * * *", False),
        ("* 2 * * *", False),
    ],
)
def test_the_hour_is_a_wildcard_when_all_24_are_named_however_written(expression, is_wildcard):
    assert parse(expression).hour_is_wildcard is is_wildcard


@pytest.mark.parametrize(
    ("expression", "after", "following"),
    [
        ("*/5 * * * *", "2026-11-22T10:05", "2026-11-22T10:10"),
        ("*/5 * * * *", "2026-11-22T10:04:59.5", "2026-11-22T10:05"),
        ("0 0 29 2 *", "2026-01-01", "2028-02-29"),
        ("0 0 29 2 *", "2096-03-01", "2104-02-29"),
        ("0 0 * 2 MON#5", "2072-02-29", "2112-02-29"),
        ("0 0 13 * FRI", "2026-11-13T00:00", "2026-11-20T00:00"),
        ("0 0 30 2 MON", "2026-02-09T00:00", "2026-02-16T00:00"),
        ("0 0 L 2 *", "2027-02-28T00:00", "2028-02-29T00:00"),
        ("0 0 * * L5", "2026-10-31", "2026-11-27"),
        ("0 22-2 * * *", "2026-11-22T02:00", "2026-11-22T22:00"),
    ],
)
def test_the_next_wall_clock_time_is_strictly_after(expression, after, following):
    assert parse(expression).next_wall(face(after)) == face(following)


def test_there_is_no_wall_clock_time_past_the_end_of_the_calendar():
    assert parse("* * * * *").next_wall(face("9999-12-31T23:59:59.999999")) is None


@given(crons(), moments())
def test_every_wall_clock_time_is_the_one_that_croniter_names(cron: Cron, moment: datetime):
    theirs, ours = croniter(cron.expression, moment.replace(tzinfo=None)), moment.replace(tzinfo=None)
    for _ in range(5):
        following = cron.next_wall(ours)
        assert following == theirs.get_next(datetime)
        ours = following


@given(crons(), moments())
def test_a_stretch_of_wall_clock_times_is_the_chain_of_single_ones(cron: Cron, moment: datetime):
    start, first = moment.replace(tzinfo=None), int(moment.timestamp())
    stretch = [midnight + time for midnight, times in cron.walls(first, first + 2 * 86_400) for time in times]
    at = start - timedelta(seconds=1)
    for second in stretch[:50]:
        following = cron.next_wall(at)
        assert following == start + timedelta(seconds=second - first)
        at = following
    following = cron.next_wall(at)
    assert len(stretch) > 50 or following is None or following > start + timedelta(days=2)


@pytest.mark.parametrize(
    ("expression", "english"),
    [
        ("*/5 * * * *", "Every 5 minutes"),
        ("30 21 * * *", "At 21:30, every day"),
        ("30 9 * * MON-FRI", "At 09:30, Monday through Friday"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 0 15,L * *", "At 00:00, on day 15 and the last day of the month"),
        ("0 0 L,15 * *", "At 00:00, on the last day and 15 of the month"),
        ("0 0 * * L5", "At 00:00, on the last Friday of the month"),
        ("0 9 * * 1#2", "At 09:00, on the second Monday of the month"),
        ("@yearly", "At 00:00, on day 1 of the month, only in January"),
    ],
)
def test_an_expression_is_said_in_plain_english(expression, english):
    assert describe(expression) == english


@given(crons())
def test_every_expression_can_be_said(cron: Cron):
    assert describe(cron.expression)


def test_nonsense_is_not_described():
    with pytest.raises(CronError):
        describe("every now and then")
