"""Who is let in at the socket: people by the session of a page of ours, programs by their token."""

import asyncio

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from chat import conf
from chat.models import Message
from chat.realtime import consumers
from stagent.lib.db.async_db import db_sync_to_async
from stagent.models import ApiToken
from stagent.websocket_auth import is_ours
from tests.support.sockets import HOME, Socket, by_session, by_token

pytestmark = pytest.mark.django_db(transaction=True)


async def pings(socket: Socket) -> None:
    await socket.says("ping")
    await socket.hears("pong")


async def test_a_page_of_ours_is_let_in_by_its_session(alice):
    async with Socket(await db_sync_to_async(by_session, alice)) as page:
        welcome = await page.hears("welcome")
        assert (welcome["user"], welcome["feed"], welcome["heartbeat_sec"]) == ("alice", 0, 15)
        assert welcome["epoch"] == consumers.EPOCH
        await pings(page)


async def test_a_program_is_let_in_by_its_token_from_anywhere(alice):
    headers = await db_sync_to_async(by_token, alice)
    for origin in ({}, {"origin": "https://elsewhere.example"}):
        async with Socket(headers | origin) as program:
            assert (await program.hears("welcome"))["user"] == "alice"


async def test_what_others_on_this_host_keep_in_cookies_does_not_matter(alice):
    headers = await db_sync_to_async(by_session, alice)
    for others in ('settings={"a": [1, 2]}', "x[1]=2", "secure", "a b=c d", 'open="x', "=", "\xe9=1"):
        async with Socket(headers | {"cookie": f"{others}; {headers['cookie']}"}) as page:
            await page.says("hello")
            await page.hears("welcome")
            await page.hears("welcome")


STRANGERS = (
    None, "", "null", "https://evil.example", "http://testserver:8001", "http://testserver.evil.example",
    "http://evil.example/testserver", "http://testserver@evil.example", "testserver", "http://[",
)  # fmt: skip


async def test_a_page_of_somebody_else_is_refused_before_it_hears_a_word(alice):
    for origin in STRANGERS:
        async with Socket(await db_sync_to_async(by_session, alice, origin)) as page:
            assert not page.accepted, origin
            assert page.frames == []


async def test_the_port_is_part_of_the_origin(alice):
    async with Socket(
        await db_sync_to_async(by_session, alice, "http://testserver:8000"), "testserver:8000"
    ) as page:
        assert await page.hears("welcome")
    assert is_ours("HTTPS://Example.org:8443", "example.org:8443")
    assert not is_ours("https://example.org", "")


async def test_origins_that_are_trusted_elsewhere_are_trusted_here(alice, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example.org", "https://*.example.com"]
    for origin in ("https://chat.example.org", "https://a.example.com", "https://a.b.example.com"):
        async with Socket(await db_sync_to_async(by_session, alice, origin)) as page:
            assert await page.hears("welcome")
    for origin in (
        "http://chat.example.org",
        "https://example.org",
        "https://aexample.com",
        "http://a.example.com",
    ):
        assert not is_ours(origin, "testserver")


async def test_without_a_session_it_is_said_why_and_the_socket_is_closed(db):
    for headers in ({"origin": HOME}, {"origin": HOME, "cookie": "sessionid=made.up; x"}):
        async with Socket(headers) as page:
            assert page.accepted
            assert (await page.hears("error"))["code"] == "not_authenticated"
            assert await page.is_closed() == 4401


async def test_a_wrong_token_does_not_fall_through_to_the_session(alice):
    session = await db_sync_to_async(by_session, alice)
    for token in ("Bearer made-up", "bearer  ", "Bearer \xff"):
        async with Socket(session | {"authorization": token}) as program:
            assert await program.is_closed() == 4401


async def test_who_is_not_active_is_nobody(alice):
    session, token = await db_sync_to_async(by_session, alice), await db_sync_to_async(by_token, alice)
    await db_sync_to_async(User.objects.filter(pk=alice.pk).update, is_active=False)
    for headers in (session, token):
        async with Socket(headers) as page:
            assert await page.is_closed() == 4401


def signs_out(user: User) -> None:
    Session.objects.all().delete()


def changes_the_password(user: User) -> None:
    user.set_password("another one")
    user.save()


def is_shut_out(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("over", [signs_out, changes_the_password, is_shut_out])
async def test_when_the_session_is_over_the_socket_is_closed(alice, monkeypatch, over):
    monkeypatch.setattr(consumers, "CHECK_SEC", 0.02)
    async with Socket(await db_sync_to_async(by_session, alice)) as page:
        await pings(page)
        await db_sync_to_async(over, alice)
        assert (await page.hears("error"))["code"] == "session_over"
        assert await page.is_closed() == 4401


@pytest.mark.parametrize("over", [signs_out, is_shut_out])
async def test_when_the_session_is_over_nothing_more_is_done_for_it(alice, over):
    async with Socket(await db_sync_to_async(by_session, alice)) as page:
        await pings(page)
        await db_sync_to_async(over, alice)
        await page.says("send", text="Hello", client_msg_id="a")
        assert (await page.hears("error"))["code"] == "session_over"
        assert await page.is_closed() == 4401
    assert not await db_sync_to_async(Message.objects.exists)


async def test_when_the_token_is_revoked_the_socket_is_closed(alice, monkeypatch):
    monkeypatch.setattr(consumers, "CHECK_SEC", 0.02)
    async with Socket(await db_sync_to_async(by_token, alice)) as program:
        await pings(program)
        await db_sync_to_async(ApiToken.objects.all().delete)
        assert await program.is_closed() == 4401


async def test_only_so_many_sockets_are_open_for_one_person(alice, bob, monkeypatch):
    monkeypatch.setattr(conf, "MAX_SOCKETS_PER_USER", 1)
    headers = await db_sync_to_async(by_session, alice)
    async with Socket(headers) as first:
        await pings(first)
        async with Socket(headers) as second:
            assert (await second.hears("error"))["code"] == "too_many_sockets"
            assert await second.is_closed() == consumers.TOO_MANY_SOCKETS
        async with Socket(await db_sync_to_async(by_session, bob)) as other:
            await pings(other)
        await pings(first)
    async with Socket(headers) as again:
        await pings(again)


async def test_many_sockets_at_once_are_not_more_than_may_be(alice, monkeypatch):
    monkeypatch.setattr(conf, "MAX_SOCKETS_PER_USER", 2)
    headers = await db_sync_to_async(by_session, alice)
    pages = [Socket(headers) for _ in range(6)]
    await asyncio.gather(*(page.__aenter__() for page in pages))
    firsts = [await page.hears_something() for page in pages]
    for page in pages:
        await page.__aexit__()
    assert sorted(frame["type"] for frame in firsts) == ["error"] * 4 + ["welcome"] * 2


async def test_where_no_socket_is_there_is_none(alice):
    async with Socket(await db_sync_to_async(by_token, alice), path="/ws/other/") as nowhere:
        assert not nowhere.accepted
