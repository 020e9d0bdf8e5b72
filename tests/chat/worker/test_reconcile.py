"""What nobody works on any more is settled, with what was shown of it kept."""

import os
import subprocess
import time
from datetime import timedelta

import pytest

from agents.approvals import approvals
from agents.models import LiveStream, StreamRecord
from agents.protocol.events import TurnStarted
from chat.models import Message
from chat.transitions import park, renew, request_stop
from chat.worker import reconcile
from stagent.lib.processes.process_id import holder_id
from tests.support.builders import NOON
from tests.support.talking import TTL, asks, begins, says, writes

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)
LAPSED = NOON + TTL


def a_streaming(owner, words: str = "Half an", by: str = "web@elsewhere:1:abc"):
    held = begins(says(owner).reply_id, holder=by)
    if words:
        writes(held, words)
    return held


def state_of(held) -> tuple[str, str, str]:
    reply = Message.objects.get(pk=held.message_id)
    return reply.status, reply.reason, reply.text


def test_a_lapsed_lease_is_settled_and_what_was_shown_is_stored(alice):
    held = a_streaming(alice)
    assert reconcile.finalise_stale(LAPSED - timedelta(microseconds=1)) == 0
    assert LiveStream.objects.live(LAPSED).count() == 0, "it keeps nobody waiting for longer than that"
    assert reconcile.finalise_stale(LAPSED) == 1
    assert state_of(held) == ("interrupted", "reconciled", "Half an")
    assert "Retry" in Message.objects.get(pk=held.message_id).notice
    assert not LiveStream.objects.exists()
    assert reconcile.finalise_stale(LAPSED) == 0


def test_how_long_its_reader_waited_is_in_its_log(alice):
    held = a_streaming(alice, words="")
    writes(held, TurnStarted(1), now=NOON + timedelta(milliseconds=80))
    writes(held, "Half an", now=NOON + timedelta(milliseconds=700))
    reconcile.finalise_stale(LAPSED)
    record = StreamRecord.objects.get()
    assert (record.overhead_ms, record.first_token_ms, record.total_ms) == (80, 700, 30_000)


def test_a_stop_that_its_worker_did_not_live_to_hear_is_a_stop(alice):
    asked, unasked = a_streaming(alice), a_streaming(alice)
    request_stop(alice, str(asked.message_id), now=LATER)
    assert state_of(asked)[0] == "streaming", "its worker is told, and stops it"
    assert reconcile.finalise_stale(LAPSED) == 2
    assert state_of(asked) == ("stopped", "client_stop", "Half an")
    assert Message.objects.get(pk=asked.message_id).notice == "Stopped."
    assert state_of(unasked)[:2] == ("interrupted", "reconciled")


def test_what_is_renewed_is_left_alone(alice):
    held = a_streaming(alice)
    renew([held.token], LATER, TTL)
    assert reconcile.finalise_stale(LAPSED) == 0
    assert state_of(held)[0] == "streaming"


def test_whoever_comes_back_before_it_is_settled_keeps_it(alice, monkeypatch):
    back, gone = a_streaming(alice), a_streaming(alice)
    settle = reconcile.finalise

    def comes_back(message_id, end, **more):
        renew([back.token], LAPSED, TTL)
        return settle(message_id, end, **more)

    monkeypatch.setattr(reconcile, "finalise", comes_back)
    assert reconcile.finalise_stale(LAPSED) == 1
    assert (state_of(back)[0], state_of(gone)[0]) == ("streaming", "interrupted")


def test_after_a_jump_of_the_clock_nobody_is_settled_before_they_could_renew(alice, monkeypatch):
    held, dead = a_streaming(alice), a_streaming(alice, by=f"{holder_id('web').rpartition(':')[0]}:other1")
    monkeypatch.setattr(reconcile, "_ignore_leases_until", float("-inf"))
    monkeypatch.setattr(reconcile._jumps, "_gap", reconcile._jumps._gap - 3600)
    assert reconcile.finalise_stale(LAPSED) == 1
    assert (state_of(held)[0], state_of(dead)[0]) == ("streaming", "interrupted")
    assert reconcile.finalise_stale(LAPSED) == 0
    monkeypatch.setattr(reconcile, "_ignore_leases_until", time.monotonic())
    assert reconcile.finalise_stale(LAPSED) == 1
    assert state_of(held)[0] == "interrupted"


def test_who_died_on_this_machine_is_not_waited_for(alice):
    mine = holder_id("web")
    here = mine.rpartition(":")[0]
    child = subprocess.Popen(["true"])
    child.wait()
    dead = a_streaming(alice, by=here.replace(f":{os.getpid()}", f":{child.pid}") + ":abc")
    earlier = a_streaming(alice, by=f"{here}:other1", words="")
    alive = a_streaming(alice, by=mine)
    elsewhere = a_streaming(alice)
    assert reconcile.finalise_stale(LATER) == 2
    assert state_of(dead) == ("interrupted", "reconciled", "Half an")
    assert state_of(earlier) == ("interrupted", "reconciled", "")
    assert state_of(alive)[0] == state_of(elsewhere)[0] == "streaming"


def test_only_the_conversation_that_is_looked_at_is_settled(alice):
    one, two = a_streaming(alice), a_streaming(alice)
    here = Message.objects.get(pk=two.message_id).conversation_id
    assert reconcile.finalise_stale(LAPSED, here) == 1
    assert state_of(one)[0] == "streaming"


def test_one_replys_fault_never_stops_the_sweep(alice, monkeypatch, caplog):
    held = [a_streaming(alice) for _ in range(3)]
    settle = reconcile.finalise

    def trip(message_id, end, **more):
        if message_id == held[1].message_id:
            raise RuntimeError("disk full")
        return settle(message_id, end, **more)

    monkeypatch.setattr(reconcile, "finalise", trip)
    assert reconcile.finalise_stale(LAPSED) == 2
    assert [state_of(each)[0] for each in held] == ["interrupted", "streaming", "interrupted"]
    assert str(held[1].message_id) in caplog.text
    monkeypatch.undo()
    assert reconcile.finalise_stale(LAPSED) == 1


def parked(owner):
    held = begins(says(owner).reply_id)
    approval = asks(held)
    park(held, now=NOON)
    return held, approval


def test_what_was_answered_goes_on_though_nobody_heard_of_it(alice, monkeypatch):
    answered, waiting = [parked(alice) for _ in range(3)], parked(alice)
    for _, approval in answered:
        approvals.answer(approval.pk, alice, "allow", NOON)
    wake = reconcile.unpark

    def trip(message_id):
        if message_id == answered[0][0].message_id:
            raise RuntimeError("disk full")
        return wake(message_id)

    monkeypatch.setattr(reconcile, "unpark", trip)
    reconcile.finalise_stale(LATER)
    ready = set(Message.objects.ready().values_list("pk", flat=True))
    assert ready == {held.message_id for held, _ in answered[1:]}
    assert waiting[0].message_id not in ready


def test_what_nobody_answers_in_time_goes_on_without(alice):
    held, approval = parked(alice)
    reconcile.finalise_stale(approval.expires_at - timedelta(seconds=1))
    assert not Message.objects.ready().exists()
    reconcile.finalise_stale(approval.expires_at)
    assert Message.objects.ready().get().pk == held.message_id
