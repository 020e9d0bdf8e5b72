"""The turn is derived from the messages alone, with notes, stops, other models and resumed runs."""

from typing import Any

import pytest

from agents.offline.request import OfflineRequest
from tests.support.offline import ask, calls_of, converse, result, text_of, tools, user

RUNS = tools(["list_runs", "get_run"])
CLOCK = {
    "type": "text",
    "text": "<stagent-clock>Scheduled for Monday, 2026-11-02 09:00 (UTC).</stagent-clock>",
}


def call_of(name: str, ident: str = "t1") -> dict[str, Any]:
    """Return a reply that asked for a tool."""
    return {"role": "assistant", "content": [{"type": "tool_use", "id": ident, "name": name, "input": {}}]}


def results_of(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def note(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def turn(*messages: dict[str, Any], **more: Any) -> int:
    return OfflineRequest("m", list(messages), **more).turn


def test_the_first_reply_is_turn_one():
    assert turn(*user("x")) == 1


def test_each_reply_since_the_prompt_counts():
    messages = [
        *user("x"),
        call_of("a"),
        results_of(result("t1", "1")),
        call_of("a", "t2"),
        results_of(result("t2", "2")),
    ]
    assert turn(*messages) == 3


def test_a_new_prompt_begins_anew():
    assert turn(*user("x"), {"role": "assistant", "content": "y"}, *user("z")) == 1


@pytest.mark.parametrize("text", ["Answer now.", "<stagent-note>You repeat yourself.</stagent-note>"])
def test_a_note_with_results_is_not_a_prompt(text: str):
    assert turn(*user("x"), call_of("a"), results_of(result("t1", "1"), note(text))) == 2


def test_text_in_a_message_after_results_is_a_prompt():
    messages = [*user("x"), call_of("a"), results_of(result("t1", "1")), *user("stop that, list schedules")]
    assert turn(*messages) == 1
    assert turn(*messages, tool_choice={"type": "none"}) == 2


def test_text_with_cancelled_calls_is_a_prompt():
    messages = [
        *user("x"),
        call_of("a"),
        results_of(result("t1", RuntimeError("Cancelled")), note("list schedules")),
    ]
    assert turn(*messages) == 1


def test_clock_and_notes_of_the_engine_are_not_part_of_the_prompt():
    messages = [results_of(note("list schedules"), CLOCK, note("<stagent-note>Hurry.</stagent-note>"))]
    assert OfflineRequest("m", messages).text == "list schedules"


def test_a_resumed_run_continues_where_it_was():
    whole = converse("[[offline: turns=5]]", {"list_runs": {"items": []}})
    resumed = ask(whole.messages[:5], tools=tools(["list_runs"]))
    assert resumed.to_dict() == whole.replies[2].to_dict()


def test_an_interrupted_call_is_reported():
    messages = [
        *user("show run 7"),
        call_of("get_run"),
        results_of(result("t1", RuntimeError("Interrupted before its result was kept")), CLOCK),
    ]
    assert "I could not open run 7: Interrupted before" in text_of(ask(messages, tools=RUNS))


def test_steps_of_another_model_are_skipped():
    messages = [*user("show run 7"), call_of("list_runs"), results_of(result("t1", "x"))]
    assert [call.name for call in calls_of(ask(messages, tools=RUNS))] == ["get_run"]


def test_a_run_whose_prompt_says_every_morning_creates_no_schedule():
    offered = tools(["create_schedule", "list_runs"])
    text = "Every morning at 9 list what failed"
    assert [call.name for call in calls_of(ask(text, tools=offered))] == ["create_schedule"]
    fired = ask([results_of(note(text), CLOCK)], tools=offered)
    assert [call.name for call in calls_of(fired)] == ["list_runs"]


def test_it_means_the_last_schedule():
    before = [
        *user("explain Nightly"),
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "t1", "name": "get_schedule", "input": {"schedule": "Nightly"}}
            ],
        },
    ]
    messages = [
        *before,
        results_of(result("t1", {"name": "Nightly"})),
        {"role": "assistant", "content": "It runs daily."},
        *user("pause it"),
    ]
    assert calls_of(ask(messages, tools=tools(["pause_schedule"])))[0].input == {"schedule": "Nightly"}
