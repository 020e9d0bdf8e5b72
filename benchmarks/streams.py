"""200 streaming replies of 20 words per second: does every word arrive, and how late?

1. Start a Messages API server (`benchmarks.clock_server`): each word is the moment it was sent, each event a
   chunk of a kept connection.
2. Start the web process with it, and connect a socket for each user.
3. Five users send per second; compare each word with its arrival, and all with what is stored.
"""

import asyncio
import hashlib
import json

import psutil

from benchmarks.chat import Listener, clock_server, connect, create_token, web_process  # sets Django up
from benchmarks.fixtures import QUICK
from benchmarks.rows import percentile, report, spread

# isort: split
from agents.models import StreamRecord
from chat.models import Message

PEOPLE = 20 if QUICK else 200
WORDS_PER_SEC = 20
SECONDS = 8 if QUICK else 60
COMING_SEC = PEOPLE / 5  # in which all of them come


def main() -> None:
    with (
        clock_server(SECONDS * WORDS_PER_SEC, WORDS_PER_SEC) as address,
        web_process(address) as (port, server),
    ):
        tokens = [create_token(number) for number in range(PEOPLE)]
        family = [server, *server.children(recursive=True)]
        before = sum(map(_used, family))
        listeners = asyncio.run(_listen(port, tokens))
        used = sum(map(_used, family)) - before
    words = PEOPLE * SECONDS * WORDS_PER_SEC
    report("a word, on the web's processor", f"{1000 * used / words:.3f} ms")
    _report(listeners)


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _report(listeners: list[Listener]) -> None:
    delays = [delay for listener in listeners for delay in listener.delays]
    late = percentile(delays, 0.99)
    whole = sum(_is_whole(listener) for listener in listeners)
    what = f"{PEOPLE} streams of {WORDS_PER_SEC} words/s"
    report(f"{what}: said → on the page", spread(delays), "p99 < 250 ms", late < 250)
    report(f"{what}: answers without a loss", f"{whole} of {PEOPLE}", "all", whole == PEOPLE)
    ours = [float(ms) for ms in StreamRecord.objects.values_list("overhead_ms", flat=True) if ms is not None]
    met = percentile(ours, 0.99) < 50
    report("sent → model asked, while they come", spread(ours), "p99 < 50 ms", met)


def _is_whole(listener: Listener) -> bool:
    final = listener.done.result()
    stored = Message.objects.get(pk=final["message_id"])
    said = len(listener.text.split()) == SECONDS * WORDS_PER_SEC
    same = hashlib.sha256(listener.text.encode()).hexdigest() == final["sha256"]
    return said and same and stored.text == listener.text and stored.status == "complete"


async def _listen(port: int, tokens: list[str]) -> list[Listener]:
    listeners = [await connect(port, token) for token in tokens]
    for listener in listeners:
        listener.sendMessage(json.dumps({"type": "send", "client_msg_id": "1", "text": "Talk."}).encode())  # type: ignore[no-untyped-call]
        await asyncio.sleep(COMING_SEC / PEOPLE)
    await asyncio.wait_for(asyncio.gather(*(listener.done for listener in listeners)), SECONDS * 5)
    return listeners


if __name__ == "__main__":
    main()
