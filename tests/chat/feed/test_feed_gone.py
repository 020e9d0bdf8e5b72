"""A page comes back after days: it hears what it missed, or that it has to read everything anew."""

from datetime import timedelta

import pytest

from chat.conversations import actions
from chat.realtime import consumers
from chat.worker import retention
from stagent.lib.db.async_db import db_sync_to_async
from tests.support.builders import NOON
from tests.support.sockets import Socket, by_session
from tests.support.talking import converses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def said(alice):
    """A conversation, with news of a week ago and of today; returns how many there were then and are now."""
    message = converses(alice)
    early = alice.feed.transcript.events.count()
    converses(alice, "Again", now=NOON + timedelta(days=8), conversation_id=str(message.conversation_id))
    return early, alice.feed.transcript.events.count()


async def returns(owner, seen):
    """Come back with this as the last news seen; return what the welcome and the next change are numbered."""
    async with Socket(await db_sync_to_async(by_session, owner)) as page:
        await page.hears("welcome")
        await page.says("hello", positions={}, feed=seen)
        welcome = await page.hears("welcome")
        conversation = await db_sync_to_async(owner.conversations.get)
        change = actions.Change({"pinned": not conversation.pinned})
        await db_sync_to_async(actions.change, owner, str(conversation.pk), change, now=NOON)
        return welcome["feed"], (await page.hears("feed"))["feed_seq"]


async def test_what_is_stored_is_told_from_where_the_page_was(alice, said):
    early, _ = said
    assert await returns(alice, early) == (early, early + 1)


async def test_what_is_gone_is_skipped_and_the_page_is_told_where_it_goes_on(alice, said):
    early, last = said
    await db_sync_to_async(retention.prune, NOON + timedelta(days=8))
    assert await returns(alice, early - 1) == (last, last + 1)


async def test_more_than_a_page_would_want_to_hear_is_skipped_as_well(alice, said, monkeypatch):
    early, last = said
    monkeypatch.setattr(consumers, "MOST_BACKLOG", last - early)
    assert await returns(alice, early) == (early, early + 1)
    last += 1
    assert await returns(alice, early) == (last, last + 1)
