"""What is said and heard at the socket: accepted first, gap-free to the end, and nothing breaks it."""

import hashlib
import json

import pytest

from chat import conf
from chat.models import Message
from stagent.lib.db.async_db import db_sync_to_async
from tests.support.observer import plain_connection
from tests.support.sockets import Socket, by_session, by_token, join_text
from tests.support.talking import converses

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "[[offline: tokens=2000 delay=5ms]]"


def page_of(user):
    return db_sync_to_async(by_session, user)


async def test_what_is_said_is_accepted_and_answered(alice, reply_worker):
    async with Socket(await page_of(alice)) as page:
        place = await page.asks("[[offline: tokens=60 delay=1ms]]")
        assert place["duplicate"] is False
        final = await page.hears("final", message_id=place["reply_id"])
    heard = page.of(place["reply_id"])
    assert [frame["seq"] for frame in heard] == list(range(1, len(heard) + 1))
    assert heard[0]["type"] == "started"
    text = join_text(heard)
    assert len(text.split()) == 60
    assert (final["status"], final["reason"], final["notice"]) == ("complete", "completed", "")
    assert (final["sha256"], final["length"]) == (hashlib.sha256(text.encode()).hexdigest(), len(text))
    assert (await db_sync_to_async(lambda: Message.objects.get(pk=place["reply_id"]))).text == text
    types = [frame["type"] for frame in page.frames]
    assert types.index("accepted") < types.index("started")


async def test_the_news_have_no_gap(alice, reply_worker):
    async with Socket(await page_of(alice)) as page:
        place = await page.asks("Hello")
        settled = await page.hears("feed", what="settled")
        assert (settled["message_id"], settled["conversation_id"]) == (
            place["reply_id"], place["conversation_id"],
        )  # fmt: skip
        news = [frame for frame in page.frames if frame["type"] == "feed"]
    assert [frame["feed_seq"] for frame in news] == list(range(1, len(news) + 1))
    about = [(frame["what"], frame["message_id"]) for frame in news]
    assert ("message", place["message_id"]) in about
    assert ("message", place["reply_id"]) in about
    assert ("conversation", None) in about


async def test_accepted_means_stored(alice):
    async with Socket(await page_of(alice)) as page:
        place = await page.asks("Hello")

        def stored() -> tuple[int]:
            with plain_connection() as link:
                where = f"id IN ({place['message_id']}, {place['reply_id']})"
                return link.execute(f"SELECT count(*) FROM chat_message WHERE {where}").fetchone()

        assert await db_sync_to_async(stored) == (2,)


async def test_the_same_words_again_are_told_their_place(alice):
    headers = await page_of(alice)
    async with Socket(headers) as page:
        first = await page.asks("Hello", "a")
    async with Socket(headers) as page:
        again = await page.asks("Hello", "a")
    assert again == first | {"duplicate": True}


async def test_who_never_heard_that_it_was_accepted_is_told_the_answer_all_the_same(alice):
    headers = await page_of(alice)
    done = await db_sync_to_async(lambda: converses(alice, answer="All is well.", client_msg_id="a"))
    async with Socket(headers) as page:
        await page.says("hello", positions={})
        place = await page.asks("What failed?", "a")
        assert (place["reply_id"], place["duplicate"]) == (str(done.pk), True)
        await page.hears("final", message_id=str(done.pk))
    assert join_text(page.of(str(done.pk))) == "All is well."


async def test_two_pages_hear_the_same(alice, reply_worker):
    headers = await page_of(alice)
    async with Socket(headers) as one, Socket(headers) as two:
        place = await one.asks("[[offline: tokens=80 delay=2ms]]")
        for page in (one, two):
            await page.hears("final", message_id=place["reply_id"])
    assert one.of(place["reply_id"]) == two.of(place["reply_id"])


