"""What is old goes, bit by bit; what is wanted still stays whole."""

from datetime import timedelta

import pytest

from agents import live_streams
from agents.approvals import standing
from agents.models import Event, StandingApproval, StreamRecord, Transcript
from agents.transcripts import transcript
from chat.conversations.actions import restore, trash
from chat.feed import feed
from chat.models import Conversation, Message
from chat.realtime.resume import is_stored
from chat.transitions import Result, deliver
from chat.worker import retention as pruning
from schedules.dispatch import retention
from stagent.lib.problems import Problem
from tests.support.builders import NOON, a_running_run, a_schedule
from tests.support.talking import converses

DAY = timedelta(days=1)


def logs_of_replies():
    return Transcript.objects.filter(feed=None)


def test_a_conversation_that_was_thrown_away_is_gone_after_thirty_days(bob):
    message = converses(bob)
    for text in ("Two", "Three"):
        converses(bob, text, conversation_id=str(message.conversation_id), parent_id="root")
    kept = converses(bob, "Kept")
    trash(bob, str(message.conversation_id), now=NOON)
    pruning.prune(NOON + 30 * DAY)
    assert Conversation.objects.count() == 2
    assert pruning.prune(NOON + 31 * DAY)
    assert Conversation.objects.get() == kept.conversation
    assert Message.objects.count() == 2
    assert logs_of_replies().get() == kept.transcript
    assert not Event.objects.exclude(transcript=kept.transcript).exists()


def test_standing_leave_goes_with_its_conversation(bob):
    message = converses(bob)
    place = standing.conversation_scope(message.conversation_id)
    given = {"user_id": bob.pk, "given_by": bob, "given_at": NOON}
    StandingApproval.objects.create(place=place, tool="send", fingerprint="f", **given)
    trash(bob, str(message.conversation_id), now=NOON)
    pruning.prune(NOON + 29 * DAY)
    assert StandingApproval.objects.exists(), "it can be brought back"
    pruning.prune(NOON + 31 * DAY)
    assert not StandingApproval.objects.exists()


def test_nothing_is_brought_back_in_pieces(bob):
    pk = str(converses(bob).conversation_id)
    trash(bob, pk, now=NOON)
    with pytest.raises(Problem, match="Conversation not found"):
        restore(bob, pk, now=NOON + 31 * DAY)
    restore(bob, pk, now=NOON + 29 * DAY)
    assert pruning.prune(NOON + 60 * DAY)
    assert Message.objects.count() == 2


def test_a_large_conversation_goes_bit_by_bit(bob, monkeypatch):
    monkeypatch.setattr(pruning, "LOGS", 3)
    monkeypatch.setattr(pruning, "ROWS", 2)
    pk = str(converses(bob).conversation_id)
    for number in range(4):
        converses(bob, str(number), conversation_id=pk)
    trash(bob, pk, now=NOON)
    before = Message.objects.count()
    while not pruning.prune(NOON + 31 * DAY, seconds=0):
        assert Message.objects.count() in range(before - 3, before + 1)
        before = Message.objects.count()
    assert not Conversation.objects.exists()
    assert not logs_of_replies().exists()


def test_the_log_of_a_run_stays_with_the_run(bob):
    run, held = a_running_run(a_schedule(owner=bob))
    transcript.append(run.transcript_id, held.token, [feed.FeedEvent("message", 1)], NOON)
    result = Result("k", bob.pk, 7, "Nightly", "Done.", run_id=run.pk, transcript_id=run.transcript_id)
    trash(bob, str(deliver(result, now=NOON).conversation_id), now=NOON)
    assert pruning.prune(NOON + 31 * DAY)
    assert not Message.objects.exists()
    assert run.transcript.events.count() == 1


def test_old_news_goes_and_what_is_left_has_no_gaps(bob):
    converses(bob)
    log = bob.feed.transcript
    early = log.events.count()
    converses(bob, now=NOON + 5 * DAY)
    assert pruning.prune(NOON + 8 * DAY)
    left = list(log.events.values_list("seq", flat=True))
    log.refresh_from_db()
    assert left == list(range(early + 1, log.last_seq + 1))
    converses(bob, now=NOON + 9 * DAY)
    assert log.events.order_by("seq").last().seq > log.last_seq


def test_a_page_that_was_away_for_long_is_told_from_now_on(bob):
    converses(bob)
    log = bob.feed.transcript
    early = log.events.count()
    converses(bob, now=NOON + 5 * DAY)
    pruning.prune(NOON + 8 * DAY)
    log.refresh_from_db()
    assert not is_stored(log.pk, early - 1)
    assert is_stored(log.pk, early)
    assert not is_stored(log.pk, log.last_seq)


def test_all_news_may_be_old(bob):
    converses(bob)
    assert pruning.prune(NOON + 8 * DAY)
    assert not bob.feed.transcript.events.exists()
    assert not is_stored(bob.feed.transcript_id, 0)


def test_the_records_of_streams_go_with_the_other_figures(db):
    for days in (0, 20):
        at = NOON + days * DAY
        live_streams.record("message:1", started_at=at, ended_at=at, reason="completed")
    assert retention.prune(NOON + 31 * DAY, 30)
    assert StreamRecord.objects.get().ended_at == NOON + 20 * DAY
