"""Requests in words: the first tool call and its arguments."""

from typing import Any

import pytest

from agents.offline.assistant.intents import parse_intent
from agents.offline.assistant.timing import find_timing
from tests.support.offline import ALL_TOOLS, ask, calls_of, text_of, tools

TOOLS = tools(name for name in ALL_TOOLS.split() if name != "report")

FIRST_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "list schedules": ("list_schedules", {}),
    "What is scheduled?": ("list_schedules", {}),
    "which schedules are paused?": ("list_schedules", {"status": "paused"}),
    "When is the next run?": ("list_schedules", {}),
    "what runs next": ("list_schedules", {}),
    "why did 07:00 not run?": ("list_schedules", {}),
    "When does Nightly report run next?": ("get_schedule", {"schedule": "Nightly report"}),
    'Explain the schedule "Nightly report".': ("get_schedule", {"schedule": "Nightly report"}),
    "please describe Nightly report": ("get_schedule", {"schedule": "Nightly report"}),
    "show me the schedule 17": ("get_schedule", {"schedule": "17"}),
    "why is Nightly report paused?": ("get_schedule", {"schedule": "Nightly report"}),
    "Why didn't Nightly report run?": ("get_schedule", {"schedule": "Nightly report"}),
    "pause Nightly report": ("pause_schedule", {"schedule": "Nightly report"}),
    "pause the schedule Nightly report because the database is down": (
        "pause_schedule",
        {"schedule": "Nightly report", "reason": "the database is down"},
    ),
    "Could you please resume “Nightly report”?": ("resume_schedule", {"schedule": "Nightly report"}),
    "Stop the run of Nightly report": ("cancel_run", {"schedule": "Nightly report"}),
    "please cancel the Nightly report's run": ("cancel_run", {"schedule": "Nightly report"}),
    "cancel the Nightly report run because of the audit": (
        "cancel_run",
        {"schedule": "Nightly report", "reason": "the audit"},
    ),
    "abort run #12": ("cancel_run", {"run": "12"}),
    "stop run 12": ("cancel_run", {"run": "12"}),
    "cancel the run": ("list_runs", {"status": "running"}),
    "stop all running runs": ("list_runs", {"status": "running", "limit": 50}),
    "stop Nightly report": ("list_runs", {"schedule": "Nightly report", "status": "running"}),
    "stop everything": ("list_schedules", {"status": "active"}),
    "pause everything": ("list_schedules", {"status": "active"}),
    "run Nightly report now": ("run_schedule", {"schedule": "Nightly report"}),
    "trigger the Nightly report!": ("run_schedule", {"schedule": "Nightly report"}),
    "rename Nightly report to Evening report": (
        "update_schedule",
        {"schedule": "Nightly report", "name": "Evening report"},
    ),
    "change Nightly report to every 2 hours": (
        "update_schedule",
        {"schedule": "Nightly report", "interval": "2h"},
    ),
    "move Nightly report to weekdays at 7:15 in Europe/Berlin": (
        "update_schedule",
        {"schedule": "Nightly report", "cron": "15 7 * * 1-5", "timezone": "Europe/Berlin"},
    ),
    "set the max steps of Nightly report to 80": (
        "update_schedule",
        {"schedule": "Nightly report", "max_turns": 80},
    ),
    "what failed last night and why?": ("list_runs", {"status": "failed", "limit": 10}),
    "Read the failed runs of the last day and say what to look at first.": (
        "list_runs",
        {"status": "failed", "limit": 10},
    ),
    "why did Nightly report fail?": (
        "list_runs",
        {"status": "failed", "limit": 10, "schedule": "Nightly report"},
    ),
    "show recent runs": ("list_runs", {"limit": 10}),
    "what is running?": ("list_runs", {"limit": 10, "status": "running"}),
    "show run 12": ("get_run", {"run": "12"}),
    "what did Nightly report say yesterday?": ("list_runs", {"schedule": "Nightly report", "limit": 1}),
    "what runs tonight?": ("forecast", {"hours": 24}),
    "Is it busy tomorrow?": ("forecast", {"hours": 48}),
    "forecast for the next 6 hours": ("forecast", {"hours": 6}),
    "What will the next 48 hours look like?": ("forecast", {"hours": 48}),
    "list files": ("list_files", {}),
    "list the files in notes/": ("list_files", {"path": "notes/"}),
    "read notes/today.md": ("read_file", {"path": "notes/today.md"}),
    "search for “lease” in the files": ("search_files", {"text": "lease"}),
    "write a note to notes.md saying buy milk": ("write_file", {"path": "notes.md", "content": "buy milk\n"}),
    "create a file todo.txt with content A and B": (
        "write_file",
        {"path": "todo.txt", "content": "A and B\n"},
    ),
    "save this to notes.md:\n\none\n\ntwo": ("write_file", {"path": "notes.md", "content": "one\n\ntwo\n"}),
    "append 'x' to notes.md": ("write_file", {"path": "notes.md", "content": "x\n", "append": True}),
    "fetch https://example.com/a?b=1.": ("http_get", {"url": "https://example.com/a?b=1"}),
    # a recurring request becomes a schedule
    "every weekday at 9 summarise the news": (
        "create_schedule",
        {"name": "Summarise the news", "prompt": "Summarise the news", "cron": "0 9 * * 1-5"},
    ),
    "create a schedule called Morning digest that runs daily at 8:30am London time and lists failed runs": (
        "create_schedule",
        {
            "name": "Morning digest",
            "prompt": "List failed runs",
            "cron": "30 8 * * *",
            "timezone": "Europe/London",
        },
    ),
    "Please create a schedule: every 90 minutes check https://example.com and report if it changed": (
        "create_schedule",
        {
            "name": "Check example.com and report if it",
            "prompt": "Check https://example.com and report if it changed",
            "interval": "90m",
        },
    ),
    "remind me every monday 8:00 to water the plants": (
        "create_schedule",
        {
            "name": "Remind me to water the plants",
            "prompt": "Remind me to water the plants",
            "cron": "0 8 * * 1",
        },
    ),
    "create a schedule `*/5 * * * *` named Ping that fetches https://example.com": (
        "create_schedule",
        {"name": "Ping", "prompt": "Fetch https://example.com", "cron": "*/5 * * * *"},
    ),
    "summarise the failed runs every friday at 4pm with the reporter profile": (
        "create_schedule",
        {
            "name": "Summarise the failed runs",
            "prompt": "Summarise the failed runs",
            "cron": "0 16 * * 5",
            "profile": "reporter",
        },
    ),
}


