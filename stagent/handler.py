"""Django's ASGI handler with a bounded pool of threads: a request is one call in one of them.

Django's own handler starts a thread for each request, which opens a connection to the database, and changes
to that thread and back at each middleware. Here threads and their connections are kept, and beyond
MOST_WAITING requests without a thread the answer is 503 at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import set_script_prefix

from stagent.lib.thread_pool import PoolFull, ThreadPool

MOST_WAITING = 500  # requests without a thread
MOST_DOWNLOADS = 8  # that are sent while they are read; each has a thread and a connection of its own
RETRY_AFTER_SEC = 2
BUSY = "The server is busy. Try again in a few seconds."

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]


class Handler(ASGIHandler):
    """One for the web process; its `pool` performs the requests."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self.pool = ThreadPool("request", settings.STAGENT_WEB_THREADS, most_waiting=MOST_WAITING)
        self._downloads = asyncio.Semaphore(MOST_DOWNLOADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        request, refused = self.create_request(scope, body)
        if request is None:
            body.close()
            assert refused is not None
            await self.send_response(refused, send)
            return
        gone = asyncio.ensure_future(receive())  # all that can still come is that the client has gone
        try:
            response = await self._response(request, scope, gone)
            if response is not None:
                await (self._download if response.streaming else self.send_response)(response, send)
        finally:
            gone.cancel()

    async def _response(self, request: HttpRequest, scope: Scope, gone: "asyncio.Future[Any]") -> Any:
        """Perform a request in the pool; None when the client has gone meanwhile.

        A request that has begun is carried through in its thread, whoever still waits for it.
        """
        try:
            performing = self.pool.submit(partial(self._perform, request, scope))
        except PoolFull:
            request.close()
            return _busy(request)
        answering = asyncio.wrap_future(performing)
        try:
            await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not answering.done():
                _abandon(performing, request)
        return answering.result() if answering.done() else None

    def _perform(self, request: HttpRequest, scope: Scope) -> Any:
        """Return the response; only a download is still to be read and closed."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        response: Any = self.get_response(request)
        response._handler_class = type(self)
        if not response.streaming:
            response.close()
        elif not response.is_async:
            response = _read(response)
        return response

    async def _download(self, response: Any, send: Send) -> None:
        """Send what is read from the database piece by piece: in one thread, for a query belongs to one."""
        async with self._downloads:
            thread = ThreadPoolExecutor(1, "download")
            try:
                async with ThreadSensitiveContext(executor=thread):
                    await self.send_response(response, send)
            finally:
                thread.submit(response.close)
                thread.submit(connections.close_all)
                thread.shutdown(wait=False)


def _read(response: Any) -> HttpResponse:
    """Read a file, as Django does before it sends one by ASGI, and close it."""
    whole = HttpResponse(b"".join(response.streaming_content), status=response.status_code)
    whole.headers, whole.cookies = response.headers, response.cookies
    response.close()
    return whole


def _abandon(performing: "Future[Any]", request: HttpRequest) -> None:
    """Drop the answer of a request that nobody waits for; it is not even begun if there is time."""
    if performing.cancel():
        request.close()
    else:
        performing.add_done_callback(_close_unsent)


def _close_unsent(performed: "Future[Any]") -> None:
    if not performed.exception() and not performed.result().closed:
        performed.result().close()


def _busy(request: HttpRequest) -> HttpResponse:
    headers = {"Retry-After": str(RETRY_AFTER_SEC)}
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": BUSY}, status=503, headers=headers)
    return HttpResponse(BUSY, status=503, headers=headers, content_type="text/plain; charset=utf-8")
