"""A provider's stream, read in pieces: fewer events, the same words."""

import asyncio
import json
from itertools import pairwise
from weakref import WeakSet

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.runtimes import gathering
from agents.runtimes.anthropic import AnthropicRuntime, Endpoint
from agents.runtimes.base import Request
from agents.runtimes.gathering import Gathered, gather, join
from benchmarks.talker import HEAD, START, event

WORDS = [f"word{number} " for number in range(40)]


def delta(text: str, index: int = 0, kind: str = "text_delta", name: str = "text", **more) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, name: text, **more})


def read(events: bytes) -> list[dict]:
    return [json.loads(each.partition(b"data: ")[2]) for each in events.strip().split(b"\n\n")]


class Chunks(httpx2.AsyncByteStream):
    def __init__(self, *chunks: bytes) -> None:
        self.chunks, self.closed = chunks, False

    async def __aiter__(self):
        for chunk in self.chunks:
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


async def pieces(*chunks: bytes) -> list[bytes]:
    return [piece async for piece in Gathered(Chunks(*chunks))]


def test_the_words_of_one_moment_become_one_event():
    (joined,) = read(join(delta("One ") + delta("two, ") + delta("three.")))
    assert joined == read(delta("One two, three."))[0]


def test_words_of_another_block_or_kind_stay_apart_and_in_their_order():
    thought = delta("Hm. ", kind="thinking_delta", name="thinking")
    asked = delta('{"a":', 2, "input_json_delta", "partial_json")
    events = thought + thought + delta("Yes. ") + delta("No.", index=1) + delta("No!", index=1) + asked
    assert join(events) == (
        delta("Hm. Hm. ", kind="thinking_delta", name="thinking")
        + delta("Yes. ")
        + delta("No.No!", index=1)
        + asked
    )


def test_what_is_not_words_alone_passes_as_it_came():
    signed = delta("abc", kind="signature_delta", name="signature")
    odd = delta("x", citations=[1]) + delta("y", citations=[2])
    broken = b"event: content_block_delta\ndata: {nonsense\n\n" * 2
    foreign = delta("a").replace(b"\n", b"\r\n") * 2
    stop = event("content_block_stop", index=0)
    for events in (signed * 2, odd, broken, foreign, stop, event("ping") * 3):
        assert join(events) == events


async def test_lines_that_end_in_crlf_are_not_kept_until_the_stream_is_over():
    foreign = [delta(word).replace(b"\n", b"\r\n") for word in WORDS[:3]]
    cut = [foreign[0][:7], foreign[0][7:], foreign[1], foreign[2]]
    async with asyncio.timeout(5):
        heard, pieces = b"", aiter(Gathered(Chunks(*cut)))
        while heard != foreign[0]:
            heard += await anext(pieces)
        assert await anext(pieces) == foreign[1]


async def test_a_compressed_stream_and_a_plain_answer_are_left_alone():
    source = Chunks(b"x")
    for headers in (
        {"content-type": "text/event-stream", "content-encoding": "gzip"},
        {"content-type": "application/json"},
    ):
        response = httpx2.Response(200, headers=headers, stream=source)
        await gather(response)
        assert response.stream is source


async def test_closing_the_pieces_closes_the_stream():
    source = Chunks()
    await Gathered(source).aclose()
    assert source.closed


async def test_the_more_streams_there_are_the_longer_each_rests(monkeypatch):
    monkeypatch.setattr(gathering, "_open", WeakSet())  # without what other tests have left open
    alone = gathering.pause()
    others = [Gathered(Chunks()) for _ in range(200)]
    assert gathering.pause() == pytest.approx(alone + 0.1)
    for other in others:
        await other.aclose()
    assert gathering.pause() == alone


@given(cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_however_it_is_cut_into_chunks_the_words_are_the_same(cuts):
    events = event("message_start", message=START) + b"".join(map(delta, WORDS[:12])) + event("message_stop")
    places = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    chunks = [events[start:end] for start, end in pairwise(places)]

    async def come() -> bytes:
        stream = Gathered(Chunks(*chunks))
        return b"".join([piece async for piece in stream])

    rest, gathering.REST_SEC = gathering.REST_SEC, 0
    try:
        happened = read(asyncio.run(come()))
    finally:
        gathering.REST_SEC = rest
    said = "".join(each["delta"]["text"] for each in happened if each["type"] == "content_block_delta")
    assert said == "".join(WORDS[:12])
    assert [happened[0]["type"], happened[-1]["type"]] == ["message_start", "message_stop"]


async def test_a_cut_off_end_is_passed_on_for_the_sdk_to_judge():
    assert b"".join(await pieces(event("ping"), b"event: content_bl")) == event("ping") + b"event: content_bl"


async def test_a_fluent_server_is_read_in_few_pieces_and_every_word_comes(monkeypatch):
    monkeypatch.setattr(gathering, "REST_SEC", 0.5)  # far longer than the words take, on a busy machine too
    heard = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + event("message_start", message=START))
        writer.write(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
        for word in WORDS:
            writer.write(delta(word))
            await asyncio.sleep(0.002)
            await heard.wait()
        writer.write(event("content_block_stop", index=0))
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        writer.write(event("message_delta", delta=end, usage={"output_tokens": 40}) + event("message_stop"))
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        runtime = AnthropicRuntime(endpoint=Endpoint(f"http://127.0.0.1:{port}", "key"))
        question = Request("m", "", [{"role": "user", "content": "Talk."}], [], 100)
        async with runtime.ask(question) as asking:
            said = []
            async for each in asking:
                said.append(each.text)
                heard.set()
        reply = asking.so_far()
    assert "".join(said) == "".join(WORDS)
    assert len(said) <= len(WORDS) / 2
    assert said[0] == WORDS[0], "the first word is not kept waiting"
    assert reply.stop_reason == "end_turn"
    assert reply.usage.output == 40
