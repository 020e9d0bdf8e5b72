"""Whatever happens on the way, what a client shows after the last frame is what is stored."""

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from agents.protocol.events import Notice, TextDelta
from chat.feed import feed
from chat.feed.frames import Frame
from chat.models import Message
from chat.realtime import hub, resume, subscriptions
from chat.realtime.subscriptions import Subscription
from tests.support.sockets import join_text
from tests.support.talking import begins, converses, ends, says, writes

pytestmark = pytest.mark.django_db


class Client:
    """A page as the socket serves it, without the socket: what was sent to it, in order."""

    def __init__(self, owner, acks: bool = False) -> None:
        self.owner, self.acks = owner, acks
        self.frames: list[Frame] = []
        self.connect()

    def connect(self) -> None:
        log, seen = resume.feed_cursor(self.owner)
        self.sent: list[Frame] = []
        self.tail = Subscription(self.owner.pk, log, seen, self.sent.append)

    def hello(self, **positions: int) -> None:
        for place in resume.cursors(self.owner, positions):
            if place.snapshot:
                self.sent.append(place.snapshot)
            self.tail.follow(place.log, place.message_id, place.seen)

    def look(self) -> None:
        """Let the hub hand out what is new."""
        for row in hub._read_events(dict(self.tail.positions())):
            self.tail.take(row)

    def reads(self, most: int = 10_000) -> None:
        """Take what has arrived."""
        self.frames += self.sent[:most]
        del self.sent[:most]

    def acknowledges(self, message_id: int) -> None:
        """As the consumer does it."""
        slow = self.tail.ack(message_id, self.seen(message_id))
        place = resume.resume(slow.message_id) if slow else None
        if place:
            self.sent.append(place.snapshot)
            self.tail.follow(place.log, place.message_id, place.seen)
            self.tail.ack(place.message_id, place.seen)

    def of(self, message_id: int) -> list[Frame]:
        mine = [frame for frame in self.frames if frame.get("message_id") == str(message_id)]
        return [frame for frame in mine if frame["type"] != "feed"]

    def seen(self, message_id: int) -> int:
        heard = self.of(message_id)
        return heard[-1]["seq"] if heard else 0

    def catches_up(self, message_id: int) -> None:
        """Read, acknowledge and look until there is nothing more."""
        while True:
            self.look()
            if not self.sent:
                return
            self.reads()
            self.acknowledges(message_id)


@pytest.fixture
def page(alice):
    return Client(alice)


def types(frames: list[Frame]) -> list[str]:
    return [frame["type"] for frame in frames]


def test_a_reply_is_followed_from_its_news_to_its_end(alice, page):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, "One ", "two")
    page.catches_up(place.reply_id)
    ends(place.reply_id, held.token)
    page.catches_up(place.reply_id)
    assert types(page.of(place.reply_id)) == ["started", "delta", "delta", "final"]
    assert [frame["seq"] for frame in page.of(place.reply_id)] == [1, 2, 3, 4]
    assert page.tail.follows == {}
    news_heard = [frame["feed_seq"] for frame in page.frames if frame["type"] == "feed"]
    assert not any("seq" in frame for frame in page.frames if frame["type"] == "feed")
    assert news_heard == list(range(1, len(news_heard) + 1))


def test_hello_goes_on_where_the_client_was(alice, page):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, "One ", "two ", "three")
    page.hello(**{str(place.reply_id): 2})
    page.catches_up(place.reply_id)
    assert [frame["seq"] for frame in page.of(place.reply_id)] == [3, 4]


def test_who_claims_to_be_ahead_is_shown_it_anew(alice, page):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, "One ", "two")
    page.hello(**{str(place.reply_id): 99})
    page.reads()
    (shown,) = page.of(place.reply_id)
    assert (shown["type"], shown["seq"], shown["text"], shown["status"]) == (
        "snapshot",
        3,
        "One two",
        "streaming",
    )
    writes(held, " three")
    page.catches_up(place.reply_id)
    assert [(frame["type"], frame["seq"]) for frame in page.of(place.reply_id)[1:]] == [("delta", 4)]


def test_who_is_far_behind_gets_a_snapshot_and_goes_on_after_it(alice, page):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, *[f"{number} " for number in range(subscriptions.MOST_BACKLOG + 5)])
    page.hello(**{str(place.reply_id): 1})
    page.catches_up(place.reply_id)
    assert types(page.of(place.reply_id)) == ["snapshot"]
    ends(place.reply_id, held.token)
    page.catches_up(place.reply_id)
    assert types(page.of(place.reply_id)) == ["snapshot", "final"]
    assert join_text(page.of(place.reply_id)) == Message.objects.get(pk=place.reply_id).text


