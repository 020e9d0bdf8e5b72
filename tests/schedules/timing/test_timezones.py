"""A wrong zone is answered with the right one; and where clocks change is found exactly."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.timing.recurrence import Recurrence, ZoneError
from schedules.timing.timezones import pieces
from tests.schedules.strategies import ZONES, moments


@pytest.mark.parametrize(
    ("wrong", "suggested"),
    [
        ("Europe/Pariss", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("paris", "Europe/Paris"),
        ("New York", "America/New_York"),
        ("Amerika/New_York", "America/New_York"),
        ("utc ", "UTC"),
        ("", "such as Europe/Paris"),
        ("Middle/Earth", "such as Europe/Paris"),
        ("../../etc/passwd", "such as Europe/Paris"),
        ("localtime", "such as Europe/Paris"),
        ("Europe", "such as Europe/Paris"),
        ("UTC\0", "UTC"),
    ],
)
def test_a_wrong_zone_is_answered_with_the_right_one(wrong, suggested):
    with pytest.raises(ZoneError) as caught:
        Recurrence(cron="0 9 * * *", timezone=wrong)
    assert suggested in str(caught.value)
    assert "Etc/" not in str(caught.value)


@given(st.sampled_from(ZONES), moments(), st.integers(0, 400 * 86_400))
def test_the_pieces_of_a_zone_have_no_holes_and_its_own_offsets(name: str, moment: datetime, length: int):
    first = int(moment.timestamp())
    parts = list(pieces(name, first, first + length))
    assert parts[0][0] <= first <= first + length < parts[-1][1]
    for (_, end, _), (begin, _, _) in pairwise(parts):
        assert end == begin
    for begin, end, offset in parts:
        for second in (begin, (begin + end) // 2, end - 1):
            local = datetime.fromtimestamp(second, ZoneInfo(name))
            assert local.utcoffset() == timedelta(seconds=offset)


def test_a_change_is_found_to_the_second():
    day = int(datetime(2026, 3, 29, tzinfo=UTC).timestamp())
    changes = [begin for begin, _, offset in pieces("Europe/Paris", day, day + 86_400) if offset == 7200]
    assert changes[0] == int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
