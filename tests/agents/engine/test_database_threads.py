"""An event loop that asks the database in several threads at once."""

import asyncio
import threading

import pytest
from django.db import connection

from agents.models import Project
from stagent.lib.db.async_db import database_threads, db_sync_to_async, in_order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _four(settings):
    settings.STAGENT_DATABASE_THREADS = 4


def run(body) -> None:
    """Run a coroutine on a loop of its own, as the scheduler does; a loop of a test keeps to its thread."""
    failed: list[BaseException] = []

    async def told() -> None:
        try:
            await body()
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    thread = threading.Thread(target=lambda: asyncio.run(told()))
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


def meet(barrier: threading.Barrier) -> int:
    """Wait, within a query's connection, for the others to be there as well."""
    connection.ensure_connection()
    barrier.wait(10)
    return id(connection.connection)


def test_calls_of_several_tasks_run_at_once_each_on_its_own_connection():
    async def body() -> None:
        async with database_threads("test"):
            barrier = threading.Barrier(4)
            links = await asyncio.gather(*(db_sync_to_async(meet, barrier) for _ in range(4)))
            assert len(set(links)) == 4

    run(body)


def test_what_nobody_waits_for_any_more_is_not_overtaken_by_the_same_task():
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert go_on.wait(10)
        Project.objects.create(name="First", slug="first")

    async def body() -> None:
        async with database_threads("test"):
            with in_order():
                writing = asyncio.create_task(db_sync_to_async(slow))
                await asyncio.to_thread(begun.wait, 10)
                writing.cancel()
                await asyncio.wait({writing})
                second = asyncio.create_task(db_sync_to_async(Project.objects.count))
            assert await db_sync_to_async(Project.objects.count) == 0, "others do not wait for it"
            go_on.set()
            assert await second == 1

    run(body)


def test_threads_and_connections_end_with_the_block():
    async def body() -> None:
        async with database_threads("test") as pool:
            await asyncio.gather(*(db_sync_to_async(Project.objects.count) for _ in range(8)))
            assert 1 <= pool.threads <= 4
        assert pool.threads == 0

    run(body)


async def test_a_loop_below_a_test_keeps_to_its_thread_and_connection():
    async with database_threads("test") as pool:
        assert await db_sync_to_async(threading.current_thread) is threading.main_thread()
        assert pool.threads == 0
