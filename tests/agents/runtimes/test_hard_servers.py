"""Each way in which servers make it hard: the right words arrive, or the right failure is told."""

import gzip
import json
from collections.abc import Iterable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from agents.protocol.events import TextDelta
from agents.runtimes.anthropic import runtime
from agents.states import FailureKind as K
from tests.agents.conftest import collect
from tests.support.model_server import (
    CHUNKED,
    HANG_UP,
    HEAD,
    RESET,
    SILENCE,
    Answer,
    Json,
    ModelServer,
    Step,
    answer,
    call,
    chunk,
    in_chunks,
    plainly,
    text,
    written,
)

pytestmark = pytest.mark.django_db

SAID = "Zwölf 🐙 say: 三 \t and a\u2028b."
WORDS = text(SAID)


def bare(head: bytes, end: Step | None = None) -> Any:
    """Send the events as they are after another head."""
    return {"head": head, "send": lambda events: [*events, *([end] if end else [])]}


def byte_by_byte(events: list[bytes]) -> Iterable[Step]:
    yield from (chunk(bytes([byte])) for event in events for byte in event)
    yield b"0\r\n\r\n"


def with_trailers(events: list[bytes]) -> Iterable[Step]:
    yield from (chunk(event).replace(b"\r\n", b";name=value\r\n", 1) for event in events)
    yield b"0\r\nx-trailer: 1\r\n\r\n"


def only(*kinds: str) -> Any:
    return lambda events: [event for event in events if event["type"] in kinds]


def without(*kinds: str) -> Any:
    return lambda events: [event for event in events if event["type"] not in kinds]


def among(*more: Json) -> Any:
    return lambda events: [each for event in events for each in (event, *more)]


def without_usage(events: list[Json]) -> list[Json]:
    for event in events:
        event.get("message", event).pop("usage", None)
    return events


def length(*blocks: Json) -> bytes:
    _, *sent, _ = answer(*blocks)({})
    size = sum(len(each) - len(f"{len(each):x}") for each in sent)  # more than is sent, never less
    return f"content-length: {size + 9999}\r\n\r\n".encode()


GZIPPED = HEAD + b"content-encoding: gzip\r\n" + CHUNKED
ODD = {"type": "of_tomorrow", "index": 0}
ODD_DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "of_tomorrow", "x": 1}}
MESSAGE = {
    "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": SAID}],
    "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip

