"""Django's ASGI handler with a bounded thread pool: a request is one call in a thread.

Django's handler starts a thread with a new database connection for each request and switches threads at each
middleware. Here threads keep their connections, and beyond MOST_WAITING waiting requests the answer is 503 at
once.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, NamedTuple

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import set_script_prefix

from stagent.lib.processes.thread_pool import PoolFull, ThreadPool

MOST_WAITING = 500  # requests without a thread
MOST_DOWNLOADS = 8  # that are sent while they are read; each has a thread and a connection of its own
RETRY_AFTER_SEC = 2
BUSY = "The server is busy. Try again in a few seconds."

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]


class Handler(ASGIHandler):
    """The handler of the web process; its `pool` runs the requests."""

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
            answer = await self._answer(request, scope, gone)
            if answer is not None:
                await (
                    self._download(answer, send)
                    if answer.close
                    else self.send_response(answer.response, send)
                )
        finally:
            gone.cancel()

    async def _answer(
        self, request: HttpRequest, scope: Scope, gone: "asyncio.Future[Any]"
    ) -> "Answer | None":
        """Run a request in the pool; None if the client has disconnected.

        A started request is finished in its thread.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        try:
            performing = self.pool.submit(partial(self._perform, request, scope, answered))
        except PoolFull:
            request.close()
            return Answer(_busy(request))
        try:
            await asyncio.wait({answered, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not answered.done():
                answered.cancel()
                if performing.cancel():
                    request.close()
        return None if answered.cancelled() else answered.result()

    def _perform(self, request: HttpRequest, scope: Scope, answered: "asyncio.Future[Answer]") -> None:
        """Run the request, and close what it opened while the answer is sent."""
        set_script_prefix(get_script_prefix(scope))
        try:
            signals.request_started.send(sender=type(self), scope=scope)
            response: Any = self.get_response(request)
            response._handler_class = type(self)
            if response.streaming and response.is_async:
                _pass_answer(answered, Answer(response, partial(copy_context().run, response.close)))
                return
            _pass_answer(answered, Answer(_read(response) if response.streaming else response))
            response.close()
        except BaseException as error:
            _pass_answer(answered, error)
            raise

    async def _download(self, answer: "Answer", send: Send) -> None:
        """Send a streaming answer from one thread: its query belongs to that thread."""
        assert answer.close is not None
        thread = ThreadPoolExecutor(1, "download")
        try:
            async with self._downloads, ThreadSensitiveContext(executor=thread):
                await self.send_response(answer.response, send)
        finally:
            thread.submit(answer.close)
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)


class Answer(NamedTuple):
    """A response; `close` if it must be read and closed."""

    response: Any
    close: Callable[[], object] | None = None


def _pass_answer(answered: "asyncio.Future[Answer]", answer: Answer | BaseException) -> None:
    """Pass the answer to the request's loop; close it if nobody wants it."""

    def take() -> None:
        if isinstance(answer, BaseException):
            if not answered.done():
                answered.set_exception(answer)
        elif not answered.done():
            answered.set_result(answer)
        elif answer.close:
            threading.Thread(target=answer.close, daemon=True).start()

    with suppress(RuntimeError):  # the loop is closed: the process is leaving
        answered.get_loop().call_soon_threadsafe(take)


def _read(response: Any) -> HttpResponse:
    """Read a file, as Django does before sending it."""
    whole = HttpResponse(b"".join(response.streaming_content), status=response.status_code)
    whole.headers, whole.cookies = response.headers, response.cookies
    return whole


def _busy(request: HttpRequest) -> HttpResponse:
    headers = {"Retry-After": str(RETRY_AFTER_SEC)}
    if request.path_info.startswith("/api/"):
        refusal = {"error": "server_busy", "message": BUSY, "fields": {}}
        return JsonResponse(refusal, status=503, headers=headers)
    return HttpResponse(BUSY, status=503, headers=headers, content_type="text/plain; charset=utf-8")
