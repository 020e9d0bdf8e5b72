"""Answers `/healthz` before Django, whatever pages and database do."""

from typing import Any

from stagent.lib.db.async_db import use_database_threads

ALIVE = b'{"status": "ok"}'
HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"max-age=0, no-cache, no-store, must-revalidate, private"),
    (b"x-content-type-options", b"nosniff"),
]


class Liveness:
    """The outermost application: answers `/healthz` under any Host and passes on everything else."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._begun = False

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/healthz":
            await _send_health(scope["method"], send)
            return
        if not self._begun:
            self._begun = True
            use_database_threads("sockets-database")
        await self._application(scope, receive, send)


async def _send_health(method: str, send: Any) -> None:
    allowed = method in {"GET", "HEAD"}
    body = ALIVE if allowed else b""
    more = [(b"content-length", str(len(body)).encode())] + ([] if allowed else [(b"allow", b"GET, HEAD")])
    status = 200 if allowed else 405
    await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, *more]})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
