"""A note on the side never takes the main thing with it: reads work where nothing can be written."""

import json
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test import Client

from stagent.api import api
from stagent.lib import clock
from stagent.lib.db import deferred_writes
from stagent.models import ApiToken
from tests.support.builders import a_running_run, a_schedule, a_scheduler, a_waiting_run
from tests.support.files import kept
from tests.support.mcp_servers import a_server
from tests.support.talking import converses

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def a_disk_that_is_full():
    """Reading works and writing does not, told by the database itself."""
    with connection.cursor() as cursor:
        on, off = (
            ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
            if connection.vendor == "sqlite"
            else ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
        )
        cursor.execute(on)
        try:
            yield
        finally:
            cursor.execute(off)


@pytest.fixture
def client(alice):
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


@pytest.fixture
def ids(alice):
    """Something of every kind that an address may name."""
    now = clock.now()
    a_scheduler(now)
    run, _ = a_running_run(a_schedule(now), now)
    _, approval = a_waiting_run(a_schedule(now, name="Asks"), now)
    reply = converses(alice, now=now)
    return {
        "schedule_id": run.schedule_id, "run_id": run.pk, "firing_id": 1, "approval_id": approval.pk,
        "conversation_id": reply.conversation_id, "message_id": reply.pk, "attachment_id": kept(alice).pk,
        "key": "max_concurrent", "server_id": a_server().pk,
    }  # fmt: skip


def reads(ids):
    """Return the address of everything that the API lets be read, and of the pages."""
    schema = json.loads(json.dumps(api.get_openapi_schema()))
    for path, operations in sorted(schema["paths"].items()):
        if "get" in operations:
            yield path.format_map(ids)
    yield from ("/", "/admin/", "/admin/board/", "/admin/forecast/", "/healthz", "/metrics")
    yield f"/admin/schedules/run/{ids['run_id']}/change/"
    yield f"/admin/schedules/schedule/{ids['schedule_id']}/change/"
    yield "/admin/schedules/firing/"


def test_everything_that_can_be_read_is_read_while_nothing_can_be_written(alice, client, ids):
    _, secret = ApiToken.objects.issue(alice, "reader", now=clock.now())
    programs = Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)
    for who in (client, programs):
        for address in reads(ids):
            before = who.get(address).status_code
            ApiToken.objects.update(last_used_at=None)
            with a_disk_that_is_full():
                answer = who.get(address)
            assert answer.status_code == before, f"{address}: {answer.content[:500]}"


def test_the_use_of_a_token_is_noted_when_the_answer_is_out(alice):
    _, secret = ApiToken.objects.issue(alice, "reader", now=clock.now())
    assert Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/schedules").status_code == 200
    assert ApiToken.objects.get().last_used_at


def test_a_note_that_fails_leaves_the_transaction_it_is_made_in_whole(alice):
    with transaction.atomic():
        alice.first_name = "Al"
        alice.save()
        assert not deferred_writes.try_write(
            lambda: connections["default"].cursor().execute("SELECT nothing")
        )
    alice.refresh_from_db()
    assert alice.first_name == "Al"


@pytest.mark.parametrize("error", [OperationalError("database or disk is full"), ValueError("ours")])
def test_a_note_that_fails_raises_nothing(error):
    def note():
        raise error

    assert not deferred_writes.try_write(note)
