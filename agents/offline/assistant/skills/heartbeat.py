"""Recurring checks that report only changes."""

import difflib
import hashlib
import re
from dataclasses import dataclass

from agents.offline.assistant.formatting import Row, count, error_message, line, title
from agents.offline.assistant.intents import PATH, URL, IntentRequest
from agents.offline.assistant.skills.runs import schedule_of
from agents.offline.assistant.skills.web import body
from agents.offline.history import Result
from agents.offline.script import Call, Script, Steps
from agents.protocol.shared_texts import RECURRING_CHECK
from stagent.lib.text import clip

WATCHING = re.compile(
    r"\breport\s+(?:back\s+)?(?:to\s+me\s+)?(?:only\s+)?(?:if|when|whether|any|changes|what\s+changed)\b"
    r"|\b(?:tell|alert|notify|let)\s+me\b.{0,20}\bif\b|\bif\b.{0,40}\bchange[ds]?\b|^(?:keep\s+an\s+eye|watch)\b",
    re.IGNORECASE,
)
RECURRING = re.compile(rf"{re.escape(RECURRING_CHECK)}|\bcall `report` exactly once\b", re.IGNORECASE)
MAX_STORED_LINES = 500
MAX_STORED_CHARS = 20_000
NOTHING_TO_CHECK = (
    "The prompt names nothing that the offline model can check: a URL, a file, runs or schedules."
)


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check."""

    changed: bool = False
    severity: str = "info"
    body: str = ""


def applies_to(intent: IntentRequest) -> bool:
    """Return whether the request is a recurring check."""
    return "report" in intent.request.offered and bool(
        WATCHING.search(intent.text) or RECURRING.search(intent.request.system)
    )


def run_check(intent: IntentRequest) -> Script:
    """Check, compare with the last check, store the state and report."""
    check = select_check(intent.text)
    if check is None:
        return (yield from report(Verdict(), NOTHING_TO_CHECK))
    result = yield check
    verdict = yield from compare(intent, check, result)
    return (yield from report(verdict, verdict.body))


def select_check(text: str) -> Call | None:
    """Return the call that reads what the text names, or None."""
    text = text[:2000]
    if url := URL.search(text):
        return Call("http_get", {"url": url[0]}, f"Checking {url[0]}.")
    if path := re.search(PATH, text):
        return Call("read_file", {"path": path["path"]}, f"Looking at `{path['path']}`.")
    if re.search(r"\bfail|\berrors?\b|\bruns?\b", text, re.IGNORECASE):
        return Call("list_runs", {"status": "failed", "limit": 20}, "Looking for failed runs.")
    if re.search(r"\bschedules?\b", text, re.IGNORECASE):
        return Call("list_schedules", {}, "Looking at the schedules.")
    if re.search(r"\b(?:files?|folder|workspace)\b", text, re.IGNORECASE):
        return Call("list_files", {}, "Looking at the files.")
    return None


def compare(intent: IntentRequest, check: Call, result: Result) -> Steps[Verdict]:
    """Compare with the stored result of the last check, if files can be read and written."""
    current = snapshot(result)
    if not {"read_file", "write_file"} <= set(intent.request.offered):
        return first_check(check, result, current, is_stored=False)
    path = f"heartbeat-{hashlib.sha256(intent.text.encode()).hexdigest()[:8]}.txt"
    before = yield Call("read_file", {"path": path})
    old = None if before.failed else before.text.strip()
    if old == current.strip():
        return Verdict(body="Nothing has changed since the last check.")
    stored = yield Call("write_file", {"path": path, "content": current})
    if old is None:
        return first_check(check, result, current, is_stored=not stored.failed)
    return Verdict(
        changed=True,
        severity=severity(check, result),
        body=f"Changed since the last check:\n\n{difference(old, current)}",
    )


def first_check(check: Call, result: Result, current: str, *, is_stored: bool) -> Verdict:
    """Return the verdict without an earlier result; failures count as a change."""
    note = "" if is_stored else " I could not store the result, so the next check cannot compare."
    has_failures = result.failed or (check.name == "list_runs" and bool(result.items))
    summary = current if has_failures else f"{count(len(current.splitlines()), 'line')} read."
    return Verdict(has_failures, severity(check, result), f"First check: {summary}{note}")


def severity(check: Call, result: Result) -> str:
    return "warning" if result.failed or (check.name == "list_runs" and result.items) else "info"


def snapshot(result: Result) -> str:
    """Return the result as lines that can be compared."""
    if result.failed:
        return f"It failed: {line(error_message(result), 400)}"
    current = "\n".join(map(row_line, result.items)) if result.data is not None else body(result.text)
    lines = [" ".join(entry.split()) for entry in current.splitlines()]
    stored = "\n".join([entry for entry in lines if entry][:MAX_STORED_LINES])
    return clip(stored, MAX_STORED_CHARS) or "(empty)"


def row_line(row: Row) -> str:
    """Return the fields that identify a row and its state."""
    parts = (row.get("id"), schedule_of(row) or title(row), row.get("status"), row.get("failure_reason"))
    return " ".join(str(part) for part in parts if part)


def difference(old: str, new: str) -> str:
    """Return the added and removed lines as a diff."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    shown = [line(entry, 200) for entry in lines if not entry.startswith("@@")]
    return "```diff\n" + "\n".join(shown[:20]) + "\n```"


def report(verdict: Verdict, text: str) -> Script:
    """Report the verdict and return the text."""
    fields = {"changed": verdict.changed, "severity": verdict.severity, "body": verdict.body}
    reported = yield Call("report", fields)
    note = f"\n\nI could not file the report: {error_message(reported)}" if reported.failed else ""
    return f"{text or 'Nothing to report.'}{note}"
