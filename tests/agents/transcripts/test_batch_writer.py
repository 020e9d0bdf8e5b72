"""One writer for concurrent streams: each transcript has its own result."""

import asyncio
from uuid import UUID, uuid4

import pytest
from django.db import DataError, OperationalError

from agents.errors import LeaseLost
from agents.models import Transcript
from agents.protocol.events import TextDelta
from agents.transcripts import batch_writer, transcript
from agents.transcripts.batch_writer import BatchWriter
from stagent.lib.db.async_db import db_sync_to_async

pytestmark = pytest.mark.django_db


def a_log() -> tuple[int, UUID]:
    token = uuid4()
    return transcript.open_transcript(token).pk, token


def logs(count: int) -> list[tuple[int, UUID]]:
    return [a_log() for _ in range(count)]


def texts(log: int) -> list[tuple[int, str]]:
    return [(event.seq, event.data["text"]) for event in transcript.read(log)]


def deltas(*words: str) -> list[TextDelta]:
    return [TextDelta(1, word) for word in words]


@pytest.fixture
def batches(monkeypatch):
    """How many logs went into each transaction."""
    sizes: list[int] = []
    write = batch_writer._append

    def note(batch):
        sizes.append(len(batch))
        return write(batch)

    monkeypatch.setattr(batch_writer, "_append", note)
    return sizes


async def test_what_many_say_at_once_goes_into_few_transactions(batches):
    opened = await db_sync_to_async(logs, 40)
    writer = BatchWriter()
    numbers = await asyncio.gather(*[writer.append(log, token, deltas("a", "b")) for log, token in opened])
    assert numbers == [2] * 40
    assert len(batches) <= 2
    for log, _ in opened:
        assert await db_sync_to_async(texts, log) == [(1, "a"), (2, "b")]


async def test_what_one_says_keeps_its_order(batches):
    log, token = await db_sync_to_async(a_log)
    writer = BatchWriter()
    numbers = await asyncio.gather(*[writer.append(log, token, deltas(str(n))) for n in range(10)])
    assert numbers == list(range(1, 11))
    assert await db_sync_to_async(texts, log) == [(n + 1, str(n)) for n in range(10)]
    assert batches == [1] * 10


async def test_more_logs_than_one_transaction_takes_go_into_several(batches, monkeypatch):
    monkeypatch.setattr(batch_writer, "MAX_TRANSCRIPTS", 3)
    opened = await db_sync_to_async(logs, 8)
    writer = BatchWriter()
    await asyncio.gather(*[writer.append(log, token, deltas("a")) for log, token in opened])
    assert sorted(batches) == [2, 3, 3]


async def test_a_refused_token_refuses_that_log_only():
    opened = await db_sync_to_async(logs, 6)
    opened[2] = opened[2][0], uuid4()
    opened[4] = 10**9, uuid4()
    writer = BatchWriter()
    writes = [writer.append(log, token, deltas("a")) for log, token in opened]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [int, int, LeaseLost, int, LeaseLost, int]
    assert await db_sync_to_async(texts, opened[2][0]) == []
    assert await db_sync_to_async(texts, opened[3][0]) == [(1, "a")]


async def test_what_cannot_be_stored_is_the_fault_of_that_log_only(monkeypatch):
    opened = await db_sync_to_async(logs, 3)
    insert = batch_writer.sql.insert_events

    def refuse(rows, at):
        if any(data["text"] == "poison" for _, _, _, data in rows):
            raise DataError("unsupported Unicode escape sequence")
        insert(rows, at)

    monkeypatch.setattr(batch_writer.sql, "insert_events", refuse)
    writer = BatchWriter()
    words = ("a", "poison", "b")
    writes = [
        writer.append(log, token, deltas(word)) for (log, token), word in zip(opened, words, strict=True)
    ]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [int, DataError, int]
    assert [await db_sync_to_async(texts, log) for log, _ in opened] == [[(1, "a")], [], [(1, "b")]]
    assert (await db_sync_to_async(Transcript.objects.get, pk=opened[1][0])).last_seq == 0


async def test_while_the_database_is_away_everybody_is_told_and_the_next_is_written(monkeypatch):
    opened = await db_sync_to_async(logs, 2)
    monkeypatch.setattr("stagent.lib.db.async_db.RETRY_FOR_SEC", 0)
    with monkeypatch.context() as away:
        away.setattr(batch_writer, "_append", lambda batch: (_ for _ in ()).throw(OperationalError("away")))
        writer = BatchWriter()
        writes = [writer.append(log, token, deltas("a")) for log, token in opened]
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(result) for result in results] == [OperationalError] * 2
    assert await writer.append(*opened[0], deltas("b")) == 1


async def test_an_answer_that_is_lost_after_the_commit_writes_nothing_twice(monkeypatch):
    opened = await db_sync_to_async(logs, 2)
    write, answers = batch_writer._write, [OperationalError("the server went away in the middle of a commit")]

    def commits_and_loses_the_answer(pages):
        last = write(pages)
        if answers:
            raise answers.pop()
        return last

    monkeypatch.setattr(batch_writer, "_write", commits_and_loses_the_answer)
    writer = BatchWriter()
    assert await asyncio.gather(*[writer.append(log, token, deltas("a", "b")) for log, token in opened]) == [
        2,
        2,
    ]
    assert [await db_sync_to_async(texts, log) for log, _ in opened] == [[(1, "a"), (2, "b")]] * 2


async def test_who_does_not_wait_any_more_is_written_and_harms_nobody():
    (one, two) = await db_sync_to_async(logs, 2)
    writer = BatchWriter()
    gone = asyncio.create_task(writer.append(*one, deltas("a")))
    await asyncio.sleep(0)
    gone.cancel()
    assert await writer.append(*two, deltas("b")) == 1
    assert await db_sync_to_async(texts, two[0]) == [(1, "b")]


async def test_an_event_loop_has_one_writer():
    assert batch_writer.current_writer() is batch_writer.current_writer()
