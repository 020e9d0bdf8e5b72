"""Live streams: leased rows that say somebody is being answered."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from agents import live_streams
from agents.models import LiveStream

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def after(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_each_stream_counts_until_it_ends():
    first = live_streams.begin("message:1", "web", 30, NOON)
    live_streams.begin("message:2", "web", 30, NOON)
    assert live_streams.count_live(NOON) == 2
    assert live_streams.end("message:1", first)
    assert live_streams.count_live(NOON) == 1
    assert not live_streams.end("message:1", first)


def test_a_stream_whose_holder_is_gone_counts_no_longer():
    live_streams.begin("message:1", "web", 30, NOON)
    assert live_streams.count_live(after(29)) == 1
    assert live_streams.count_live(after(30)) == 0


def test_a_renewed_stream_lives_on():
    token = live_streams.begin("message:1", "web", 30, NOON)
    assert live_streams.renew("message:1", token, after(20))
    assert live_streams.count_live(after(49)) == 1
    assert live_streams.count_live(after(50)) == 0


def test_who_begins_anew_takes_the_row_over():
    old = live_streams.begin("message:1", "web", 30, NOON)
    new = live_streams.begin("message:1", "other web", 30, after(5))
    assert not live_streams.renew("message:1", old, after(10))
    assert not live_streams.end("message:1", old)
    assert live_streams.renew("message:1", new, after(10))
    assert LiveStream.objects.get().holder == "other web"


def test_a_row_that_was_swept_is_not_renewed():
    token = live_streams.begin("message:1", "web", 30, NOON)
    assert live_streams.sweep(after(29)) == 0
    assert live_streams.sweep(after(31)) == 1
    assert not live_streams.renew("message:1", token, after(31))
    assert not live_streams.renew("message:9", uuid4(), NOON)