RIGHT: dict[str, Answer] = {
    "an event a chunk": answer(WORDS),
    "a byte a chunk": answer(WORDS, send=byte_by_byte),
    "all in one write": answer(WORDS, send=lambda events: [b"".join(in_chunks(events))]),  # type: ignore[misc]
    "all in one chunk": answer(WORDS, send=lambda events: in_chunks([b"".join(events)])),
    "chunk extensions and trailers": answer(WORDS, send=with_trailers),
    "CRLF lines": answer(WORDS, write=lambda event: written(event, "\r\n")),
    "CRLF lines, a byte a chunk": answer(WORDS, write=lambda e: written(e, "\r\n"), send=byte_by_byte),
    "CR lines": answer(WORDS, write=lambda event: written(event, "\r")),
    "no event names": answer(WORDS, write=lambda event: written(event, named=False)),
    "no blank after the colon": answer(WORDS, write=lambda event: written(event, colon=":")),
    "comments, ids and retries": answer(WORDS, write=lambda e: b": hello\nid: 1\nretry: 9\n" + written(e)),
    "a byte order mark": answer(WORDS, send=lambda events: in_chunks([b"\xef\xbb\xbf", *events])),
    "[DONE] at the end": answer(WORDS, send=lambda events: in_chunks([*events, b"data: [DONE]\n\n"])),
    "no message_stop": answer(WORDS, change=without("message_stop")),
    "no block stops": answer(WORDS, change=without("content_block_stop")),
    "no pings": answer(WORDS, change=without("ping")),
    "unknown events and deltas": answer(WORDS, change=lambda e: [*e[:3], ODD, ODD_DELTA, *e[3:]]),
    "no usage": answer(WORDS, change=without_usage),
    "blank blocks around": answer(text(""), WORDS, text("")),
    "blank deltas": answer(text(SAID, "", SAID[:9], "", SAID[9:], "")),
    "halves of a character in two deltas": answer(text(SAID, SAID[:6], "\ud83d", "\udc19", SAID[7:])),
    "a slow first byte": lambda request: [0.3, *answer(WORDS)(request)],
    "a slow first event": answer(WORDS, send=lambda events: [0.3, *in_chunks(events)]),
    "early hints": lambda request: [b"HTTP/1.1 103 Early Hints\r\n\r\n", *answer(WORDS)(request)],
    "the body is never ended": answer(WORDS, send=lambda events: [*map(chunk, events), SILENCE]),
    "HTTP/1.0": answer(WORDS, **bare(b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", HANG_UP)),
    "connection: close": answer(WORDS, **bare(HEAD + b"connection: close\r\n\r\n", HANG_UP)),
    "gzip": answer(WORDS, head=GZIPPED, send=lambda events: in_chunks([gzip.compress(b"".join(events))])),
    "no content type": answer(WORDS, head=b"HTTP/1.1 200 OK\r\n" + CHUNKED),
    "plain text, a byte a chunk": answer(
        WORDS, head=b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n" + CHUNKED, send=byte_by_byte
    ),
    "a reply that is not streamed": plainly("200 OK", MESSAGE),
}

PAGE = "<!DOCTYPE html><html><title>Sign in &amp; go</title><body>Welcome</body></html>"
OPENAI = {
    "error": {"message": "Invalid URL (POST /v1/messages)", "type": "invalid_request_error", "code": None}
}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
BAD_KEY = {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
NO_TOOLS = {"type": "error", "error": {"type": "api_error", "message": "gemma:2b does not support tools"}}
TOO_LONG = {
    "error": {
        "code": 500,
        "message": "the request exceeds the available context size",
        "type": "server_error",
    }
}
LOADING = {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
CHAT = b'data: {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Hi"}}]}\n\n'


def early(*end: Step) -> Answer:
    """Make an answer of a few words, and then this."""
    return answer(WORDS, send=lambda events: [*map(chunk, events[:6]), *end])


def event(data: Json) -> bytes:
    return chunk(f"data: {json.dumps(data)}\n\n".encode())


PROMISED = answer(WORDS, head=HEAD + length(WORDS), send=lambda events: [*events, HANG_UP], stop=None)
HALF_A_CHUNK = b"ff\r\nevent: co"
HALF_AN_EVENT = chunk(b'event: ping\ndata: {"ty')
LAST_CHUNK = b"0\r\n\r\n"
NOT_FOUND = "404 Not Found"
COMPLETION = {"object": "chat.completion", "choices": []}


def sent_away(status: int, location: str) -> Answer:
    head = f"HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    return lambda _: [head.encode()]


UNEXPECTED = {
    "error": "Unexpected endpoint or method. (POST /v1/messages). Returning 200 anyway"
}  # fmt: skip
AWAY = "redirect ({}) to https://else.example/login, so it is not a model server. Check the address"
REDIRECTS: dict[str, tuple[K, str, Answer]] = {
    f"a redirect, {status}": (
        K.WRONG_ADDRESS,
        AWAY.format(status),
        sent_away(status, "https://me:secret@else.example/login?key=secret"),
    )
    for status in (301, 302, 303, 307, 308)
}
BROKE_OFF = "The provider's reply was interrupted: Its stream ended before the reply was complete."
NO_REASON = "ended its reply without a stop_reason"
TOLD: dict[str, tuple[K, str, Answer]] = REDIRECTS | {
    "a redirect to a path": (K.WRONG_ADDRESS, "redirect (302) to /login", sent_away(302, "/login")),
    "an end without a stop reason": (K.GARBLED, NO_REASON, answer(WORDS, change=without("message_delta"))),
    "the same, not streamed": (K.GARBLED, NO_REASON, plainly("200 OK", MESSAGE | {"stop_reason": None})),
    "a reset in the middle of a chunk": (K.CUT_STREAM, "", early(HALF_A_CHUNK, RESET)),
    "a close in the middle of a chunk": (K.CUT_STREAM, "", early(HALF_A_CHUNK, HANG_UP)),
    "an end too early, in good order": (K.CUT_STREAM, BROKE_OFF, early(LAST_CHUNK)),
    "an end in the middle of an event": (K.CUT_STREAM, "", early(HALF_AN_EVENT, LAST_CHUNK)),
    "less than was promised": (K.CUT_STREAM, "", PROMISED),
    "a reset before any answer": (K.CUT_STREAM, "", lambda _: [RESET]),
    "nothing at all": (K.CUT_STREAM, "", answer(send=lambda events: [LAST_CHUNK])),
    "silence after accepting": (K.STALLED, "", lambda _: [SILENCE]),
    "silence in the middle": (K.STALLED, "", early(SILENCE)),
    "an error event": (K.OVERLOADED, "Overloaded", early(chunk(written(OVERLOADED)), SILENCE)),
    "an error event without a name": (K.OVERLOADED, "Overloaded", early(event(OVERLOADED), SILENCE)),
    "an error of another shape": (K.CONTEXT_TOO_LONG, "context size", early(event(TOO_LONG), SILENCE)),
    "an event that is not JSON": (K.GARBLED, "{no", early(chunk(b"data: {no\n\n"), SILENCE)),
    "a block that never began": (K.GARBLED, "block", answer(WORDS, change=without("content_block_start"))),
    "a stream of another API": (
        K.WRONG_API, "chat completions", answer(send=lambda events: in_chunks([CHAT] * 3)),
    ),
    "another API's 404": (
        K.WRONG_API, "(POST /v1/messages): Not Found. Check", plainly(NOT_FOUND, {"detail": "Not Found"}),
    ),
    "another API's 405": (
        K.WRONG_API, "(POST /v1/messages): Method Not Allowed. Check",
        plainly("405 Method Not Allowed", {"detail": "Method Not Allowed"}),
    ),
    "a page with status 200": (K.WRONG_API, "Sign in", plainly("200 OK", PAGE, "text/html")),
    "a page said to be a stream": (K.WRONG_API, "Sign in", plainly("200 OK", PAGE, "text/event-stream")),
    "an error as JSON with status 200": (K.BAD_KEY, "invalid x-api-key", plainly("200 OK", BAD_KEY)),
    "a chat completion": (K.WRONG_API, "Messages API", plainly("200 OK", COMPLETION)),
    "JSON of anybody": (K.WRONG_API, '{"status": "ok"}', plainly("200 OK", {"status": "ok"})),
    "a server of OpenAI's API": (K.WRONG_API, "Messages API", plainly(NOT_FOUND, OPENAI)),
    "the same in FastAPI": (K.WRONG_API, "Messages API", plainly(NOT_FOUND, {"detail": "Not Found"})),
    "an old LM Studio": (K.WRONG_API, "Messages API", plainly("200 OK", UNEXPECTED)),
    "an old server": (K.WRONG_API, "Messages API", plainly(NOT_FOUND, "404 page not found", "text/plain")),
    "a model without tools": (
        K.TOOLS_UNSUPPORTED, "a profile without tools", plainly("400 Bad Request", NO_TOOLS),
    ),
    "a context error as status 500": (
        K.CONTEXT_TOO_LONG, "context", plainly("500 Internal Server Error", TOO_LONG),
    ),
    "a model that is loading": (K.LOADING, "loading", plainly("503 Service Unavailable", LOADING)),
}  # fmt: skip


def asked(assign: Any, settings: Any, *answers: Answer, **more: Any) -> tuple[list[Any], ModelServer]:
    """Let the engine ask a server with these answers; return what happened, and the server."""
    assignment = assign(runtime="anthropic", **more)
    server = ModelServer(*answers)

    async def ask() -> list[Any]:
        async with server.listening():
            settings.ANTHROPIC_BASE_URL = server.url
            return await collect(assignment)

    return async_to_sync(ask)(), server


@pytest.mark.parametrize("hardness", RIGHT)
def test_the_right_words_arrive(assign, settings, hardness):
    events, _ = asked(assign, settings, RIGHT[hardness])
    finished = events[-1]
    assert (finished.reason, finished.text) == (None, SAID), finished.detail
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == SAID


@pytest.mark.parametrize("hardness", TOLD)
def test_the_right_failure_is_told(assign, settings, monkeypatch, hardness):
    monkeypatch.setattr(runtime, "FIRST_TOKEN_SEC", 0.5)
    kind, says, hard = TOLD[hardness]
    finished = asked(assign, settings, hard)[0][-1]
    assert (finished.failure, finished.outcome) == (kind, "failed"), finished.detail
    assert says in finished.detail


@pytest.mark.parametrize("send", [in_chunks, byte_by_byte])
def test_calls_are_made_as_they_were_written(assign, settings, echo_calls, send):
    arguments = {"say": SAID, "n": [1, {"a": None}]}
    wanting = answer(call("echo", **arguments), stop="tool_use", send=send)
    events, server = asked(assign, settings, wanting, answer(WORDS))
    assert echo_calls == [arguments]
    assert events[-1].text == SAID
    assert server.connections == 1, "a connection that was left in good order is used again"
