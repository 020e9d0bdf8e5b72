"""Written before shown: the recorder between the engine and whoever looks on."""

import asyncio
import gc
import time
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import OperationalError

from agents.errors import LeaseLost
from agents.protocol.events import Finished, TextDelta, ThinkingDelta, ToolStarted, TurnStarted
from agents.transcripts import batch_writer, recorder, transcript
from agents.transcripts.batch_writer import BatchWriter
from agents.transcripts.recorder import Engine, record
from stagent.lib.db.async_db import db_sync_to_async

pytestmark = pytest.mark.django_db


def recorded(engine: Engine) -> tuple[int, list[Any]]:
    """Record an engine; return the number of the log and what was shown."""
    token = uuid4()
    log = transcript.open_transcript(token)

    async def follow():
        async with aclosing(record(engine, log.pk, token)) as events:
            return [event async for event in events]

    return log.pk, async_to_sync(follow)()


async def log_of(token):
    return (await db_sync_to_async(transcript.open_transcript, token)).pk


async def follow(engine: Engine, log: int, token) -> list[Any]:
    async with aclosing(record(engine, log, token)) as events:
        return [event async for event in events]


@pytest.fixture
def slow_disk(monkeypatch):
    """Let each write take 50 ms, and return the rows of each."""
    writes: list[int] = []
    write = batch_writer._write

    def slowly(pages):
        time.sleep(0.05)
        writes.append(sum(len(request.events) for request in pages))
        return write(pages)

    monkeypatch.setattr(batch_writer, "_write", slowly)
    return writes


async def test_each_write_takes_all_that_waits_however_long_a_write_takes(slow_disk):
    words = [f"{n} " for n in range(1000)]

    async def engine(tell):
        for n, word in enumerate(words):
            await tell(TextDelta(1, word))
            if n % 100 == 99:
                await asyncio.sleep(0.03)
        await tell(Finished("completed"))

    token = uuid4()
    log = await log_of(token)
    began_at = time.monotonic()
    shown = await follow(engine, log, token)
    took = time.monotonic() - began_at
    rows = await db_sync_to_async(transcript.read, log)
    assert "".join(row.data["text"] for row in rows[:-1]) == "".join(words)
    assert [event.data() for event in shown] == [row.data for row in rows]
    assert len(rows) < len(words) / 10
    assert len(slow_disk) * 0.05 <= took, "one write after the other"
    assert took < 59 / 4, "a write for each word would take 50 s"


async def test_a_drain_waits_until_all_that_was_emitted_is_written(slow_disk):
    token = uuid4()
    log = await log_of(token)
    numbers = []

    async def engine(emit):
        for word in ("One ", "two ", "three."):
            await emit(TextDelta(1, word))
            await emit.drain()
            numbers.append(await db_sync_to_async(transcript.last_seq, log, token))

    await follow(engine, log, token)
    assert (numbers, slow_disk) == ([1, 2, 3], [1, 1, 1])


async def test_an_engine_waits_where_the_log_cannot_keep_up(monkeypatch):
    monkeypatch.setattr(recorder, "MAX_PENDING_CHARS", 100)
    writes, goes_on = asyncio.Event(), asyncio.Event()
    append, told = BatchWriter.append, []

    async def held_up(*args, **more):
        writes.set()
        await goes_on.wait()
        return await append(*args, **more)

    async def engine(tell):
        for n in range(1000):
            await tell(TextDelta(1, "x" * 10))
            told.append(n)

    monkeypatch.setattr(BatchWriter, "append", held_up)
    token = uuid4()
    log = await log_of(token)
    following = asyncio.create_task(follow(engine, log, token))
    await writes.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(told) * 10 <= 200, "it stopped: a batch is being written, and one waits"
    goes_on.set()
    shown = await following
    assert "".join(event.text for event in shown) == "x" * 10_000


def test_thoughts_words_and_turns_are_not_mixed():
    async def engine(tell):
        for event in (ThinkingDelta(1, "Hm"), ThinkingDelta(1, "m."), TextDelta(1, "A"), TextDelta(2, "B")):
            await tell(event)

    _, shown = recorded(engine)
    kinds = [(event.kind, event.turn) for event in shown]
    assert list(dict.fromkeys(kinds)) == [("thinking_delta", 1), ("text_delta", 1), ("text_delta", 2)]


