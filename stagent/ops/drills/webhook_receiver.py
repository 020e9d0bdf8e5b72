"""A webhook server that accepts most deliveries and records them by idempotency key."""

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

REFUSES = 0.05  # of what comes, with a 500


class Receiver:
    """Listens on a port of this machine."""

    def __init__(self, seed: int) -> None:
        self.taken: dict[str, dict[str, Any]] = {}  # by key
        self.changed: list[str] = []  # keys that came again with other content
        self.posts = 0
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                taken = receiver.take(self.headers.get("Idempotency-Key") or "", json.loads(body))
                self.send_response(204 if taken else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, key: str, said: dict[str, Any]) -> bool:
        with self._lock:
            self.posts += 1
            if self._chance.random() < REFUSES:
                return False
            if self.taken.setdefault(key, said) != said:
                self.changed.append(key)
            return True
