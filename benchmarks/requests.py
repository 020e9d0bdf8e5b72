"""Requests per second of one web process with eight clients, and the effect of slow pages on others.

1. Start daphne with the application, and daphne with an empty Django view as the reference.
2. Request each URL with eight clients on kept connections, in turns with the empty view.
3. While eight clients download slow pages, request a small one repeatedly.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.db import connections, transaction

from benchmarks.fixtures import QUICK, a_schedule, wait_for
from benchmarks.rows import percentile, report
from schedules.models import Run
from schedules.states import Source
from schedules.transitions import enqueue
from stagent.lib import clock
from stagent.models import ApiToken
from tests.support.ports import find_unused_port

CLIENTS = 8
SECONDS = 1.0 if QUICK else 4.0
RUNS = 300
EMPTY = "/nothing-to-do"
GOALS = {
    "/healthz": 2000,
    "/api/runs": 250,
    "/api/firings": 250,
    "/api/schedules": 250,
    "/api/status": 200,
    "/readyz": None,
}


def main() -> None:
    token = fill_lists()
    with web("benchmarks.empty_view:application") as empty, web("stagent.asgi:application") as port:
        headers = {"Authorization": f"Bearer {token}"}
        for path, goal in GOALS.items():
            rate(port, path, headers, 0.5)
            allowed = rate(empty, EMPTY, {}, SECONDS / 2)
            found = rate(port, path, headers, SECONDS)
            first_events = f"{found:,.0f}/s; {found / allowed:.2f} of an empty Django view ({allowed:,.0f}/s)"
            report(
                f"{path}, {CLIENTS} at once",
                first_events,
                f"≥ {goal:,}/s" if goal else "",
                found >= goal if goal else None,
            )
        with_slow_pages(port, headers)


def with_slow_pages(port: int, headers: dict[str, str]) -> None:
    """Request small pages while eight clients request forecasts."""
    small = ("/healthz", "/api/settings")
    for path in small:
        alone = delays(port, path, headers, 0.5)
        with busy(port, headers):
            slow = delays(port, path, headers, SECONDS)
        figure = f"p50 {percentile(slow, 0.5):.1f} ms, p99 {percentile(slow, 0.99):.1f} ms"
        report(f"{path} beside 8 slow pages", f"{figure}; alone p50 {percentile(alone, 0.5):.1f} ms")


def fill_lists() -> str:
    """Fill the lists; return a superuser's token."""
    person = get_user_model().objects.create_superuser("bench")
    for number in range(30):
        schedule = a_schedule(clock.now(), name=f"Bench {number}", overlap_policy="allow")
        with transaction.atomic():
            for _ in range(RUNS // 30):
                enqueue(schedule, source=Source.MANUAL, now=clock.now())
    assert Run.objects.count() == RUNS
    token = ApiToken.objects.issue(person, "bench", now=clock.now())[1]
    connections.close_all()
    return token


@contextmanager
def web(application: str) -> Iterator[int]:
    """Serve an ASGI application by daphne; yield its port once it answers."""
    port = find_unused_port()
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), application]
    env = os.environ | {"ALLOWED_HOSTS": "127.0.0.1", "SECURE_SSL_REDIRECT": "0"}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=env) as process:
        try:
            wait_for(lambda: answers(port))
            yield port
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        return Line(port).ask("/healthz", {}) > 0
    except OSError:
        return False


class Line:
    """A kept connection; http.client would cost more than what it measures."""

    def __init__(self, port: int) -> None:
        self._file = socket.create_connection(("127.0.0.1", port), timeout=60).makefile("rwb")

    def ask(self, path: str, headers: dict[str, str]) -> int:
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._file.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode())
        self._file.flush()
        status = int(self._file.readline().split()[1])
        length = 0
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._file.read(length)
        return status


def rate(port: int, path: str, headers: dict[str, str], seconds: float) -> float:
    """Return the answers per second of eight clients."""
    counts = [0] * CLIENTS
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        line = Line(port)
        while time.monotonic() < until:
            status = line.ask(path, headers)
            assert status in {200, 503}, status
            counts[number] += 1

    together(client)
    return sum(counts) / seconds


def delays(port: int, path: str, headers: dict[str, str], seconds: float) -> list[float]:
    """Return the milliseconds of each answer, one after another."""
    line, until, found = Line(port), time.monotonic() + seconds, []
    while time.monotonic() < until:
        since = time.monotonic()
        line.ask(path, headers)
        found.append((time.monotonic() - since) * 1000)
    return found


@contextmanager
def busy(port: int, headers: dict[str, str]) -> Iterator[None]:
    """Keep eight clients requesting the forecast."""
    done = threading.Event()

    def client(_: int) -> None:
        line = Line(port)
        while not done.is_set():
            line.ask("/api/forecast?hours=168", headers)

    asking = threading.Thread(target=together, args=(client,))
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()


def together(client: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