async def test_a_second_page_stops_what_the_first_asked_for(alice, reply_worker):
    headers = await page_of(alice)
    async with Socket(headers) as one, Socket(await db_sync_to_async(by_token, alice)) as two:
        place = await one.asks(LONG)
        await two.hears("delta", message_id=place["reply_id"])
        await two.says("stop", message_id=place["reply_id"])
        finals = [await page.hears("final") for page in (one, two)]
    assert finals[0] == finals[1]
    assert (finals[0]["status"], finals[0]["reason"]) == ("stopped", "client_stop")
    assert join_text(one.of(place["reply_id"]))


async def test_what_is_said_meanwhile_waits_for_the_answer_before(alice, reply_worker):
    async with Socket(await page_of(alice)) as page:
        first = await page.asks(LONG, "a")
        here = first["conversation_id"]
        second = await page.asks("[[offline: tokens=3]]", "b", conversation_id=here)
        await page.hears("delta", message_id=first["reply_id"])
        await page.says("stop", message_id=first["reply_id"])
        await page.hears("final", message_id=second["reply_id"])
    frames = [(frame["message_id"], frame["type"]) for frame in page.frames if "message_id" in frame]
    assert frames.index((first["reply_id"], "final")) < frames.index((second["reply_id"], "started"))


async def test_closing_the_page_stops_nothing(alice, reply_worker):
    headers = await page_of(alice)
    async with Socket(headers) as page:
        place = await page.asks("[[offline: tokens=40 delay=10ms]]")
        await page.hears("delta")
    async with Socket(headers) as page:
        await page.says("hello", positions={place["reply_id"]: 0})
        final = await page.hears("final", message_id=place["reply_id"])
    assert final["status"] == "complete"
    assert len(join_text(page.of(place["reply_id"])).split()) == 40


async def test_another_answer_is_asked_for(alice, reply_worker):
    async with Socket(await page_of(alice)) as page:
        place = await page.asks("[[offline: tokens=3]]")
        await page.hears("final")
        await page.says("retry", message_id=place["reply_id"], client_msg_id="again")
        again = await page.hears("accepted")
        assert (again["client_msg_id"], again["message_id"]) == ("again", place["message_id"])
        assert again["reply_id"] != place["reply_id"]
        await page.hears("final", message_id=again["reply_id"])


async def test_what_belongs_to_others_is_not_there(alice, bob):
    theirs = await db_sync_to_async(converses, bob)
    async with Socket(await page_of(alice)) as page:
        await page.says("send", text="x", client_msg_id="a", conversation_id=str(theirs.conversation_id))
        problem = await page.hears("error")
        assert (problem["code"], problem["client_msg_id"]) == ("conversation_not_found", "a")
        for kind in ("stop", "retry"):
            await page.says(kind, message_id=str(theirs.pk))
            problem = await page.hears("error")
            assert (problem["code"], problem["message_id"]) == ("message_not_found", str(theirs.pk))
        await page.says("hello", positions={str(theirs.pk): 0})
        await page.says("ping")
        await page.hears("pong")
        assert page.of(str(theirs.pk)) == []


WRONG = [
    (" ", "bad_frame"),
    ("{", "bad_frame"),
    ("[]", "bad_frame"),
    ("null", "bad_frame"),
    ('"ping"', "bad_frame"),
    ("{}", "bad_frame"),
    ('{"type": 7}', "bad_frame"),
    ("[" * 50_000, "bad_frame"),
    ('{"type": "ping", "n": ' + "9" * 5000 + "}", "bad_frame"),
    (b"\x00\xff", "bad_frame"),
    (json.dumps({"type": "ping", "x": "x" * conf.MAX_FRAME_BYTES}), "frame_too_large"),
    ('{"type": "dance"}', "unknown_type"),
    ('{"type": "hello", "positions": [1]}', "validation_error"),
    ('{"type": "send"}', "validation_error"),
    ('{"type": "send", "text": "x"}', "validation_error"),
    ('{"type": "send", "text": 7, "client_msg_id": "a"}', "validation_error"),
    ('{"type": "send", "text": " ", "client_msg_id": "a"}', "validation_error"),
    ('{"type": "send", "text": "x", "client_msg_id": "a\\u0000"}', "validation_error"),
    ('{"type": "send", "text": "x", "client_msg_id": "\\ud800"}', "validation_error"),
    ('{"type": "send", "text": "x", "client_msg_id": "a", "model": "\\u0000"}', "validation_error"),
    ('{"type": "send", "text": "x", "client_msg_id": "a", "profile": "\\u0000"}', "validation_error"),
    ('{"type": "send", "text": "x", "client_msg_id": "a", "conversation_id": 1}', "validation_error"),
    ('{"type": "send", "text": "x", "client_msg_id": "a", "parent_id": "1"}', "message_not_found"),
    ('{"type": "stop"}', "message_not_found"),
    ('{"type": "stop", "message_id": {"a": []}}', "message_not_found"),
    (json.dumps({"type": "stop", "message_id": "9" * 5000}), "message_not_found"),
    ('{"type": "retry", "message_id": "\\u0000"}', "message_not_found"),
]


