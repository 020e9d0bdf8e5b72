"""A Messages API server whose words are the current time, so that receivers know the delay.

Like most servers it keeps connections open and sends a chunked body, each event a chunk. The prompt sets
length and rate ("500 words, 100 a second"), else the arguments.
"""

import asyncio
import contextlib
import json
import re
import sys
import time
from typing import Any

START: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "talker", "content": [],
    "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1},
}  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ORDER = re.compile(r"(\d+) words, (\d+) a second")
PING_EVERY = 50  # words


def event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: int, rate: float) -> None:
    """Answer requests until the client disconnects."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            asked = await _receive_prompt(reader)
            await _talk(writer, *_ordered(asked, words, rate))
    writer.close()


async def _talk(writer: asyncio.StreamWriter, words: int, rate: float) -> None:
    def send(kind: str, **data: Any) -> None:
        writer.write(chunk(event(kind, **data)))

    writer.write(HEAD)
    send("message_start", message=START)
    send("content_block_start", index=0, content_block={"type": "text", "text": ""})
    due = asyncio.get_running_loop().time()
    for number in range(words):
        due += 1 / rate
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        if number % PING_EVERY == 0:
            send("ping")
        send("content_block_delta", index=0, delta={"type": "text_delta", "text": f"{time.time():.4f} "})
        await writer.drain()
    send("content_block_stop", index=0)
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    send("message_delta", delta=end, usage={"output_tokens": words})
    send("message_stop")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _receive_prompt(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next((line for line in head.split("\r\n") if line.startswith("content-length:")), ":0")
    return (await reader.readexactly(int(length.partition(":")[2]))).decode()


def _ordered(asked: str, words: int, rate: float) -> tuple[int, float]:
    orders = ORDER.findall(asked)
    return (int(orders[-1][0]), float(orders[-1][1])) if orders else (words, rate)


async def main(words: int, rate: float) -> None:
    server = await asyncio.start_server(lambda r, w: serve(r, w, words, rate), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
