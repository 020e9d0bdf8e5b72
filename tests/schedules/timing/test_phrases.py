"""What people type for "when", and what becomes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.timing.cron import CronError, parse
from schedules.timing.phrases import When, describe_when, parse_when


@pytest.mark.parametrize(
    ("phrase", "cron"),
    [
        ("5m", "*/5 * * * *"),
        ("every 5m", "*/5 * * * *"),
        ("Every 5 Minutes.", "*/5 * * * *"),
        ("every five minutes", "*/5 * * * *"),
        ("1m", "* * * * *"),
        ("every minute", "* * * * *"),
        ("30m", "*/30 * * * *"),
        ("every 30 minutes", "*/30 * * * *"),
        ("every half hour", "*/30 * * * *"),
        ("quarter hour", "*/15 * * * *"),
        ("every 120 seconds", "*/2 * * * *"),
        ("60m", "0 * * * *"),
        ("hourly", "0 * * * *"),
        ("every hour", "0 * * * *"),
        ("2h", "0 */2 * * *"),
        ("every 2 hours", "0 */2 * * *"),
        ("every other hour", "0 */2 * * *"),
        ("1d", "0 0 * * *"),
        ("24h", "0 0 * * *"),
        ("1440m", "0 0 * * *"),
        ("daily", "0 0 * * *"),
        ("every day", "0 0 * * *"),
        ("weekly", "0 0 * * 0"),
        ("every week", "0 0 * * 0"),
        ("monthly", "0 0 1 * *"),
        ("yearly", "0 0 1 1 *"),
        ("every hour at :15", "15 * * * *"),
        ("every 2 hours at :30", "30 */2 * * *"),
        ("every 15 minutes on weekdays", "*/15 * * * 1-5"),
        ("hourly on weekends", "0 * * * 0,6"),
        ("daily at 9am", "0 9 * * *"),
        ("daily at 9:30pm", "30 21 * * *"),
        ("daily at 9 p.m.", "0 21 * * *"),
        ("daily at 12am", "0 0 * * *"),
        ("daily at 12pm", "0 12 * * *"),
        ("daily at noon", "0 12 * * *"),
        ("every day at midnight", "0 0 * * *"),
        ("every day at 09:00", "0 9 * * *"),
        ("every 1 day at 09:00", "0 9 * * *"),
        ("every day at 9am and 5pm", "0 9,17 * * *"),
        ("daily at 9:00, 9:30", "0,30 9 * * *"),
        ("9am every day", "0 9 * * *"),
        ("weekdays at 09:30", "30 9 * * 1-5"),
        ("at 9:30 on weekdays", "30 9 * * 1-5"),
        ("weekends at 10", "0 10 * * 0,6"),
        ("every monday 8:00", "0 8 * * 1"),
        ("every monday and thursday at 8:00", "0 8 * * 1,4"),
        ("mon, wed & fri at 18:00", "0 18 * * 1,3,5"),
        ("mon-fri at 8.30", "30 8 * * 1-5"),
        ("friday to monday at 08:00", "0 8 * * 5-1"),
        ("weekly on friday at 5pm", "0 17 * * 5"),
        ("monthly on the 1st at 6:00", "0 6 1 * *"),
        ("on the 1st and 15th at 9", "0 9 1,15 * *"),
        ("on the last day of the month at 18:00", "0 18 L * *"),
        ("first monday of the month at 9am", "0 9 * * 1#1"),
        ("last friday of every month at 17:00", "0 17 * * L5"),
        ("*/5 * * * *", "*/5 * * * *"),
        ("30 9 * * mon-fri", "30 9 * * MON-FRI"),
        ("@daily", "0 0 * * *"),
    ],
)
def test_a_phrase_is_kept_as_cron_where_cron_says_exactly_that(phrase, cron):
    assert parse_when(phrase) == When(cron=cron)


@pytest.mark.parametrize(
    ("phrase", "seconds"),
    [
        ("45m", 2700),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("1 hour and 30 minutes", 5400),
        ("every 7 minutes", 420),
        ("90s", 90),
        ("every 5 hours", 18_000),
        ("25h", 90_000),
        ("every other day", 172_800),
        ("7d", 604_800),
        ("1w", 604_800),
        ("every 2 weeks", 1_209_600),
        ("366d", 31_622_400),
    ],
)
def test_what_cron_cannot_say_is_kept_in_seconds(phrase, seconds):
    assert parse_when(phrase) == When(every_sec=seconds)


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("", "Try 'every 5m'"),
        ("   ", "Try 'every 5m'"),
        ("now and then", "'now and then' is not understood. Try 'every 5m'"),
        ("every", "Try 'every 5m'"),
        ("5", "Try 'every 5m'"),
        ("-5m", "Try 'every 5m'"),
        ("every other monday", "Try 'every 5m'"),
        ("every monday at", "Try 'every 5m'"),
        ("every 2 hours at 9am", "Try 'every 5m'"),
        ("every 5m at :15", "Try 'every 5m'"),
        ("x" * 1000, "at most 255"),
        ("30s", "'30s' is too often: the shortest interval is one minute"),
        ("every second", "too often"),
        ("0m", "too often"),
        ("367d", "too rare: the longest interval is one year"),
        ("999999999w", "too rare"),
        ("60.001s", "not a whole number of seconds"),
        ("every 45m on weekdays", "divides an hour or a day"),
        ("every 2 days at 9am", "divides an hour or a day"),
        ("at 9am", "write 'daily at 9am'"),
        ("daily at 25:00", "not a time of day"),
        ("daily at 13pm", "not a time of day"),
        ("daily at 9:60", "not a time of day"),
        ("daily at 9:15 and 17:30", "a schedule each"),
        ("monthly on the 45th", "'45' does not fit the day of the month"),
        ("* * * *", "5 fields"),
        ("0 0 31 2 *", "never fires"),
        ("@every 5m", "'@every 5m' is not known"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_would_be(phrase, said):
    with pytest.raises(CronError) as caught:
        parse_when(phrase)
    assert said in str(caught.value)


def test_what_is_no_text_is_refused():
    with pytest.raises(CronError, match="Say when to run"):
        parse_when(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("when", "english"),
    [
        (When(cron="*/5 * * * *"), "Every 5 minutes"),
        (When(cron="0 9 * * *"), "At 09:00, every day"),
        (When(every_sec=90), "Every 90 seconds"),
        (When(every_sec=2700), "Every 45 minutes"),
        (When(every_sec=3600), "Every hour"),
        (When(every_sec=5400), "Every 90 minutes"),
        (When(every_sec=604_800), "Every 7 days"),
    ],
)
def test_a_rhythm_is_said_in_plain_english(when, english):
    assert describe_when(when) == english


@given(st.integers(1, 366 * 1440))
def test_minutes_mean_that_many_minutes(minutes: int):
    when = parse_when(f"every {minutes} minutes")
    if when.every_sec is not None:
        assert when.every_sec == minutes * 60
    else:
        times = parse(when.cron).times
        apart = {
            later - earlier for earlier, later in zip(times, [*times[1:], times[0] + 86_400], strict=True)
        }
        assert apart == {minutes * 60}


@given(st.text(alphabet="0123456789 :*/,-@.#LWamphdsevryondtufiw", max_size=60) | st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused_and_never_breaks(text: str):
    try:
        when = parse_when(text)
    except CronError:
        return
    assert describe_when(when)
    assert bool(when.cron) != (when.every_sec is not None)


def test_what_is_kept_reads_back_as_itself():
    for phrase in ("5m", "2h", "weekdays at 09:30", "first monday of the month at 9am"):
        kept = parse_when(phrase)
        assert parse_when(kept.cron) == kept