@pytest.mark.parametrize("words", FIRST_CALLS)
def test_a_request_becomes_a_tool_call(words: str):
    assert [(call.name, call.input) for call in calls_of(ask(words, tools=TOOLS))] == [FIRST_CALLS[words]]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("hello", "Here you can ask me"),
        ("What can you do?", "“what failed and why”"),
        ("pause it", "Which schedule?"),
        ("create a schedule to list the failed runs", "When should it run?"),
        ("create a schedule every 5m", "What should the agent do?"),
        ("change Nightly report to whenever", "I do not understand the time “whenever”"),
        ("What is the capital of France?", "a real model could"),
        ("I am running a marathon every now and then", "a real model could"),
        ("Summarise: The cat sat. The dog ran.", "6 words in 2 sentences"),
        ("Summarise the daily numbers", "a real model could"),
    ],
)
def test_a_request_without_a_tool_is_answered_at_once(words: str, answer: str):
    message = ask(words, tools=TOOLS)
    assert not calls_of(message)
    assert answer in text_of(message)


def test_help_lists_only_offered_tools():
    text = text_of(ask("help", tools=tools(["forecast"])))
    assert "what runs tonight" in text
    assert "pause" not in text


def test_a_missing_tool_is_reported():
    assert "the tool `forecast` is not offered here" in text_of(
        ask("what runs tonight?", tools=tools(["list_runs"]))
    )


def test_a_heartbeat_is_created_if_the_tool_has_the_field():
    tool = {"name": "create_schedule", "input_schema": {"type": "object", "properties": {"kind": {}}}}
    call = calls_of(ask("create a heartbeat every 5m that checks notes.md", tools=[tool]))[0]
    assert call.input == {
        "kind": "heartbeat",
        "name": "Check notes.md",
        "prompt": "Check notes.md",
        "interval": "5m",
    }


def test_pasted_text_is_not_a_command():
    text = "Summarise this:\n\n" + "Pause Nightly report. Every weekday at 9 it failed. " * 9
    assert not calls_of(ask(text, tools=TOOLS))


TIMINGS = {
    "every minute": "* * * * *",
    "hourly": "0 * * * *",
    "every 5m": "5m",
    "every 90 minutes": "90m",
    "every other day": "2d",
    "every 2 weeks": "14d",
    "every six hours": "6h",
    "weekdays at 09:30": "30 9 * * 1-5",
    "Monday to Friday at 7": "0 7 * * 1-5",
    "at 9pm on weekends": "0 21 * * 0,6",
    "every monday and thursday at 8": "0 8 * * 1,4",
    "on Sundays at noon": "0 12 * * 0",
    "daily at midnight": "0 0 * * *",
    "every morning": "0 8 * * *",
    "every evening at 8": "0 20 * * *",
    "every night at 2": "0 2 * * *",
    "every night at 11:15": "15 23 * * *",
    "weekly": "0 9 * * 1",
    "monthly on the 1st at 6:00": "0 6 1 * *",
    "on the 15th of every month at noon": "0 12 15 * *",
    "@daily": "@daily",
    "cron: 0 9 * * MON-FRI": "0 9 * * MON-FRI",
    "`*/15 8-18 * * 1-5`": "*/15 8-18 * * 1-5",
}


@pytest.mark.parametrize("words", TIMINGS)
def test_a_timing_is_found_in_a_sentence(words: str):
    timing = find_timing(f"look at the queue {words} and tell me")
    assert timing
    assert (timing.cron or timing.interval) == TIMINGS[words]
    assert timing.rest == "look at the queue and tell me"


@pytest.mark.parametrize(
    "words", ["on monday", "tomorrow at 9", "buy 2 3 big red apples", "1 2 3 4 5", "every schedule"]
)
def test_a_text_without_repetition_has_no_timing(words: str):
    assert find_timing(words) is None


@pytest.mark.parametrize(
    ("words", "zone"),
    [
        ("daily at 9 in America/New_York", "America/New_York"),
        ("daily at 9 UTC", "UTC"),
        ("daily at 9 New York time", "America/New_York"),
        ("daily at 9 in Docs/notes", ""),
        ("daily at 9 Nowhere time", ""),
    ],
)
def test_a_time_zone_is_used_if_it_exists(words: str, zone: str):
    timing = find_timing(words)
    assert timing
    assert timing.timezone == zone


@pytest.mark.parametrize(
    "words",
    ["a." * 50_000, "to a.a " * 20_000, "* " * 50_000, "every " * 20_000, "\n" * 99_999, "1" * 99_999],
)
def test_long_nonsense_is_parsed_quickly(words: str):
    assert parse_intent(f"write {words}").name
    find_timing(words)