def test_what_was_said_is_shown_while_the_model_pauses():
    token = uuid4()
    log = transcript.open_transcript(token)
    shown = asyncio.Event()

    async def engine(tell):
        await tell(TurnStarted(1))
        await tell(TextDelta(1, "Let me think"))
        await asyncio.wait_for(shown.wait(), 10)

    async def follow():
        async for event in record(engine, log.pk, token):
            if isinstance(event, TextDelta):
                shown.set()

    async_to_sync(follow)()
    assert transcript.read(log.pk)[-1].data == {"turn": 1, "text": "Let me think"}


def test_an_engine_goes_on_only_when_what_it_told_is_written():
    token = uuid4()
    log = transcript.open_transcript(token)
    seen = []

    async def engine(tell):
        await tell(ToolStarted(1, "toolu_1", "echo", {}))
        seen.extend(await sync_to_async(transcript.read)(log.pk))

    async def follow():
        return [event async for event in record(engine, log.pk, token)]

    async_to_sync(follow)()
    assert [row.kind for row in seen] == ["tool_started"]


def test_what_an_engine_raises_comes_out():
    async def engine(tell):
        await tell(TurnStarted(1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        recorded(engine)


@pytest.mark.parametrize("refused", [False, True])
async def test_a_write_under_way_when_the_stop_comes_is_waited_for(monkeypatch, caplog, refused):
    token = uuid4()
    log = await db_sync_to_async(transcript.open_transcript, token)
    writes, goes_on = asyncio.Event(), asyncio.Event()
    append = BatchWriter.append

    async def slowly(*args, **more):
        writes.set()
        await goes_on.wait()
        if refused:
            raise LeaseLost("It has another writer.")
        return await append(*args, **more)

    async def engine(tell):
        await tell(TextDelta(1, "Half a word"))
        await asyncio.Event().wait()

    async def follow():
        async with aclosing(record(engine, log.pk, token)) as events:
            async for _ in events:
                pass

    monkeypatch.setattr(BatchWriter, "append", slowly)
    gc.collect()  # what other tests have left is not ours
    caplog.clear()
    following = asyncio.create_task(follow())
    await writes.wait()
    following.cancel()
    assert not (await asyncio.wait({following}, timeout=0.05))[0], "it is not over while it writes"
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await following
    said = await db_sync_to_async(transcript.read, log.pk)
    assert [row.data["text"] for row in said] == ([] if refused else ["Half a word"])
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_foreign_token_is_refused_at_the_first_word():
    log = transcript.open_transcript(uuid4())

    async def engine(tell):
        await tell(TurnStarted(1))

    async def follow():
        return [event async for event in record(engine, log.pk, uuid4())]

    with pytest.raises(LeaseLost):
        async_to_sync(follow)()
    assert transcript.read(log.pk) == []


def test_a_write_whose_success_was_not_heard_of_is_not_made_twice(monkeypatch):
    write = batch_writer._write
    calls = []

    def unheard(pages):
        last = write(pages)
        calls.append(last)
        if len(calls) == 2:
            raise OperationalError("server closed the connection unexpectedly")
        return last

    monkeypatch.setattr("stagent.lib.db.async_db.FIRST_DELAY_SEC", 0.0)
    monkeypatch.setattr(batch_writer, "_write", unheard)

    async def engine(tell):
        for turn in range(1, 4):
            await tell(TurnStarted(turn))

    log, _ = recorded(engine)
    assert [row.data["turn"] for row in transcript.read(log)] == [1, 2, 3]
    assert len(calls) == 3, "the second was looked for, not made again"


def test_the_bridge_waits_for_a_busy_database(monkeypatch):
    monkeypatch.setattr("stagent.lib.db.async_db.FIRST_DELAY_SEC", 0.0)
    answers = iter([OperationalError("database is locked"), OperationalError("locked"), 42])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert async_to_sync(db_sync_to_async)(ask) == 42


def test_the_bridge_gives_up_in_the_end(monkeypatch):
    monkeypatch.setattr("stagent.lib.db.async_db.RETRY_FOR_SEC", -1.0)

    def ask():
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError):
        async_to_sync(db_sync_to_async)(ask)
