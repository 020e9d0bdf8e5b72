"""The turn is told from the messages alone: notes, stops, other models and resumed runs included."""

from typing import Any

import pytest

from agents.offline.request import OfflineRequest
from tests.support.offline import ask, calls_of, result, talk, text_of, tools, user

RUNS = tools(["list_runs", "get_run"])
CLOCK = {
    "type": "text",
    "text": "<stagent-clock>Scheduled for Monday, 2026-11-02 09:00 (UTC).</stagent-clock>",
}


def used(name: str, ident: str = "t1") -> dict[str, Any]:
    """Return a reply that asked for a tool."""
    return {"role": "assistant", "content": [{"type": "tool_use", "id": ident, "name": name, "input": {}}]}


def answered(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def note(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def turn(*messages: dict[str, Any], **more: Any) -> int:
    return OfflineRequest("m", list(messages), **more).turn


def test_the_first_reply_is_turn_one():
    assert turn(*user("x")) == 1


def test_each_reply_since_the_prompt_counts():
    said = [*user("x"), used("a"), answered(result("t1", "1")), used("a", "t2"), answered(result("t2", "2"))]
    assert turn(*said) == 3


def test_a_new_prompt_begins_anew():
    assert turn(*user("x"), {"role": "assistant", "content": "y"}, *user("z")) == 1


@pytest.mark.parametrize("text", ["Answer now.", "<stagent-note>You repeat yourself.</stagent-note>"])
def test_a_note_beside_results_is_no_prompt(text: str):
    assert turn(*user("x"), used("a"), answered(result("t1", "1"), note(text))) == 2


def test_words_after_results_in_a_message_of_their_own_are_a_prompt():
    said = [*user("x"), used("a"), answered(result("t1", "1")), *user("stop that, list schedules")]
    assert turn(*said) == 1
    assert turn(*said, tool_choice={"type": "none"}) == 2


def test_words_beside_stopped_calls_are_a_prompt():
    said = [*user("x"), used("a"), answered(result("t1", RuntimeError("Cancelled")), note("list schedules"))]
    assert turn(*said) == 1


def test_the_engines_clock_and_notes_are_not_the_persons_words():
    said = [answered(note("list schedules"), CLOCK, note("<stagent-note>Hurry.</stagent-note>"))]
    assert OfflineRequest("m", said).text == "list schedules"


def test_a_resumed_run_goes_on_where_it_was():
    whole = talk("[[offline: turns=5]]", {"list_runs": {"items": []}})
    resumed = ask(whole.messages[:5], tools=tools(["list_runs"]))
    assert resumed.to_dict() == whole.replies[2].to_dict()


def test_an_interrupted_call_is_admitted():
    said = [
        *user("show run 7"),
        used("get_run"),
        answered(result("t1", RuntimeError("Interrupted before its result was kept")), CLOCK),
    ]
    assert "I could not open run 7: Interrupted before" in text_of(ask(said, tools=RUNS))


def test_steps_of_another_model_are_passed_over():
    said = [*user("show run 7"), used("list_runs"), answered(result("t1", "x"))]
    assert [call.name for call in calls_of(ask(said, tools=RUNS))] == ["get_run"]


def test_a_schedule_whose_prompt_says_every_morning_breeds_no_schedules():
    offered = tools(["create_schedule", "list_runs"])
    text = "Every morning at 9 list what failed"
    assert [call.name for call in calls_of(ask(text, tools=offered))] == ["create_schedule"]
    fired = ask([answered(note(text), CLOCK)], tools=offered)
    assert [call.name for call in calls_of(fired)] == ["list_runs"]


def test_it_is_the_schedule_that_was_spoken_of():
    before = [
        *user("explain Nightly"),
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "t1", "name": "get_schedule", "input": {"schedule": "Nightly"}}
            ],
        },
    ]
    said = [
        *before,
        answered(result("t1", {"name": "Nightly"})),
        {"role": "assistant", "content": "It runs daily."},
        *user("pause it"),
    ]
    assert calls_of(ask(said, tools=tools(["pause_schedule"])))[0].input == {"schedule": "Nightly"}
