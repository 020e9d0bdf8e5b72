"""Server-sent events, cut anywhere, in every form that servers send them; and reading ahead."""

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.runtimes.anthropic import event_stream
from agents.runtimes.anthropic.event_stream import (
    Decoder,
    LineTooLong,
    ReadAhead,
    ServerSentEvent,
    read_ahead,
)

TEXTS = ["One ", "zwölf 🐙 ", "三 ", "a\rb", ": no comment"]
WIRE = b"".join(f"event: said\ndata: {json.dumps(text)}\n\n".encode() for text in TEXTS)
EVENTS = [ServerSentEvent("said", json.dumps(text)) for text in TEXTS]


def decoded(*pieces: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + list(decoder.end())


@given(
    cuts=st.lists(st.integers(0, len(WIRE) + len(WIRE) // 4), max_size=30),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_however_a_stream_is_cut_and_its_lines_end_the_events_are_the_same(cuts, line_end):
    wire = WIRE.replace(b"\n", line_end)
    places = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    assert decoded(*(wire[start:end] for start, end in pairwise(places) if end > start)) == EVENTS


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_an_event_is_told_as_soon_as_its_last_byte_is_there(line_end):
    decoder = Decoder()
    wire = b"data: 1" + line_end * 2
    assert [event.data for event in decoder.feed(wire)] == ["1"]
    assert [event.data for event in decoder.feed(wire)] == ["1"]


def test_what_is_no_event_passes_by():
    wire = b"\xef\xbb\xbf: a comment\n\nid: 7\nretry: 10\n\nevent: empty\n\nnonsense\n\ndata:no blank\n\n"
    assert decoded(wire) == [ServerSentEvent("", "no blank")]


def test_data_in_several_lines_is_one():
    assert decoded(b"data: {\ndata: }\n\n") == [ServerSentEvent("", "{\n}")]


def test_a_line_without_an_end_is_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(event_stream, "MAX_LINE_BYTES", 100)
    with pytest.raises(LineTooLong):
        decoded(*[b"data: " + b"x" * 60] * 3)


async def some(*pieces: bytes | BaseException):
    for piece in pieces:
        if isinstance(piece, BaseException):
            raise piece
        yield piece


async def test_what_has_come_meanwhile_is_taken_at_once():
    async with read_ahead(some(b"a", b"b", b"", b"c")) as pieces:
        assert [piece async for piece in pieces] == [b"abc"]


async def test_what_came_before_an_error_is_read_before_it_is_raised():
    async with read_ahead(some(b"a", b"b", OSError("cut"))) as pieces:
        assert await anext(pieces) == b"ab"
        with pytest.raises(OSError, match="cut"):
            await anext(pieces)


async def test_a_source_is_left_alone_while_too_much_waits(monkeypatch):
    monkeypatch.setattr(event_stream, "READ_AHEAD_BYTES", 10)
    given_out = 0

    async def endless():
        nonlocal given_out
        while True:
            given_out += 1
            yield b"xxxx"

    ahead = ReadAhead(endless())
    task = asyncio.create_task(ahead.read())
    for _ in range(20):
        await asyncio.sleep(0)
    assert given_out == 3
    assert await ahead.take() == b"x" * 12
    for _ in range(20):
        await asyncio.sleep(0)
    assert given_out == 6
    task.cancel()


async def test_leaving_stops_the_reading():
    stopped = False

    async def silent():
        nonlocal stopped
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            stopped = True

    async with read_ahead(silent()) as pieces:
        await anext(pieces)
    assert stopped
