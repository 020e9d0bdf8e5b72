"""Web processes killed while they answer: every reply is settled, and nobody's words are lost or doubled."""

import asyncio
import hashlib
import signal

import pytest

from agents.models import Event, LiveStream
from chat.models import Message
from chat.states import FINISHED
from chat.transitions import request_stop
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async
from stagent.models import ApiToken
from stagent.ops import audit
from tests.support.answering import until
from tests.support.ports import find_unused_port
from tests.support.processes import Web
from tests.support.seed import chance
from tests.support.sockets import join_text
from tests.support.talkers import Talker

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

PATIENCE_SEC = 120  # of a busy machine; what takes longer hangs
TEXTS = ["[[offline: tokens=120 delay=8ms]]"] * 4


def kill_web(web: Web) -> None:
    web.signal(signal.SIGKILL)


def kill_desk(web: Web) -> None:
    web.reply_worker().kill()


KILLS = [Web.cut_power, kill_web, kill_desk]


def streams_of(web: Web) -> int:
    reply_worker = web.reply_worker()
    return (
        Message.objects.streaming().filter(holder__contains=f":{reply_worker.pid}:").count()
        if reply_worker
        else 0
    )


async def kill_at_random(port: int) -> None:
    """Start web processes and kill them while they answer; the last one finishes and leaves in good order."""
    drawn = chance("web killed")
    for kill in KILLS:
        with Web(str(port)) as web:
            await until(lambda web=web: streams_of(web))
            await asyncio.sleep(drawn.uniform(0, 0.8))
            kill(web)


def check(talker: Talker, name: str) -> None:
    """What one heard, over however many lines, is what was stored, to its end."""
    place = talker.places[name]
    reply = Message.objects.get(pk=place["reply_id"])
    heard = talker.heard[place["reply_id"]]
    finals = {frame["sha256"]: frame for frame in heard if frame["type"] == "final"}
    assert list(finals) == [hashlib.sha256(reply.text.encode()).hexdigest()]
    assert reply.status in FINISHED
    assert join_text(heard) == reply.text
    assert reply.text.strip() or reply.notice
    log = list(Event.objects.filter(transcript=reply.transcript_id).order_by("seq"))
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert [event.kind for event in log].count("settled") == 1
    assert "".join(event.data["text"] for event in log if event.kind == "text_delta") == reply.text
    for reply_id, text in talker.shown:
        if reply_id == place["reply_id"]:
            assert reply.text.startswith(text), "what was seen stays said"


async def test_killed_at_random_moments_the_chat_loses_nothing_and_says_nothing_twice(alice):
    port = find_unused_port()
    token = await db_sync_to_async(lambda: ApiToken.objects.issue(alice, "talker", now=clock.now())[1])
    talkers = [Talker(port, token, f"talker-{number}", TEXTS) for number in range(5)]
    talking = [asyncio.create_task(talker.talk()) for talker in talkers]
    await kill_at_random(port)
    with Web(str(port)) as web:
        await asyncio.wait_for(asyncio.gather(*talking), PATIENCE_SEC)
        web.signal(signal.SIGTERM)
        assert await asyncio.to_thread(web.end) == 0

    def check_all() -> None:
        assert Message.objects.filter(role="user").count() == len(talkers) * len(TEXTS)
        assert Message.objects.replies().count() == len(talkers) * len(TEXTS)
        assert not Message.objects.unfinished().exists()
        assert not LiveStream.objects.exists()
        for talker in talkers:
            for name in talker.places:
                check(talker, name)
        assert not list(audit.differences())
        assert Message.objects.filter(reason="reconciled").exists(), "somebody was killed while it answered"

    await db_sync_to_async(check_all)


async def test_told_to_leave_it_settles_what_it_answers_and_says_so(alice):
    port = find_unused_port()
    token = await db_sync_to_async(lambda: ApiToken.objects.issue(alice, "talker", now=clock.now())[1])
    talker = Talker(port, token, "talker", ["[[offline: tokens=20000 delay=10ms]]"])
    with Web(str(port)) as web:
        talking = asyncio.create_task(talker.talk())
        await until(lambda: Event.objects.filter(kind="text_delta").exists())
        web.signal(signal.SIGTERM)
        assert await asyncio.to_thread(web.end) == 0
    reply = await db_sync_to_async(Message.objects.replies().get)
    assert (reply.status, reply.reason) == ("interrupted", "shutdown")
    await asyncio.wait_for(talking, PATIENCE_SEC)
    await db_sync_to_async(check, talker, "talker-0")


async def test_a_stop_that_a_killed_process_did_not_hear_is_a_stop_all_the_same(alice):
    port = find_unused_port()
    token = await db_sync_to_async(lambda: ApiToken.objects.issue(alice, "talker", now=clock.now())[1])
    talker = Talker(port, token, "talker", ["[[offline: tokens=20000 delay=10ms]]"])
    with Web(str(port)) as web:
        talking = asyncio.create_task(talker.talk())
        await until(lambda: Event.objects.filter(kind="text_delta").exists())
        web.cut_power()
    reply = await db_sync_to_async(Message.objects.replies().get)
    assert (await db_sync_to_async(request_stop, alice, str(reply.pk), now=clock.now())).status == "streaming"
    with Web(str(port)):
        await asyncio.wait_for(talking, PATIENCE_SEC)
    await db_sync_to_async(reply.refresh_from_db)
    assert (reply.status, reply.reason, reply.notice) == ("stopped", "client_stop", "Stopped.")
    await db_sync_to_async(check, talker, "talker-0")


async def test_a_desk_that_dies_is_replaced_and_what_it_was_at_is_settled(alice):
    port = find_unused_port()
    token = await db_sync_to_async(lambda: ApiToken.objects.issue(alice, "talker", now=clock.now())[1])
    texts = ["[[offline: tokens=20000 delay=10ms]]", "[[offline: tokens=3]]"]
    talker = Talker(port, token, "talker", texts)
    with Web(str(port)) as web:
        talking = asyncio.create_task(talker.talk())
        await until(lambda: Event.objects.filter(kind="text_delta").exists())
        web.reply_worker().kill()
        await asyncio.wait_for(talking, PATIENCE_SEC)
        assert talker.lines == 1, "the page has noticed nothing"
        web.signal(signal.SIGTERM)
        assert await asyncio.to_thread(web.end) == 0
    ends = await db_sync_to_async(
        lambda: list(Message.objects.replies().order_by("pk").values_list("reason"))
    )
    assert ends == [("reconciled",), ("completed",)]
    assert "The reply worker ended with code -9" in web.output
    await db_sync_to_async(lambda: [check(talker, name) for name in talker.places])


async def test_the_desk_of_a_killed_process_settles_its_replies_and_leaves(alice):
    port = find_unused_port()
    token = await db_sync_to_async(lambda: ApiToken.objects.issue(alice, "talker", now=clock.now())[1])
    talker = Talker(port, token, "talker", ["[[offline: tokens=20000 delay=10ms]]"])
    with Web(str(port)) as web:
        talking = asyncio.create_task(talker.talk())
        await until(lambda: Event.objects.filter(kind="text_delta").exists())
        reply_worker = web.reply_worker()
        web.signal(signal.SIGKILL)
        await asyncio.to_thread(reply_worker.wait, 20)
    reply = await db_sync_to_async(Message.objects.replies().get)
    assert (reply.status, reply.reason) == ("interrupted", "shutdown")
    with Web(str(port)):
        await asyncio.wait_for(talking, PATIENCE_SEC)
    await db_sync_to_async(check, talker, "talker-0")
