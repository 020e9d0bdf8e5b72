"""The reply worker: claims what is ready, keeps its leases, stops replies that a person stops."""

import gc
import logging
from datetime import timedelta

import pytest
from django.db import OperationalError

from agents.approvals import approvals
from agents.models import Approval, Event, LiveStream
from agents.runtimes import preload_sdk
from chat import conf
from chat.models import Message
from chat.transitions import End, finalise, request_stop
from chat.worker import worker as module
from chat.worker.worker import ReplyWorker
from stagent.lib import clock
from stagent.lib.processes import leases
from tests.support.builders import a_profile
from tests.support.talking import says
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "[[offline: tokens=20000 delay=5ms]]"


def status_of(place) -> str:
    return Message.objects.get(pk=place.reply_id).status


def talks(place):
    log = Message.objects.get(pk=place.reply_id).transcript_id
    return Event.objects.filter(transcript=log, kind="text_delta").exists


def ended(place):
    return lambda: Message.objects.exclude(finished_at=None).filter(pk=place.reply_id).first()


def test_what_is_said_is_answered_and_what_waits_follows(alice, reply_worker):
    first = says(alice, "[[offline: tokens=5]]", clock.now())
    here = str(first.conversation_id)
    second = says(alice, "[[offline: tokens=6]]", clock.now(), conversation_id=here)
    assert len(wait_until(ended(second)).text.split()) == 6
    one, two = Message.objects.replies().order_by("pk")
    assert one.finished_at <= two.started_at
    assert not LiveStream.objects.exists()


def test_leases_are_renewed_while_it_works(alice, monkeypatch):
    monkeypatch.setattr(conf, "lease_ttl", lambda: timedelta(seconds=6))
    place = says(alice, LONG, clock.now())
    reply_worker = ReplyWorker()
    reply_worker.open()
    try:
        wait_until(talks(place))
        leased = lambda: Message.objects.get(pk=place.reply_id).lease_expires_at  # noqa: E731
        first = leased()
        wait_until(lambda: leased() and leased() > first)
        assert LiveStream.objects.get().expires_at > first
    finally:
        reply_worker.close()
    assert (status_of(place), Message.objects.get(pk=place.reply_id).reason) == ("interrupted", "shutdown")


def test_a_stop_is_heard_at_once_and_elsewhere_a_little_later(alice, reply_worker):
    place = says(alice, LONG, clock.now())
    wait_until(talks(place))
    request_stop(alice, str(place.reply_id), now=clock.now())
    assert wait_until(ended(place)).reason == "client_stop"
    other = says(alice, LONG, clock.now())
    wait_until(talks(other))
    Message.objects.filter(pk=other.reply_id).update(stop_requested_at=clock.now())  # by another process
    assert wait_until(ended(other)).reason == "client_stop"


@pytest.fixture
def full_looks():
    """The full looks for garbage that somebody asks for; Python takes none by itself."""
    preload_sdk()  # which takes one
    looks: list[int] = []
    note = lambda phase, info: info["generation"] == 2 and looks.append(info["collected"])  # noqa: E731
    gc.disable()
    gc.callbacks.append(note)
    yield looks
    gc.callbacks.remove(note)
    gc.enable()


def test_what_answers_have_left_is_thrown_away_when_nobody_is_answered(alice, full_looks, reply_worker):
    long = says(alice, LONG, clock.now())
    wait_until(talks(long))
    wait_until(ended(says(alice, "[[offline: tokens=5]]", clock.now())))
    assert not full_looks
    request_stop(alice, str(long.reply_id), now=clock.now())
    wait_until(lambda: full_looks)


def test_a_reply_whose_lease_was_taken_is_let_go(alice, reply_worker, monkeypatch, caplog):
    monkeypatch.setattr(conf, "lease_ttl", lambda: timedelta(seconds=6))
    place = says(alice, LONG, clock.now())
    wait_until(talks(place))
    reply = Message.objects.get(pk=place.reply_id)
    taken = finalise(reply.pk, End("interrupted", "reconciled"), now=clock.now(), token=reply.token)
    wait_until(lambda: not reply_worker._jobs)
    reply.refresh_from_db()
    assert (reply.reason, reply.text) == ("reconciled", taken.text)
    assert "lost its lease" in caplog.text


def test_a_reply_outlives_a_database_that_is_away_for_40_s(settings):
    ttl_sec = settings.CHAT_LEASE_TTL_SEC
    away_at = leases.RENEW_SHARE * ttl_sec  # just before the next renewal: the worst moment
    assert not leases.must_stop(0, ttl_sec, away_at + 40)


def test_a_reply_that_cannot_be_begun_keeps_nobody_waiting(alice, monkeypatch, caplog):
    poison, good = says(alice, "x", clock.now()), says(alice, "[[offline: tokens=3]]", clock.now())
    take = module.claim

    def trip(reply, **more):
        if reply.pk == poison.reply_id:
            raise RuntimeError("broken row")
        return take(reply, **more)

    monkeypatch.setattr(module, "claim", trip)
    reply_worker = ReplyWorker()
    reply_worker.open()
    try:
        assert wait_until(ended(good)).status == "complete"
        assert status_of(poison) == "pending"
        assert "could not be started" in caplog.text
        monkeypatch.setattr(module, "claim", take)
        assert wait_until(ended(poison))
    finally:
        reply_worker.close()


def test_a_database_that_is_away_for_a_while_is_waited_for(alice, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    look, away = module.READY, [OperationalError("away")] * 3
    monkeypatch.setattr(module, "READY", lambda: (_ for _ in ()).throw(away.pop()) if away else look())
    reply_worker = ReplyWorker()
    reply_worker.open()
    try:
        assert wait_until(ended(says(alice, "[[offline: tokens=3]]", clock.now()))).status == "complete"
    finally:
        reply_worker.close()
    assert not away
    assert "A database call of an event loop" in caplog.text


def test_an_answer_to_a_question_lets_the_desk_go_on(alice, reply_worker):
    a_profile("careful", tools=["list_files"], permissions={"list_files": "ask"})
    place = says(alice, "[[offline: turns=2 tool=list_files]]", clock.now(), profile="careful")
    approval = wait_until(Approval.objects.first)
    wait_until(lambda: Message.objects.filter(pk=place.reply_id, asks_since__isnull=False).exists())
    approvals.answer(approval.pk, alice, "allow")
    assert wait_until(ended(place)).status == "complete"
