"""The engine with the offline model and the built-in tools, as in a new install without a key."""

from decimal import Decimal
from typing import Any

import pytest

from agents.protocol.events import Finished, ToolStarted, TurnFinished
from agents.states import FailureReason
from tests.agents.conftest import MakeAssignment, finish, work

FILES = {"runtime": "anthropic", "tools": ["list_files", "read_file", "write_file", "report"]}


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)


def test_a_note_is_written_for_real(assign: MakeAssignment):
    assignment = assign("write a note to notes.md saying buy milk", **FILES)
    events = work(assignment)
    assert assignment.workspace
    assert (assignment.workspace / "notes.md").read_text() == "buy milk\n"
    assert [event.name for event in events if isinstance(event, ToolStarted)] == ["write_file"]


def test_thirty_turns_are_thirty_turns(assign: MakeAssignment):
    events = work(assign("[[offline: turns=30]]", max_turns=50, **FILES))
    turns = [event for event in events if isinstance(event, TurnFinished)]
    assert [turn.turn for turn in turns] == list(range(1, 31))
    assert isinstance(events[-1], Finished)
    assert events[-1].outcome == "completed"


def test_a_step_limit_still_delivers_an_answer(assign: MakeAssignment):
    finished = finish(assign("[[offline: turns=30]]", max_turns=5, **FILES))
    assert (finished.reason, finished.partial) == (FailureReason.TURN_LIMIT_EXCEEDED, True)
    assert "I have to answer now, at turn 5" in finished.text


def test_a_heartbeat_reports(assign: MakeAssignment):
    finished = finish(assign("watch notes.md", **FILES))
    assert finished.report
    assert finished.report["changed"] is True


@pytest.mark.parametrize(
    ("directive", "reason"),
    [
        ("429=9", FailureReason.RATE_LIMITED),
        ("529=9", FailureReason.OVERLOADED),
        ("fail=500", FailureReason.SDK_ERROR),
        ("fail=504", FailureReason.TIMEOUT),
        ("badkey", FailureReason.AUTH_FAILED),
        ("spend", FailureReason.BUDGET_EXCEEDED),
        ("refusal", FailureReason.REFUSAL),
        ("stream_error=overloaded", FailureReason.OVERLOADED),
        ("tokens=9 cut=3", FailureReason.SDK_ERROR),
        ("tokens=9 drop=3", FailureReason.SDK_ERROR),
        ("repeat=20", FailureReason.TURN_LIMIT_EXCEEDED),
        ("empty", FailureReason.SDK_ERROR),
        ("stop=max_tokens", FailureReason.TRUNCATED),
        ("stop=model_context_window_exceeded", FailureReason.CONTEXT_WINDOW_EXCEEDED),
        ("typo=1", FailureReason.SDK_ERROR),
    ],
)
def test_each_fault_has_its_failure_reason(assign: MakeAssignment, directive: str, reason: FailureReason):
    finished = finish(assign(f"[[offline: {directive}]]", max_turns=30, **FILES))
    assert finished.reason is reason


def test_it_is_free_of_charge(assign: MakeAssignment):
    events: list[Any] = work(assign("hello", **FILES))
    assert sum(event.cost_usd for event in events if isinstance(event, TurnFinished)) == Decimal(0)
