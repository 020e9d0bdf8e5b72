"""Saying, answering, stopping and settling at once: every reply ends once, and nothing is said twice."""

import pytest

from agents.models import Event, LiveStream
from chat.feed import feed
from chat.models import Message
from tests.races.talkers import reconciler, replier, stopper, talker
from tests.support.racing import BASE, race
from tests.support.talking import converses

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
TEXTS = 40


def check(reply: Message) -> None:
    """Its log has no gap and one end, and says what the message says."""
    log = list(Event.objects.filter(transcript=reply.transcript_id).order_by("seq"))
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert "".join(event.data["text"] for event in log if event.kind == "text_delta") == reply.text
    assert reply.text.startswith("One ") or reply.text == ""
    kinds = [event.kind for event in log]
    assert kinds.count("started") <= 1
    assert kinds.count("settled") == (reply.finished_at is not None)
    if reply.finished_at:
        assert (kinds[-1], log[-1].data["status"]) == ("settled", reply.status)
        assert reply.text or reply.notice


def test_everything_at_once_ends_every_reply_once(alice):
    for _ in range(3):
        converses(alice, now=BASE)
    reports = race(
        *[(talker, {"name": "alice", "texts": TEXTS})] * 2,
        *[(replier, {"name": f"worker {number}"}) for number in range(3)],
        (stopper, {"name": "alice"}),
        *[(reconciler, {})] * 2,
        seconds=5,
        enough=lambda: (
            Message.objects.filter(client_msg_id=f"id-{TEXTS - 1}").exists()
            and Message.objects.filter(reason="reconciled").exists()
            and Message.objects.filter(reason="client_stop").exists()
            and not Message.objects.unfinished().exists()
        ),
    )
    assert reports.total(replier, "late") == 0, "a late write was accepted"
    assert reports.total(replier, "ended") > 0
    reconciled = Message.objects.filter(reason="reconciled").count()
    stopped = Message.objects.filter(reason="client_stop").count()  # some of them by nobody who was alive
    assert reconciled <= reports.total(reconciler, "settled") <= reconciled + stopped
    one, two = (result["places"] for result in reports.of(talker))
    assert one == two, "the same words have one place"
    assert Message.objects.filter(client_msg_id__startswith="id-").count() == TEXTS
    assert Message.objects.replies().count() == TEXTS + 3
    for reply in Message.objects.replies().filter(parent__client_msg_id__startswith="id-"):
        check(reply)
    assert not LiveStream.objects.exists()
    told = Event.objects.filter(transcript=feed.feed_of(alice.pk).transcript_id).order_by("seq")
    assert list(told.values_list("seq", flat=True)) == list(range(1, told.count() + 1))
    settled = [event.data["message_id"] for event in told if event.data["what"] == "settled"]
    assert len(settled) == len(set(settled)) == TEXTS + 3
