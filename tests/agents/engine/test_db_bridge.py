"""The way to the database: connections that worked a moment ago are trusted, and may die all the same."""

import asyncio

import pytest
from django.db import connection, connections

from stagent.lib.db import async_db
from stagent.lib.db.async_db import db_sync_to_async, own_connections

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def which() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def cut_off(pid: int) -> None:
    with own_connections(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def asked_whether_it_works(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    asked: list[None] = []
    kind = type(connections["default"])
    works = kind.is_usable
    monkeypatch.setattr(kind, "is_usable", lambda self: asked.append(None) or works(self))
    return asked


async def test_a_connection_is_not_asked_before_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    await db_sync_to_async(which)
    asked = asked_whether_it_works(monkeypatch)
    pids = {await db_sync_to_async(which) for _ in range(5)}
    assert (len(pids), len(asked)) == (1, 0)


async def test_after_a_while_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_db, "HEALTHY_SEC", 0.0)
    await db_sync_to_async(which)
    asked = asked_whether_it_works(monkeypatch)
    await db_sync_to_async(which)
    assert len(asked) == 1


@pytest.mark.parametrize("healthy_sec", [0.0, 60.0])
async def test_one_that_was_cut_off_costs_nobody_their_call(
    monkeypatch: pytest.MonkeyPatch, healthy_sec: float
) -> None:
    monkeypatch.setattr(async_db, "HEALTHY_SEC", healthy_sec)
    pid = await db_sync_to_async(which)
    await asyncio.to_thread(cut_off, pid)
    assert await db_sync_to_async(which) != pid