async def test_a_wrong_frame_is_told_and_the_socket_stays_usable(alice, monkeypatch):
    monkeypatch.setattr(conf, "MAX_FRAMES_PER_SEC", 1000)
    async with Socket(await page_of(alice)) as page:
        for text, code in WRONG:
            await page.sends(text)
            problem = await page.hears("error")
            assert (text, problem["code"]) == (text, code)
            assert problem["message"]
            await page.says("ping")
            await page.hears("pong")
    assert not await db_sync_to_async(Message.objects.exists)


STRANGE = [
    {"type": "ack"},
    {"type": "ack", "message_id": "1", "seq": 1},
    {"type": "ack", "message_id": [], "seq": 10**30},
    {"type": "ack", "message_id": "1", "seq": "1"},
    {"type": "hello"},
    {"type": "hello", "feed": -1, "positions": {"x": 1, "1": 2, "3": 10**30, "9" * 5000: 4}},
    {"type": "hello", "feed": "x", "positions": None},
    {"type": "hello", "feed": 10**30, "positions": {}},
]


async def test_a_strange_position_is_ignored(alice):
    async with Socket(await page_of(alice)) as page:
        for frame in STRANGE:
            await page.sends(json.dumps(frame))
        await page.says("ping")
        await page.hears("pong")
    assert not [each for each in page.frames if each["type"] == "error"]


async def test_a_position_that_cannot_be_read_is_named(alice):
    async with Socket(await page_of(alice)) as page:
        for seen in ("3", None, -1, 1.0, True, []):
            await page.says("hello", positions={"1": 2, "7": seen})
            assert list((await page.hears("error", code="validation_error"))["fields"]) == ["positions.7"]
        for positions in ("x", [], 3):
            await page.says("hello", positions=positions)
            assert list((await page.hears("error", code="validation_error"))["fields"]) == ["positions"]


async def test_who_asks_too_much_is_slowed_down_and_not_thrown_out(alice, monkeypatch):
    monkeypatch.setattr(conf, "MAX_FRAMES_PER_SEC", 3)
    async with Socket(await page_of(alice)) as page:
        for number in range(8):
            await page.says("ping", client_msg_id=str(number))
        slowed = await page.hears("error", code="rate_limited")
        assert slowed["client_msg_id"] in "34567"
        for _ in range(20):
            await page.says("ack", message_id="1", seq=1)
        monkeypatch.setattr(conf, "MAX_FRAMES_PER_SEC", 1000)
        await page.says("dance")
        await page.hears("error", code="unknown_type")
    assert len([frame for frame in page.frames if frame.get("code") == "rate_limited"]) <= 5


async def test_a_fault_of_ours_is_told_and_the_socket_stays_usable(alice, monkeypatch):
    monkeypatch.setattr("chat.realtime.requests.accept", lambda *_, **__: 1 / 0)
    async with Socket(await page_of(alice)) as page:
        await page.says("send", text="x", client_msg_id="a")
        problem = await page.hears("error")
        assert (problem["code"], problem["client_msg_id"]) == ("internal_error", "a")
        await page.says("ping")
        await page.hears("pong")
