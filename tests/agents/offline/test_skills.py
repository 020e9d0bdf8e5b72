"""Whole conversations: the answers of the offline model to tool results."""

from typing import Any

from agents.offline.assistant.timing import Timing
from tests.support.offline import converse

NIGHTLY: dict[str, Any] = {
    "id": "3",
    "name": "Nightly report",
    "prompt": "List what failed.\nBe brief.",
    "cron": "0 7 * * *",
    "description": "At 07:00",
    "timezone": "Europe/Berlin",
    "status": "active",
    "next_fire_at": "2026-11-02T06:00:00+00:00",
    "max_turns": 50,
    "avg_turns_per_firing": 12.4,
    "failure_streak": 2,
    "last_failure_reason": "timeout",
    "firing_count": 41,
    "warnings": [{"type": "advice", "message": "Raise the limit to 80."}],
}
PING = {"id": "4", "name": "Ping | pong", "interval": "5m", "status": "paused", "next_fire_at": None}
FAILED = {
    "id": "88",
    "schedule_name": "Nightly report",
    "status": "failed",
    "failure_reason": "turn_limit_exceeded",
    "finished_at": "2026-11-01T06:10:00Z",
    "turn_count": 50,
    "cost_usd": "0.25",
}


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(rows), "count": len(rows)}


def test_schedules_are_a_table_soonest_first():
    answer = converse("list schedules", {"list_schedules": listed(PING, NIGHTLY)}).answer
    assert "There are 2 schedules. Next: **Nightly report**, Mon 2 Nov 2026, 07:00 Europe/Berlin." in answer
    assert (
        "| Nightly report | At 07:00 (`0 7 * * *`) | Mon 2 Nov 2026, 07:00 Europe/Berlin | active | timeout |"
        in answer
    )
    assert "| Ping \\| pong | 5m | – | paused | – |" in answer
    assert answer.index("| Nightly") < answer.index("| Ping")


def test_an_empty_list_of_schedules_is_reported():
    assert (
        "There are no paused schedules."
        in converse("which schedules are paused?", {"list_schedules": listed()}).answer
    )


def test_a_schedule_is_explained_with_its_trouble_and_task():
    answer = converse("explain Nightly report", {"get_schedule": {"schedule": NIGHTLY}}).answer
    assert "**Nightly report** is a schedule, active." in answer
    assert "- **Agent steps:** 12 on average, at most 50" in answer
    assert "- **Failures in a row:** 2" in answer
    assert "- **Advice:** Raise the limit to 80." in answer
    assert "> List what failed.\n> Be brief." in answer


def test_fields_that_are_missing_are_left_out():
    answer = converse("explain Nightly report", {"get_schedule": {"name": "Nightly report"}}).answer
    assert "None" not in answer
    assert "Failures" not in answer


def test_an_unknown_name_lists_the_existing_ones():
    unknown = {"error": "schedule_not_found", "message": "There is no schedule “Nitely”."}
    conversation = converse("explain Nitely", {"get_schedule": unknown, "list_schedules": listed(NIGHTLY)})
    assert [name for name, _ in conversation.calls] == ["get_schedule", "list_schedules"]
    assert "I could not find “Nitely”: There is no schedule “Nitely”." in conversation.answer
    assert "These schedules exist: **Nightly report**." in conversation.answer


def test_a_created_schedule_has_its_zone_next_firings_and_warnings():
    schedule = NIGHTLY | {"next_fires": ["2026-11-02T06:00:00Z", "2026-11-03T06:00:00Z"]}
    result = {
        "schedule": schedule,
        "warnings": [{"type": "cron_collision", "suggestion": "Move it to 07:20."}],
    }
    answer = converse("every day at 7 list what failed", {"create_schedule": result}).answer
    assert "Created **Nightly report**. Its prompt: “List what failed”" in answer
    assert "Next: Mon 2 Nov 2026, 07:00 Europe/Berlin; Tue 3 Nov 2026, 07:00 Europe/Berlin." in answer
    assert "- **Warning:** Move it to 07:20." in answer


def test_a_refused_schedule_names_the_field():
    refusal = {"error": "invalid", "message": "Bad cron.", "fields": {"cron": "Hour 25 does not exist."}}
    answer = converse("every day at 25 list what failed", {"create_schedule": refusal}).answer
    assert (
        "I could not create the schedule “List what failed”: Bad cron. (cron: Hour 25 does not exist.)"
        in answer
    )


def test_a_failed_call_is_reported():
    answer = converse(
        "pause Nightly report",
        {"pause_schedule": PermissionError("Denied by Alice."), "list_schedules": listed()},
    )
    assert "I could not pause “Nightly report”: Denied by Alice." in answer.answer


def test_pausing_reports_the_state():
    answer = converse(
        "pause Nightly report because of the audit",
        {"pause_schedule": NIGHTLY | {"status": "paused", "paused_reason": "the audit"}},
    ).answer
    assert "**Nightly report** is paused." in answer
    assert "- **Reason:** the audit" in answer


def test_pausing_everything_calls_all_in_one_turn():
    conversation = converse(
        "pause everything",
        {
            "list_schedules": listed(NIGHTLY, PING),
            "pause_schedule": lambda given: NIGHTLY if given["schedule"] == "3" else RuntimeError("Locked."),
        },
    )
    assert [len(reply.content) for reply in conversation.replies] == [2, 2, 1]
    assert "- **Nightly report**: paused" in conversation.answer
    assert "- **Ping | pong**: I could not do it: Locked." in conversation.answer