@pytest.mark.parametrize("seen", [0, 1, 99])
def test_a_reply_that_ended_meanwhile_is_told_to_its_end(alice, page, seen):
    done = converses(alice, answer="All is well.")
    page.hello(**{str(done.pk): seen})
    page.catches_up(done.pk)
    heard = page.of(done.pk)
    assert heard[-1]["type"] == "final"
    assert join_text([{"type": "snapshot", "seq": seen, "text": ""}] * (seen == 1) + heard) == "All is well."
    assert page.tail.follows == {}


def test_what_was_heard_to_its_end_is_not_followed(alice, page):
    done = converses(alice)
    page.hello(**{str(done.pk): done.transcript.last_seq})
    assert page.tail.follows == {}


def test_what_is_unfinished_is_told_without_being_asked_for(alice, bob, page):
    mine, theirs = says(alice), says(bob)
    writes(begins(theirs.reply_id), "Secret")
    writes(begins(mine.reply_id), "Mine")
    page.hello(**{str(theirs.reply_id): 0, "12345": 3, "x": 1, str(mine.message_id): 0})
    page.catches_up(mine.reply_id)
    assert join_text(page.of(mine.reply_id)) == "Mine"
    assert page.of(theirs.reply_id) == page.of(mine.message_id) == []


def test_news_are_only_the_owners(alice, bob, page):
    says(bob)
    page.catches_up(0)
    assert page.frames == []
    assert feed.feed_of(alice.pk).transcript.last_seq == 0


def test_a_client_that_never_acknowledges_gets_everything(alice, page):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, *["x"] * 600)
    page.look()
    page.look()
    page.reads()
    assert len(page.of(place.reply_id)) == 601


@pytest.mark.parametrize("pace", [1, 64, 100])
def test_a_slow_client_that_acknowledges_gets_a_window_and_then_a_snapshot(alice, page, pace):
    place = says(alice)
    held = begins(place.reply_id)
    page.catches_up(place.reply_id)
    page.acknowledges(place.reply_id)
    for _ in range(600):
        writes(held, "x")
        page.look()
    assert len(page.sent) == subscriptions.MOST_UNACKED, "no more than it can hold"
    while page.sent:
        page.reads(pace)
        page.acknowledges(place.reply_id)
    page.catches_up(place.reply_id)
    heard = page.of(place.reply_id)
    assert types(heard).count("snapshot") == 1
    assert join_text(heard) == "x" * 600
    writes(held, "y")
    ends(place.reply_id, held.token)
    page.catches_up(place.reply_id)
    assert join_text(page.of(place.reply_id)) == "x" * 600 + "y"
    assert page.of(place.reply_id)[-1]["type"] == "final"


def test_a_reply_that_ends_while_the_client_lags_is_told_to_its_end(alice, page):
    place = says(alice)
    held = begins(place.reply_id)
    page.catches_up(place.reply_id)
    page.acknowledges(place.reply_id)
    for _ in range(300):
        writes(held, "x")
        page.look()
    ends(place.reply_id, held.token)
    page.catches_up(place.reply_id)
    assert join_text(page.of(place.reply_id)) == "x" * 300
    assert page.of(place.reply_id)[-1]["type"] == "final"


STEPS = st.lists(
    st.one_of(
        st.lists(st.sampled_from(["a", "bc", " ", "é🎉", ""]), min_size=1, max_size=40),
        st.sampled_from(["look", "read", "ack", "drop", "hello"]),
    ),
    max_size=40,
)


class Interleavings(HypothesisCase):
    """Appends, lost connections, hellos, slow reading and acknowledgements in any order."""

    def take(self, step: str | list[str]) -> None:
        reply_id = self.held.message_id
        match step:
            case list():
                writes(self.held, *[TextDelta(1, text) if text else Notice("n", "") for text in step])
            case "look":
                self.page.look()
            case "read":
                self.page.reads(3)
            case "ack":
                self.page.acknowledges(reply_id)
            case _:
                if step == "drop":
                    self.page.connect()
                self.page.hello(**{str(reply_id): self.page.seen(reply_id)})

    @settings(max_examples=60)
    @given(steps=STEPS)
    def test_what_a_client_shows_in_the_end_is_what_is_stored(self, steps) -> None:
        owner = User.objects.create_user("someone")
        self.page, self.held = Client(owner), begins(says(owner).reply_id)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subscriptions, "MOST_UNACKED", 8)
            patch.setattr(resume, "MOST_BACKLOG", 12)
            for step in steps:
                self.take(step)
            done = ends(self.held.message_id, self.held.token)
            self.page.catches_up(done.pk)
        heard = self.page.of(done.pk)
        assert join_text(heard) == done.text
        assert heard[-1]["type"] == "final"
