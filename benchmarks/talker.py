"""A server of the Messages API that says what time it is, word by word, to everybody who asks.

Each word is the moment at which it was said, so whoever hears it knows how long it took to get there.
"""

import asyncio
import contextlib
import json
import sys
import time
from typing import Any

START = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "talker", "content": [],
    "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1},
}  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: int, pause: float) -> None:
    """Answer one request and hang up."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        await _hear(reader)
        writer.write(HEAD + event("message_start", message=START))
        writer.write(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
        due = asyncio.get_running_loop().time()
        for _ in range(words):
            due += pause
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            delta = {"type": "text_delta", "text": f"{time.time():.4f} "}
            writer.write(event("content_block_delta", index=0, delta=delta))
        writer.write(event("content_block_stop", index=0))
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        writer.write(event("message_delta", delta=end, usage={"output_tokens": words}))
        writer.write(event("message_stop"))
        await writer.drain()
    writer.close()


async def _hear(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next((line for line in head.split("\r\n") if line.startswith("content-length:")), ":0")
    await reader.readexactly(int(length.partition(":")[2]))


async def main(words: int, pause: float) -> None:
    server = await asyncio.start_server(lambda r, w: talk(r, w, words, pause), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
