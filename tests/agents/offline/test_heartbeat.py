"""Recurring checks: compare with the last check, store, report only changes."""

from typing import Any

import pytest

from agents.protocol.shared_texts import RECURRING_CHECK
from tests.support.offline import Conversation, ask, calls_of, converse, tools

CHECK = "check https://example.com and report if it changed"
NOTE = f"{RECURRING_CHECK} When you have looked, call the tool `report`."


class Workspace:
    """Files in memory, and a page and runs to check."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.page: Any = "https://example.com (200, text/html)\n\nPrice: 10\nIn stock"
        self.runs: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []

    def check(self, text: str = CHECK, **more: Any) -> Conversation:
        """Run one check."""
        answers = {
            "http_get": lambda _: self.page,
            "list_runs": lambda _: {"items": self.runs},
            "read_file": lambda given: self.files.get(given["path"], FileNotFoundError("No such file.")),
            "write_file": self._write,
            "report": self._report,
        }
        return converse(text, answers, **more)

    def _write(self, given: dict[str, str]) -> str:
        self.files[given["path"]] = given["content"]
        return "Wrote it."

    def _report(self, given: dict[str, Any]) -> str:
        self.reports.append(given)
        return "Noted."


def test_the_first_check_is_stored_and_not_a_change():
    workspace = Workspace()
    conversation = workspace.check()
    assert [name for name, _ in conversation.calls] == ["http_get", "read_file", "write_file", "report"]
    assert workspace.reports == [{"changed": False, "severity": "info", "body": "First check: 2 lines read."}]
    assert list(workspace.files.values()) == ["Price: 10\nIn stock"]


def test_an_unchanged_page_is_not_reported():
    workspace = Workspace()
    workspace.check()
    conversation = workspace.check()
    assert [name for name, _ in conversation.calls] == ["http_get", "read_file", "report"]
    assert workspace.reports[-1]["changed"] is False
    assert "Nothing has changed" in conversation.answer


def test_a_change_is_reported_line_by_line():
    workspace = Workspace()
    workspace.check()
    workspace.page = workspace.page.replace("10", "12")
    workspace.check()
    assert workspace.reports[-1]["changed"] is True
    assert "-Price: 10\n+Price: 12" in workspace.reports[-1]["body"]


def test_an_unreachable_page_is_reported_once():
    workspace = Workspace()
    workspace.check()
    workspace.page = ConnectionError("It does not answer.")
    workspace.check()
    workspace.check()
    assert [report["changed"] for report in workspace.reports] == [False, True, False]
    assert workspace.reports[1]["severity"] == "warning"


def test_failed_runs_count_as_a_change_at_the_first_check():
    workspace = Workspace()
    workspace.runs = [
        {"id": "7", "schedule_name": "Nightly", "status": "failed", "failure_reason": "timeout"}
    ]
    workspace.check("tell me if any run failed")
    workspace.check("tell me if any run failed")
    assert workspace.reports[0]["severity"] == "warning"
    assert "7 Nightly failed timeout" in workspace.reports[0]["body"]
    assert [report["changed"] for report in workspace.reports] == [True, False]


def test_without_file_tools_it_reports_that_it_cannot_store():
    conversation = converse(CHECK, {"http_get": "x", "report": "Noted."})
    assert "I could not store the result" in conversation.answer


def test_a_failed_report_is_mentioned():
    conversation = converse(CHECK, {"http_get": "x", "report": RuntimeError("No.")})
    assert "I could not file the report: No." in conversation.answer


def test_the_note_of_the_engine_makes_any_prompt_a_check():
    workspace = Workspace()
    workspace.check("Look at the failed runs.", system=NOTE)
    assert len(workspace.reports) == 1


def test_a_prompt_with_nothing_to_check_reports_no_change():
    workspace = Workspace()
    conversation = workspace.check("Look at the weather.", system=NOTE)
    assert workspace.reports[0]["changed"] is False
    assert "names nothing that the offline model can check" in conversation.answer


@pytest.mark.parametrize(
    "words", ["pause Nightly report", "when does Nightly report run next?", "list schedules"]
)
def test_a_request_about_a_report_is_not_a_check(words: str):
    offered = tools(["report", "pause_schedule", "get_schedule", "list_schedules"])
    assert calls_of(ask(words, tools=offered))[0].name != "report"
