"""Several connections write to one log at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from agents.errors import LeaseLost
from agents.models import Event
from agents.protocol.events import TurnStarted
from agents.transcripts import transcript

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
WRITERS = 4


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Do jobs in threads, each with a database connection of its own; return what they return or raise."""

    def do(job):
        try:
            return job()
        except LeaseLost as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(do, jobs))


def test_numbers_stay_without_gaps_however_many_write():
    token = uuid4()
    log = transcript.open_transcript(token)

    def write():
        return [transcript.append(log.pk, token, [TurnStarted(1)] * 3, NOON) for _ in range(15)]

    lasts = [last for written in at_once([write] * WRITERS) for last in written]
    assert sorted(lasts) == list(range(3, WRITERS * 45 + 1, 3))
    assert [row.seq for row in transcript.read(log.pk)] == list(range(1, WRITERS * 45 + 1))


def test_nothing_is_written_with_a_token_after_it_was_taken_away():
    old, new = uuid4(), uuid4()
    log = transcript.open_transcript(old)

    def write_until_refused():
        while True:
            transcript.append(log.pk, old, [TurnStarted(1)], NOON)

    def take_over():
        while transcript.last_seq(log.pk, old) == 0:
            pass
        assert transcript.rotate(log.pk, old, new)
        return transcript.append(log.pk, new, [TurnStarted(2)], NOON)

    *refused, first = at_once([write_until_refused] * (WRITERS - 1) + [take_over])
    assert all(isinstance(answer, LeaseLost) for answer in refused)
    last = Event.objects.order_by("-seq").first()
    assert last is not None
    assert (last.seq, last.data) == (first, {"turn": 2})