STOPPED = {
    "runs": [{"run_id": "91", "schedule_name": "Nightly report", "outcome": "asked to stop"}],
    "schedule": {"name": "Nightly report", "status": "active", "next_fire_at": None},
}


def test_stop_cancels_the_running_run_and_keeps_the_schedule():
    results = {"list_runs": listed({"id": "91"}), "cancel_run": STOPPED, "pause_schedule": NIGHTLY}
    conversation = converse("stop Nightly report", results)
    assert "Run 91 of **Nightly report**: asked to stop." in conversation.answer
    assert "The schedule is still active. To pause it too: “pause Nightly report”." in conversation.answer


def test_stop_pauses_the_schedule_if_no_run_is_running():
    results = {"list_runs": listed(), "cancel_run": STOPPED, "pause_schedule": NIGHTLY | {"status": "paused"}}
    assert "**Nightly report** is paused." in converse("stop Nightly report", results).answer


def test_a_missing_run_cannot_be_cancelled():
    results = {"cancel_run": PermissionError("No run is running.")}
    assert (
        "I could not cancel the run of “Nightly report”"
        in converse("cancel Nightly report's run", results).answer
    )


def test_without_a_name_the_only_running_run_is_cancelled_and_none_of_several():
    one = {"list_runs": listed({"id": "91"}), "cancel_run": STOPPED}
    assert "Run 91" in converse("cancel the run", one).answer
    several = {"list_runs": listed({"id": "91"}, {"id": "92"}), "cancel_run": STOPPED}
    assert "Which one?" in converse("cancel the run", several).answer


def test_running_now_reports_the_run():
    answer = converse("run Nightly report now", {"run_schedule": {"run_id": "91", "forced": False}}).answer
    assert "**Nightly report** was asked to run now." in answer
    assert "- **Run:** 91" in answer


def test_failures_are_listed_opened_and_explained():
    conversation = converse(
        "what failed and why?",
        {
            "list_runs": listed(FAILED, FAILED | {"id": "87", "failure_reason": "auth_failed"}),
            "get_run": lambda given: {"run": FAILED | {"id": given["run"], "result": "I got half way."}},
        },
    )
    assert [name for name, _ in conversation.calls] == ["list_runs", "get_run", "get_run"]
    assert len(conversation.replies) == 3
    assert "2 failed runs." in conversation.answer
    assert "- Run 88 (Nightly report), `turn_limit_exceeded`: I got half way." in conversation.answer
    assert "- `auth_failed`: the API key was refused: check ANTHROPIC_API_KEY." in conversation.answer
    assert "$0.2500" in conversation.answer


def test_no_failures_is_reported():
    assert (
        "Nothing failed: there are no failed runs."
        in converse("what failed?", {"list_runs": listed(), "get_run": {}}).answer
    )


def test_the_last_result_of_a_schedule_is_quoted():
    run = FAILED | {"status": "completed", "failure_reason": "", "result": "All is well."}
    conversation = converse("what did Nightly report say?", {"list_runs": listed(run), "get_run": run})
    assert conversation.calls[1] == ("get_run", {"run": "88"})
    assert "Run 88 is completed." in conversation.answer
    assert "> All is well." in conversation.answer


def test_a_forecast_is_a_table_with_its_totals():
    rows = [{"schedule_name": "Nightly report", "predicted_start": "2026-11-02T06:00:05Z", "wait_sec": 5}]
    answer = converse(
        "what runs tonight?", {"forecast": {"items": rows, "count": 1, "peak_concurrent": 2}}
    ).answer
    assert "1 run due in the next 24 hours." in answer
    assert "| Mon 2 Nov 2026, 06:00 UTC | Nightly report | 5 s |" in answer
    assert "- **Peak concurrent:** 2" in answer


def test_a_file_is_shown_in_a_fence_it_cannot_close():
    answer = converse("read notes.md", {"read_file": "# Title\n```\ncode\n```\n"}).answer
    assert "`notes.md` (4 lines):\n\n````\n# Title" in answer


def test_a_file_is_summarised():
    answer = converse(
        "summarise notes.md", {"read_file": "The lease lapsed. The reaper freed the slot. Lunch was good."}
    ).answer
    assert "`notes.md`: 11 words in 3 sentences." in answer


def test_a_missing_file_is_reported():
    answer = converse("read gone.md", {"read_file": FileNotFoundError("gone.md does not exist.")}).answer
    assert "I could not read `gone.md`: gone.md does not exist." in answer


def test_a_note_is_written_and_shown():
    conversation = converse(
        "write a note to notes.md saying buy milk", {"write_file": "Wrote 9 bytes to notes.md."}
    )
    assert conversation.calls == [("write_file", {"path": "notes.md", "content": "buy milk\n"})]
    assert "Wrote `notes.md`:\n\n```\nbuy milk\n```" in conversation.answer


def test_a_page_is_summarised_and_data_is_shown():
    page = "https://example.com (200, text/html)\n\nLeases end by themselves. Slots are rows."
    assert (
        "Fetched https://example.com: 7 words in 2 sentences."
        in converse("fetch https://example.com", {"http_get": page}).answer
    )
    data = 'https://example.com/x (200, application/json)\n\n{"a": 1}'
    assert '```\n{"a": 1}\n```' in converse("fetch https://example.com/x", {"http_get": data}).answer


def test_timing_fields_have_only_the_given_values():
    assert Timing("x", cron="0 9 * * *").fields == {"cron": "0 9 * * *"}
