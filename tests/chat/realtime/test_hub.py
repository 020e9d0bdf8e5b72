"""The hub: one question for all the sockets of a process, asked again when the database did not answer."""

import asyncio

import pytest

from chat.feed import broadcast
from chat.feed.frames import Frame
from chat.realtime import hub, resume
from chat.realtime.hub import Hub
from chat.realtime.subscriptions import Subscription
from stagent.lib.db.async_db import db_sync_to_async
from tests.support.sockets import join_text
from tests.support.talking import begins, ends, says, writes
from tests.support.waiting import PATIENCE_SEC

pytestmark = pytest.mark.django_db


class Listener:
    """A socket's end of the hub."""

    def __init__(self, owner) -> None:
        self.frames: list[Frame] = []
        self._news = asyncio.Event()
        self.tail = Subscription(owner.pk, *resume.feed_cursor(owner), self._take)

    def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        self._news.set()

    async def hears(self, kind: str) -> None:
        async with asyncio.timeout(PATIENCE_SEC):
            while not any(frame["type"] == kind for frame in self.frames):
                self._news.clear()
                await self._news.wait()

    def of(self, message_id: int) -> list[Frame]:
        mine = [frame for frame in self.frames if frame.get("message_id") == str(message_id)]
        return [frame for frame in mine if frame["type"] != "feed"]


async def listens(owner, here: Hub) -> Listener:
    listener = await db_sync_to_async(Listener, owner)
    here.subscribe(listener.tail)
    return listener


def answers(owner, *words: str) -> int:
    place = says(owner)
    held = begins(place.reply_id)
    writes(held, *words)
    ends(place.reply_id, held.token)
    return place.reply_id


@pytest.fixture
def approvals(monkeypatch):
    """What the database was asked, look by look."""
    asked: list[dict[int, int]] = []
    look = hub._read_events

    def note(positions):
        asked.append(positions)
        return look(positions)

    monkeypatch.setattr(hub, "_read_events", note)
    return asked


async def test_all_sockets_of_a_process_ask_together_and_each_hears_its_own(alice, bob, approvals):
    here = Hub()
    pages = [await listens(alice, here) for _ in range(3)] + [await listens(bob, here)]
    reply_id = await db_sync_to_async(answers, alice, "One ", "two")
    here.wake()
    for page in pages[:3]:
        await page.hears("final")
        assert [frame["seq"] for frame in page.of(reply_id)] == [1, 2, 3, 4]
        assert join_text(page.of(reply_id)) == "One two"
    assert pages[3].frames == []
    assert len(approvals[-1]) <= 3, "every log is asked for once"
    assert here.count(alice.pk) == 3
    for page in pages:
        here.unsubscribe(page.tail)


async def test_a_bell_that_rings_in_another_thread_is_heard_at_once(alice, monkeypatch):
    monkeypatch.setattr(hub, "POLL_IDLE_SEC", 3600)
    monkeypatch.setattr(hub, "POLL_BUSY_SEC", 3600)
    here = Hub()
    page = await listens(alice, here)
    await db_sync_to_async(answers, alice, "Hi")
    await asyncio.to_thread(broadcast.publish, alice.pk)
    await page.hears("final")
    here.unsubscribe(page.tail)


async def test_what_nobody_rang_for_is_found_by_looking(alice, monkeypatch):
    monkeypatch.setattr(hub, "POLL_IDLE_SEC", 0.01)
    here = Hub()
    page = await listens(alice, here)
    await db_sync_to_async(answers, alice, "Hi")
    await page.hears("final")
    here.unsubscribe(page.tail)


async def test_a_log_that_cannot_be_read_is_read_a_little_later(alice, monkeypatch, caplog):
    faults, look = [RuntimeError("no room")], hub._read_events
    monkeypatch.setattr(
        hub,
        "_read_events",
        lambda positions: (_ for _ in ()).throw(faults.pop()) if faults else look(positions),
    )
    here = Hub()
    page = await listens(alice, here)
    reply_id = await db_sync_to_async(answers, alice, "Hi")
    await page.hears("final")
    assert join_text(page.of(reply_id)) == "Hi"
    assert "The chat tails failed" in caplog.text
    here.unsubscribe(page.tail)


async def test_when_the_last_has_left_it_listens_no_more(alice):
    here = Hub()
    page = await listens(alice, here)
    watching = here._watching
    here.unsubscribe(page.tail)
    await asyncio.wait_for(watching.wait(), PATIENCE_SEC)
    assert here.wake not in broadcast._listeners
    again = await listens(alice, here)
    await db_sync_to_async(answers, alice, "Hi")
    here.wake()
    await again.hears("final")
    here.unsubscribe(again.tail)


async def test_a_backlog_longer_than_one_look_comes_in_order(alice, monkeypatch):
    monkeypatch.setattr(hub, "MOST_ROWS", 7)
    here = Hub()
    page = await listens(alice, here)
    reply_id = await db_sync_to_async(answers, alice, *map(str, range(50)))
    here.wake()
    await page.hears("final")
    assert [frame["seq"] for frame in page.of(reply_id)] == list(range(1, 53))
    here.unsubscribe(page.tail)
