"""Jitter spreads schedules that share a moment, and always says the same about the same instant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schedules.timing.recurrence import jittered
from tests.schedules.strategies import moments

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)


@given(st.integers(1), moments(), st.integers(0, 7200), st.integers(1, 7200))
def test_jitter_is_stable_bounded_and_ends_before_the_next_instant(schedule_id, nominal, jitter, room):
    following = nominal + timedelta(seconds=room)
    fire_at = jittered(schedule_id, nominal, jitter, following)
    assert nominal <= fire_at <= nominal + timedelta(seconds=jitter)
    assert fire_at < following
    assert fire_at == jittered(schedule_id, nominal, jitter, following)
    assert jittered(schedule_id, nominal, jitter, None) <= nominal + timedelta(seconds=jitter)


def test_jitter_does_not_ask_which_zone_the_moment_was_told_in():
    told_elsewhere = TEN.astimezone(ZoneInfo("Asia/Tokyo"))
    assert jittered(7, TEN, 600, None) == jittered(7, told_elsewhere, 600, None)


def test_jitter_spreads_schedules_over_the_whole_room():
    late = [(jittered(pk, TEN, 600, None) - TEN).total_seconds() for pk in range(1, 501)]
    assert min(late) < 30
    assert max(late) > 570
    assert 250 < sum(late) / len(late) < 350


def test_the_last_millisecond_before_the_next_instant_is_the_limit():
    following = TEN + timedelta(milliseconds=2)
    late = {jittered(pk, TEN, 600, following) - TEN for pk in range(1, 101)}
    assert late == {timedelta(0), timedelta(milliseconds=1)}


def test_no_jitter_means_the_nominal_instant_itself():
    assert jittered(7, TEN, 0, None) == TEN
    assert jittered(7, TEN, -5, None) == TEN
