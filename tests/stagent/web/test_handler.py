"""Requests in a bounded pool of threads, and what is answered before them."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from agents.models import Project
from stagent.lib.db.deferred_writes import after_response
from stagent.web import handler
from stagent.web.handler import Handler
from stagent.web.liveness import Liveness
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

GATE = {"open": threading.Event(), "inside": threading.Semaphore(0)}


def slow(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        Project.objects.create(name=request.GET["name"], slug=request.GET["name"])
        GATE["inside"].release()
        assert GATE["open"].wait(10)
    return HttpResponse(threading.current_thread().name)


def quick(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{Project.objects.count()} {id(connection.connection)} {len(request.body)}")


def noted(request: HttpRequest) -> HttpResponse:
    after_response(lambda: GATE["open"].wait(10) and Project.objects.create(name="Noted", slug="noted"))
    return HttpResponse("ok")


def rows(request: HttpRequest) -> StreamingHttpResponse:
    names = Project.objects.values_list("name", flat=True).iterator()

    async def pieces() -> AsyncIterator[str]:
        take = sync_to_async(lambda: next(names, None))
        while (name := await take()) is not None:
            yield f"{name}\n"

    return StreamingHttpResponse(pieces())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(open(__file__, "rb"))  # noqa: PTH123 - the response closes it


urlpatterns = [path("slow", slow), path("quick", quick), path("api/quick", quick), path("rows", rows)]
urlpatterns += [path("file", file), path("noted", noted)]


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.ROOT_URLCONF, settings.STAGENT_WEB_THREADS = __name__, 2
    GATE["open"], GATE["inside"] = threading.Event(), threading.Semaphore(0)


class Client:
    """One request to an ASGI application: its messages, and the client that may go."""

    def __init__(self, application: Any, address: str, method: str = "GET", body: bytes = b"") -> None:
        where, _, query = address.partition("?")
        self.scope = {
            "type": "http", "method": method, "path": where, "query_string": query.encode(),
            "headers": [(b"host", b"testserver")], "server": ("testserver", 80),
        }  # fmt: skip
        self.gone = asyncio.Event()
        self._first: dict[str, Any] | None = {"type": "http.request", "body": body}
        self.sent: list[dict[str, Any]] = []
        self.task = asyncio.ensure_future(application(self.scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if first := self._first:
            self._first = None
            return first
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def answer(self) -> tuple[int, bytes]:
        await asyncio.wait_for(self.task, 20)
        return self.sent[0]["status"], b"".join(part.get("body", b"") for part in self.sent[1:])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return {name.lower(): value for name, value in self.sent[0]["headers"]}


def run(body: Callable[[Handler], Any]) -> None:
    """Run a coroutine on a loop of its own, as daphne does."""
    done: Future[None] = Future()

    async def perform() -> None:
        made = Handler()
        try:
            await body(made)
        finally:
            GATE["open"].set()
            await asyncio.to_thread(made.pool.close, 10)
            assert made.pool.threads == 0

    def work() -> None:
        try:
            done.set_result(asyncio.run(perform()))
        except BaseException as error:  # noqa: BLE001 - the test tells
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    done.result(60)


async def inside() -> None:
    assert await asyncio.to_thread(GATE["inside"].acquire, True, 10)


def test_a_slow_page_does_not_hold_another():
    async def body(made: Handler) -> None:
        waiting = Client(made, "/slow?name=one")
        await inside()
        status, said = await Client(made, "/quick", "GET", b"four").answer()
        assert (status, said.split()[2]) == (200, b"4")
        GATE["open"].set()
        assert await waiting.answer() == (200, b"request")

    run(body)


def test_threads_and_connections_are_kept_and_bounded():
    async def body(made: Handler) -> None:
        answers = [await client.answer() for client in [Client(made, "/quick") for _ in range(40)]]
        assert {status for status, _ in answers} == {200}
        assert len({said.split()[1] for _, said in answers}) <= 2
        assert made.pool.threads <= 2

    run(body)


@pytest.mark.parametrize(
    ("address", "kind"), [("/quick", b"text/plain"), ("/api/quick", b"application/json")]
)
def test_too_many_requests_are_refused_at_once(monkeypatch, address, kind):
    monkeypatch.setattr(handler, "MOST_WAITING", 0)
    GATE["open"].set()

    async def body(made: Handler) -> None:
        refused = Client(made, address)
        status, said = await refused.answer()
        assert (status, refused.headers[b"retry-after"]) == (503, b"2")
        assert kind in refused.headers[b"content-type"]
        assert b"busy" in said

    run(body)


def test_what_has_begun_is_finished_though_the_client_has_gone():
    async def body(made: Handler) -> None:
        left = Client(made, "/slow?name=left")
        await inside()
        left.gone.set()
        await asyncio.wait_for(left.task, 10)
        assert left.sent == []
        GATE["open"].set()
        await asyncio.to_thread(wait_until, lambda: made.pool.submit(Project.objects.count).result(10) == 1)

    run(body)


def test_what_has_not_begun_is_dropped_when_the_client_goes(settings):
    settings.STAGENT_WEB_THREADS = 1

    async def body(made: Handler) -> None:
        first = Client(made, "/slow?name=first")
        await inside()
        left = Client(made, "/slow?name=never")
        await asyncio.to_thread(wait_until, lambda: made.pool.waiting == 1)
        left.gone.set()
        await asyncio.wait_for(left.task, 10)
        GATE["open"].set()
        assert (await first.answer())[0] == 200
        status, said = await Client(made, "/quick").answer()
        assert (status, said.split()[0]) == (200, b"1")

    run(body)


def test_a_download_reads_its_query_in_one_thread():
    names = [f"project-{number}" for number in range(50)]
    Project.objects.bulk_create(Project(name=name, slug=name) for name in names)

    async def body(made: Handler) -> None:
        for _ in range(3):
            status, said = await Client(made, "/rows").answer()
            assert (status, sorted(said.decode().split())) == (200, sorted(names))

    run(body)


def test_no_answer_waits_for_a_note_on_the_side():
    async def body(made: Handler) -> None:
        assert await Client(made, "/noted").answer() == (200, b"ok")
        GATE["open"].set()
        await asyncio.to_thread(wait_until, lambda: made.pool.submit(Project.objects.count).result(10) == 1)

    run(body)


def test_a_file_is_sent_whole():
    async def body(made: Handler) -> None:
        client = Client(made, "/file")
        status, said = await client.answer()
        assert (status, b"sent whole" in said) == (200, True)
        assert int(client.headers[b"content-length"]) == len(said)

    run(body)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_process_says_that_it_is_alive_without_django(method):
    async def body(_: Handler) -> None:
        async def nobody(*_: Any) -> None:
            raise AssertionError("it is answered before")

        client = Client(Liveness(nobody), "/healthz", method)
        status, said = await client.answer()
        assert status == (405 if method == "POST" else 200)
        assert b"no-store" in client.headers[b"cache-control"]
        if method == "GET":
            assert json.loads(said) == {"status": "ok"}
            assert int(client.headers[b"content-length"]) == len(said)
        else:
            assert said == b""

    run(body)
