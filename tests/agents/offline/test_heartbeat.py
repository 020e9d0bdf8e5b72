"""Recurring checks: look, compare with the last look, remember, report only what changed."""

from typing import Any

import pytest

from tests.support.offline import Talk, ask, calls_of, talk, tools

CHECK = "check https://example.com and report if it changed"
NOTE = "This is a recurring check. When you have looked, call the tool `report`."


class Workspace:
    """Files in memory behind the file tools, and a page and runs to look at."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.page: Any = "https://example.com (200, text/html)\n\nPrice: 10\nIn stock"
        self.runs: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []

    def look(self, text: str = CHECK, **more: Any) -> Talk:
        """Make one check."""
        answers = {
            "http_get": lambda _: self.page,
            "list_runs": lambda _: {"items": self.runs},
            "read_file": lambda given: self.files.get(given["path"], FileNotFoundError("No such file.")),
            "write_file": self._write,
            "report": self._note,
        }
        return talk(text, answers, **more)

    def _write(self, given: dict[str, str]) -> str:
        self.files[given["path"]] = given["content"]
        return "Wrote it."

    def _note(self, given: dict[str, Any]) -> str:
        self.reports.append(given)
        return "Noted."


def test_the_first_look_is_remembered_and_no_news():
    workspace = Workspace()
    told = workspace.look()
    assert [name for name, _ in told.calls] == ["http_get", "read_file", "write_file", "report"]
    assert workspace.reports == [{"changed": False, "severity": "info", "body": "First look: 2 lines seen."}]
    assert list(workspace.files.values()) == ["Price: 10\nIn stock"]


def test_nothing_new_is_not_reported():
    workspace = Workspace()
    workspace.look()
    told = workspace.look()
    assert [name for name, _ in told.calls] == ["http_get", "read_file", "report"]
    assert workspace.reports[-1]["changed"] is False
    assert "Nothing has changed" in told.answer


def test_a_change_is_reported_line_by_line():
    workspace = Workspace()
    workspace.look()
    workspace.page = workspace.page.replace("10", "12")
    workspace.look()
    assert workspace.reports[-1]["changed"] is True
    assert "-Price: 10\n+Price: 12" in workspace.reports[-1]["body"]


def test_a_page_that_stays_away_is_reported_once():
    workspace = Workspace()
    workspace.look()
    workspace.page = ConnectionError("It does not answer.")
    workspace.look()
    workspace.look()
    assert [report["changed"] for report in workspace.reports] == [False, True, False]
    assert workspace.reports[1]["severity"] == "warning"


def test_failed_runs_are_news_at_the_first_look():
    workspace = Workspace()
    workspace.runs = [
        {"id": "7", "schedule_name": "Nightly", "status": "failed", "failure_reason": "timeout"}
    ]
    workspace.look("tell me if any run failed")
    workspace.look("tell me if any run failed")
    assert workspace.reports[0]["severity"] == "warning"
    assert "7 Nightly failed timeout" in workspace.reports[0]["body"]
    assert [report["changed"] for report in workspace.reports] == [True, False]


def test_without_files_it_says_that_it_cannot_remember():
    told = talk(CHECK, {"http_get": "x", "report": "Noted."})
    assert "I have no place to remember it" in told.answer


def test_a_report_that_could_not_be_filed_is_admitted():
    told = talk(CHECK, {"http_get": "x", "report": RuntimeError("No.")})
    assert "I could not file the report: No." in told.answer


def test_the_engines_note_makes_any_prompt_a_check():
    workspace = Workspace()
    workspace.look("Look at the failed runs.", system=NOTE)
    assert len(workspace.reports) == 1


def test_with_nothing_to_watch_it_reports_no_change_and_says_why():
    workspace = Workspace()
    told = workspace.look("Look at the weather.", system=NOTE)
    assert workspace.reports[0]["changed"] is False
    assert "names nothing that the offline model can watch" in told.answer


@pytest.mark.parametrize(
    "words", ["pause Nightly report", "when does Nightly report run next?", "list schedules"]
)
def test_a_request_about_a_report_is_no_check(words: str):
    offered = tools(["report", "pause_schedule", "get_schedule", "list_schedules"])
    assert calls_of(ask(words, tools=offered))[0].name != "report"
