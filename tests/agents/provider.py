"""A Messages API that says what a test tells it to, behind the real SDK; as strict as the real one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx2

from agents.offline.validation import BadRequest, check

type Chunks = Iterable[bytes | Exception | asyncio.Event]
type Answer = Callable[[dict[str, Any]], httpx2.Response]


class Provider(httpx2.AsyncBaseTransport):
    """Gives its answers in order, the last one for ever, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[httpx2.Headers] = []
        self.streams: list[Any] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(json.loads(await request.aread()))
        self.headers.append(request.headers)
        try:
            check(self.last, counting=False)
        except BadRequest as fault:
            return refuse(400, "invalid_request_error", str(fault))(self.last)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        response = answer(self.requests[-1])
        self.streams.append(response.stream)
        if waiting := response.extensions.get("waiting"):
            await waiting.wait()
        return response

    @property
    def last(self) -> dict[str, Any]:
        return self.requests[-1]


class Stream(httpx2.AsyncByteStream):
    """Bytes with troubles among them: an exception is raised, an event is waited for."""

    def __init__(self, chunks: Chunks) -> None:
        self.chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            if isinstance(chunk, asyncio.Event):
                await chunk.wait()
            else:
                yield chunk

    async def aclose(self) -> None:
        self.closed = True


def say(text: str = "", stop: str | None = "end_turn", **more: Any) -> Answer:
    """Answer in words, a word to a delta."""
    blocks = [{"type": "text", "text": text}] if text else []
    return reply(blocks, stop, **more)


def want(*calls: tuple[str, dict[str, Any]], text: str = "", **more: Any) -> Answer:
    """Ask for tools, after some words."""
    blocks = [{"type": "text", "text": text}] if text else []

    def answer(request: dict[str, Any]) -> httpx2.Response:
        turn = len(request["messages"])
        uses = [
            {"type": "tool_use", "id": f"toolu_{turn}_{n}", "name": name, "input": arguments}
            for n, (name, arguments) in enumerate(calls)
        ]
        return reply([*blocks, *uses], more.pop("stop", "tool_use"), **more)(request)

    return answer


def reply(blocks: list[dict[str, Any]], stop: str | None, **more: Any) -> Answer:
    """Stream these blocks."""

    def answer(request: dict[str, Any]) -> httpx2.Response:
        return streamed(events(request, blocks, stop, **more))

    return answer


def broken(text: str, trouble: Exception | asyncio.Event | None = None) -> Answer:
    """Begin an answer; then trouble, or a clean end that comes too early."""

    def answer(request: dict[str, Any]) -> httpx2.Response:
        chunks: list[Any] = events(request, [{"type": "text", "text": text}], "end_turn")[:-3]
        return streamed([*chunks, trouble] if trouble else chunks)

    return answer


def error_event(kind: str, text: str = "") -> Answer:
    """Answer 200, then an error in the stream."""
    body = {"type": "error", "error": {"type": kind, "message": f"in-stream {kind}"}}

    def answer(request: dict[str, Any]) -> httpx2.Response:
        chunks = events(request, [{"type": "text", "text": text}] if text else [], "end_turn")[:-2]
        return streamed([*chunks, sse("error", body)])

    return answer


def refuse(status: int, kind: str, message: str = "no", code: str = "", **headers: str) -> Answer:
    """Answer with an HTTP error."""
    error = {"type": kind, "message": message} | ({"details": {"error_code": code}} if code else {})
    named = {"request-id": "req_7"} | {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(request: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(status, json={"type": "error", "error": error}, headers=named)

    return answer


def fail(error: Exception) -> Answer:
    """Let the connection fail before there is any answer."""

    def answer(request: dict[str, Any]) -> httpx2.Response:
        raise error

    return answer


def wait(event: asyncio.Event) -> Answer:
    """Give no answer before an event."""

    def answer(request: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(200, extensions={"waiting": event})

    return answer


def streamed(chunks: Chunks) -> httpx2.Response:
    return httpx2.Response(
        200, headers={"content-type": "text/event-stream", "request-id": "req_7"}, stream=Stream(chunks)
    )


def events(
    request: dict[str, Any],
    blocks: list[dict[str, Any]],
    stop: str | None,
    usage: dict[str, int] | None = None,
    details: dict[str, Any] | None = None,
    model: str = "",
) -> list[bytes]:
    """Return the event stream of one reply; usage as message_start and message_delta tell it."""
    counted = {"input_tokens": 100, "output_tokens": 20} | (usage or {})
    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "stop_reason": None,
        "model": model or request["model"], "stop_sequence": None, "usage": counted | {"output_tokens": 1},
    }  # fmt: skip
    stream = [sse("message_start", {"type": "message_start", "message": message})]
    for index, block in enumerate(blocks):
        stream += _block(index, block)
    delta = {"stop_reason": stop, "stop_sequence": None, "stop_details": details}
    stream.append(sse("message_delta", {"type": "message_delta", "delta": delta, "usage": counted}))
    stream.append(sse("message_stop", {"type": "message_stop"}))
    return stream


def sse(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _block(index: int, block: dict[str, Any]) -> list[bytes]:
    match block["type"]:
        case "text":
            empty = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": word} for word in _words(block["text"])]
        case "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case _:
            empty = block | {"input": {}}
            text = block.get("json") or json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in (text[:5], text[5:])]
    start = {"type": "content_block_start", "index": index, "content_block": empty}
    middle = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    end = {"type": "content_block_stop", "index": index}
    return [sse(str(event["type"]), event) for event in (start, *middle, end)]


def _words(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")[:-1]] + [text.rsplit(" ", maxsplit=1)[-1]]
