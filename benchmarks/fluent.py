"""A fast model through the chat and alone, in one run; and a log on a slow disk.

1. Start a server that sends a word per chunk (`benchmarks.clock_server`), and the web process with it.
2. In turns: read an answer directly from the server, and through a chat socket.
3. Emit 1,000 words in 0.3 s to a log whose every write takes 50 ms; how long until all are shown?
"""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import aclosing
from statistics import median
from uuid import uuid4

import httpx2

from benchmarks.chat import Listener, clock_server, connect, create_token, web_process  # sets Django up
from benchmarks.fixtures import QUICK
from benchmarks.rows import report

# isort: split
from agents.protocol.events import TextDelta
from agents.transcripts import batch_writer, transcript
from agents.transcripts.recorder import Emit, record
from stagent.lib.db.async_db import db_sync_to_async

RATES = (100, 300)  # words a second
SECONDS = 2 if QUICK else 5
ROUNDS = 1 if QUICK else 3
GOAL = 1.05
SLOW_WRITE_SEC, BURST_SEC, BURST = 0.05, 0.3, 1000


def main() -> None:
    with clock_server(1, 1) as address, web_process(address) as (port, _):
        for number, rate in enumerate(RATES):
            asyncio.run(_compare(address, port, create_token(number), rate))
    _slow_disk()


async def _compare(address: str, port: int, token: str, rate: int) -> None:
    listener = await connect(port, token)
    await through(listener, "5 words, 100 a second")  # the first answer opens connections
    order = f"{rate * SECONDS} words, {rate} a second"
    pairs = [(await alone(address, order), await through(listener, order)) for _ in range(ROUNDS)]
    report_pairs(f"a stream of {rate} words/s", pairs)


def report_pairs(what: str, pairs: list[tuple[float, float]]) -> None:
    """Report how long an answer took alone and through the chat."""
    straight, ours = (median(each) for each in zip(*pairs, strict=True))
    ratio = median(chat / direct for direct, chat in pairs)
    figure = f"{ratio:.3f} ({straight:.2f} s, {ours:.2f} s)"
    report(f"{what}, through the chat against alone", figure, f"≤ {GOAL}", ratio <= GOAL)


async def alone(address: str, text: str, **more: object) -> float:
    """Ask the server directly; return the seconds to the end."""
    asked = {
        "model": "m",
        "max_tokens": 4096,
        "stream": True,
        "messages": [{"role": "user", "content": text}],
    }
    began_at = time.monotonic()
    async with (
        httpx2.AsyncClient(timeout=300) as client,
        client.stream("POST", f"{address}/v1/messages", json=asked | more) as answer,
    ):
        said = b"".join([piece async for piece in answer.aiter_raw()])
    assert b"message_stop" in said, said
    return time.monotonic() - began_at


async def through(listener: Listener, text: str) -> float:
    """Ask through the chat; return the seconds until the page has all."""
    listener.done = asyncio.get_running_loop().create_future()
    began_at = time.monotonic()
    frame = {"type": "send", "client_msg_id": uuid4().hex, "text": text}
    listener.sendMessage(json.dumps(frame).encode())  # type: ignore[no-untyped-call]
    final = await asyncio.wait_for(listener.done, 300)
    assert final["status"] == "complete", final
    return time.monotonic() - began_at


def _slow_disk() -> None:
    write = batch_writer._write

    def slowly(requests: Sequence[batch_writer.WriteRequest]) -> dict[int, int]:
        time.sleep(SLOW_WRITE_SEC)
        return write(requests)

    batch_writer._write = slowly
    took = asyncio.run(_burst())
    what = f"{BURST:,} words in {BURST_SEC} s, {1000 * SLOW_WRITE_SEC:.0f} ms a write: all shown after"
    report(what, f"{took:.2f} s", "< 1 s", took < 1)


async def _burst() -> float:
    token = uuid4()
    log = await db_sync_to_async(transcript.open_transcript, token)

    async def engine(emit: Emit) -> None:
        due = time.monotonic()
        for number in range(BURST):
            due += BURST_SEC / BURST
            await asyncio.sleep(due - time.monotonic())
            await emit(TextDelta(1, f"{number} "))

    began_at = time.monotonic()
    async with aclosing(record(engine, log.pk, token)) as shown:
        said = "".join([event.text async for event in shown if isinstance(event, TextDelta)])
    assert said == "".join(f"{number} " for number in range(BURST))
    return time.monotonic() - began_at


if __name__ == "__main__":
    main()
