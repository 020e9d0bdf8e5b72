"""Letters to send, and a web server that receives them, remembers them and answers as it was told to."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from schedules.models import Delivery, Schedule
from tests.support.builders import NOON, a_schedule

RESULT = {
    "type": "result", "schedule_id": "1", "schedule_name": "Nightly report", "run_id": "7",
    "status": "completed", "failure_reason": None, "failure_detail": None,
    "result": "All is well.", "result_partial": False, "report": None,
}  # fmt: skip


def a_delivery(target: str, channel: str = "webhook", **columns: Any) -> Delivery:
    """A letter that is due at noon."""
    schedule = Schedule.objects.first() or a_schedule()
    defaults = {"kind": "result", "payload": RESULT, "created_at": NOON, "next_attempt_at": NOON}
    return Delivery.objects.create(schedule=schedule, channel=channel, target=target, **defaults | columns)


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


@dataclass
class Received:
    """One request, as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Postbox:
    """Where it is, what it got, and how it answers: the statuses in turn, the last one for ever."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[Received] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    open: threading.Event = field(default_factory=threading.Event)  # while it is shut, nobody gets an answer

    def take(self, request: Received) -> int:
        self.received.append(request)
        self.arrived.release()
        self.open.wait(30)
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # five, as it comes, is fewer than knock at once


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox()
    box.open.set()
    server = Server(("127.0.0.1", 0), _handler(box))
    box.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield box
    finally:
        box.open.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(box: Postbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept open

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = box.take(Received(self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
