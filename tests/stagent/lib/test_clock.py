"""One clock for all hosts, the database's; an event loop takes what was last measured of it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async

AN_HOUR = timedelta(hours=1)
NEVER = float("-inf")


@pytest.fixture
def offset(db: None, monkeypatch: pytest.MonkeyPatch) -> clock._Offset:
    """An offset of an hour, said to be measured so long ago that it is to be measured anew."""
    old = clock._Offset(value=AN_HOUR, sampled_at=NEVER)
    monkeypatch.setattr(clock, "_offset", old)
    return old


@pytest.fixture
def asked() -> Iterator[CaptureQueriesContext]:
    with CaptureQueriesContext(connection) as asked:
        yield asked


@pytest.mark.sqlite
def test_on_sqlite_it_is_this_machines_and_nobody_is_asked(offset, asked):
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert not asked


@pytest.mark.postgres
def test_the_database_is_asked_once_and_then_for_a_while_not_again(offset, asked):
    moments = [clock.now() for _ in range(3)]
    assert len(asked) == 1
    assert offset.sampled_at > NEVER
    assert abs(offset.value) < AN_HOUR
    assert moments == sorted(moments)


@pytest.mark.postgres
async def test_within_an_event_loop_nobody_is_asked_and_what_was_last_measured_is_given(offset, asked):
    before = datetime.now(UTC)
    assert before + AN_HOUR <= clock.now() <= datetime.now(UTC) + AN_HOUR
    assert (offset.value, offset.sampled_at) == (AN_HOUR, NEVER)
    assert not asked


@pytest.mark.postgres
async def test_beside_an_event_loop_it_is_measured_and_the_loop_has_it_then(offset):
    await db_sync_to_async(clock.now)
    assert offset.sampled_at > NEVER
    assert clock.now() - datetime.now(UTC) < AN_HOUR / 2


@pytest.mark.postgres
def test_while_one_measures_the_others_do_not_wait(offset, asked):
    with offset.lock:
        assert offset.current() == AN_HOUR
    assert not asked
    assert offset.current() != AN_HOUR
    assert len(asked) == 1


def test_a_loop_that_has_ended_keeps_nobody_from_asking():
    async def look() -> bool:
        return clock._in_event_loop()

    assert asyncio.run(look())
    assert not clock._in_event_loop()


def test_a_wall_clock_that_moves_otherwise_than_time_did_has_jumped_once(monkeypatch):
    gaps = iter([100.0, 104.0, 200.0, 200.0, 100.0])
    monkeypatch.setattr(clock.JumpDetector, "_measure", lambda _: next(gaps))
    detector = clock.JumpDetector()
    assert detector.jumped() is None, "clocks are set right by some seconds"
    assert detector.jumped() == timedelta(seconds=96)
    assert detector.jumped() is None
    assert detector.jumped() == timedelta(seconds=-100)
