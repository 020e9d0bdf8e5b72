"""The log: numbered without gaps, written by one holder only."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from agents.errors import LeaseLost
from agents.models import Approval, Event, Transcript
from agents.protocol import events
from agents.protocol.events import (
    Finished,
    Notice,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from agents.protocol.usage import Usage
from agents.states import FailureReason
from agents.transcripts import transcript
from agents.transcripts.history import load_history

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
USED = Usage(input=1, output=2, cache_read=3, cache_write=4)


def turn(number: int, *blocks: dict, stop: str = "end_turn") -> TurnFinished:
    return TurnFinished(number, list(blocks), stop, USED, Decimal("0.5"), "claude-opus-5-5")


def text(words: str) -> dict:
    return {"type": "text", "text": words}


def use(call_id: str) -> dict:
    return {"type": "tool_use", "id": call_id, "name": "echo", "input": {}}


EVERY_KIND = [
    TurnStarted(1),
    TextDelta(1, "Hello"),
    events.ThinkingDelta(1, "Hm"),
    turn(1, text("Hello"), use("a"), stop="tool_use"),
    ToolStarted(1, "a", "echo", {"say": "x"}),
    ToolFinished("a", "echo", False, "x", 5),
    Notice("last_turn", "Answer now."),
    Finished("failed", FailureReason.TIMEOUT, "slow", "Hel", True, True, 2.5, report={"changed": True}),
    Finished("completed", text="Hello"),
]


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda event: event.kind)
def test_an_event_reads_back_as_it_was_written(event):
    token = uuid4()
    log = transcript.open_transcript(token)
    transcript.append(log.pk, token, [event], NOON)
    row = Event.objects.get()
    assert events.from_row(row.kind, row.data) == event
    assert row.at == NOON


def test_a_row_of_another_kind_or_version_still_reads():
    assert events.from_row("late_result", {"x": 1}) == Notice("late_result", "")
    assert events.from_row("turn_started", {"turn": 2, "from_the_future": 1}) == TurnStarted(2)


def test_numbers_have_no_gaps():
    token = uuid4()
    log = transcript.open_transcript(token)
    assert transcript.append(log.pk, token, [TurnStarted(1), TurnStarted(2)], NOON) == 2
    assert transcript.append(log.pk, token, [TurnStarted(3)], NOON) == 3
    assert [row.seq for row in transcript.read(log.pk)] == [1, 2, 3]


def test_reading_goes_on_after_a_number_and_in_pages():
    token = uuid4()
    log = transcript.open_transcript(token)
    transcript.append(log.pk, token, [TurnStarted(n) for n in range(1, 8)], NOON)
    assert [row.seq for row in transcript.read(log.pk, after=2, limit=3)] == [3, 4, 5]


@pytest.mark.parametrize("token", [uuid4(), None])
def test_only_the_holder_of_the_token_writes(token):
    log = transcript.open_transcript(uuid4() if token else None)
    with pytest.raises(LeaseLost):
        transcript.append(log.pk, token, [TurnStarted(1)], NOON)
    assert transcript.read(log.pk) == []
    assert Transcript.objects.get().last_seq == 0


def test_the_pen_is_handed_over_once():
    old, new, other = uuid4(), uuid4(), uuid4()
    log = transcript.open_transcript(old)
    assert transcript.rotate(log.pk, old, new)
    assert not transcript.rotate(log.pk, old, other)
    with pytest.raises(LeaseLost):
        transcript.append(log.pk, old, [TurnStarted(1)], NOON)
    assert transcript.append(log.pk, new, [TurnStarted(1)], NOON) == 1


def test_a_log_without_a_writer_gets_one():
    log, token = transcript.open_transcript(None), uuid4()
    assert transcript.rotate(log.pk, None, token)
    assert transcript.append(log.pk, token, [TurnStarted(1)], NOON) == 1


def test_a_late_result_is_noted_without_a_token():
    log = transcript.open_transcript(uuid4())
    transcript.append_late(log.pk, {"text": "Too late."}, NOON)
    row = transcript.read(log.pk)[0]
    assert (row.seq, row.kind, row.data) == (1, "late_result", {"text": "Too late."})
    transcript.append_late(10**9, {}, NOON)  # of a log that is gone: nothing to note it in


def test_history_is_rebuilt_with_results_in_one_message():
    token = uuid4()
    log = transcript.open_transcript(token)
    happened: list[events.Event] = [
        TurnStarted(1),
        TextDelta(1, "Let me see."),
        turn(1, text("Let me see."), use("a"), use("b"), stop="tool_use"),
        ToolStarted(1, "a", "echo", {}),
        ToolFinished("a", "echo", False, "A", 1),
        ToolStarted(1, "b", "echo", {}),
        ToolFinished("b", "echo", True, "B broke", 1),
        TurnStarted(2),
        TextDelta(2, "Half a sen"),
    ]
    transcript.append(log.pk, token, happened, NOON)
    assert load_history(log.pk).messages == [
        {"role": "assistant", "content": [text("Let me see."), use("a"), use("b")]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "A"},
                {"type": "tool_result", "tool_use_id": "b", "content": "B broke", "is_error": True},
            ],
        },
    ]


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "model_context_window_exceeded", "", "end_turn"])
def test_replies_that_were_no_use_are_left_out_of_history(stop):
    token = uuid4()
    log = transcript.open_transcript(token)
    content = (
        [text("Half")] if stop != "end_turn" else [{"type": "thinking", "thinking": "Hm", "signature": "x"}]
    )
    transcript.append(log.pk, token, [turn(1, *content, stop=stop)], NOON)
    assert load_history(log.pk).messages == []


def test_only_old_logs_that_nobody_refers_to_are_pruned():
    now = timezone.now()
    token = uuid4()
    old, young = (transcript.open_transcript(token) for _ in range(2))
    transcript.append(old.pk, token, [TurnStarted(1)], NOON)
    Transcript.objects.filter(pk=old.pk).update(created_at=now - timedelta(days=40))
    assert transcript.prune(now - timedelta(days=30)) == 1
    assert transcript.prune(now - timedelta(days=30)) == 0
    assert list(Transcript.objects.all()) == [young]
    assert not Event.objects.exists()


def test_a_log_goes_with_its_questions_but_not_while_one_is_open():
    token = uuid4()
    asked = {"turn": 1, "kind": "tool_call", "asked_at": NOON, "expires_at": NOON}
    for status, answered_at in (("denied", NOON), ("open", None)):
        log = transcript.open_transcript(token)
        Approval.objects.create(transcript=log, status=status, answered_at=answered_at, **asked)
    assert transcript.prune(timezone.now() + timedelta(days=1)) == 1
    assert Approval.objects.get().is_open


def test_pruning_goes_in_batches():
    token = uuid4()
    for _ in range(3):
        transcript.open_transcript(token)
    assert [transcript.prune(timezone.now() + timedelta(days=1), batch=2) for _ in range(3)] == [2, 1, 0]
