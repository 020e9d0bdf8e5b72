"""Checking on something and reporting only what changed."""

import difflib
import hashlib
import re
from dataclasses import dataclass

from agents.offline.assistant.formatting import Row, count, explained, line, title
from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.intents import PATH, URL
from agents.offline.assistant.skills.runs import schedule_of
from agents.offline.assistant.skills.web import body
from agents.offline.history import Result
from agents.offline.script import Call, Script, Steps
from stagent.lib.text import clip

WATCHING = re.compile(
    r"\breport\s+(?:back\s+)?(?:to\s+me\s+)?(?:only\s+)?(?:if|when|whether|any|changes|what\s+changed)\b"
    r"|\b(?:tell|alert|notify|let)\s+me\b.{0,20}\bif\b|\bif\b.{0,40}\bchange[ds]?\b|^(?:keep\s+an\s+eye|watch)\b",
    re.IGNORECASE,
)
RECURRING = re.compile(r"\brecurring check\b|\bcall `report` exactly once\b", re.IGNORECASE)
REMEMBERED_LINES = 500
REMEMBERED_CHARS = 20_000
NOTHING_TO_WATCH = (
    "The prompt names nothing that the offline model can watch: an address, a file, runs, schedules."
)


@dataclass(frozen=True)
class Verdict:
    """What a look came to."""

    changed: bool = False
    severity: str = "info"
    body: str = ""


def is_wanted(wish: IntentRequest) -> bool:
    """Whether the answer is to be a report."""
    return "report" in wish.ask.offered and bool(
        WATCHING.search(wish.text) or RECURRING.search(wish.ask.system)
    )


def watch(wish: IntentRequest) -> Script:
    """Look, compare with the last look, remember, report."""
    look = look_for(wish.text)
    if look is None:
        return (yield from report(Verdict(), NOTHING_TO_WATCH))
    now = yield look
    verdict = yield from judged(wish, look, now)
    return (yield from report(verdict, verdict.body))


def look_for(text: str) -> Call | None:
    """Choose what to look at."""
    text = text[:2000]
    if url := URL.search(text):
        return Call("http_get", {"url": url[0]}, f"Looking at {url[0]}.")
    if path := re.search(PATH, text):
        return Call("read_file", {"path": path["path"]}, f"Looking at `{path['path']}`.")
    if re.search(r"\bfail|\berrors?\b|\bruns?\b", text, re.IGNORECASE):
        return Call("list_runs", {"status": "failed", "limit": 20}, "Looking for failed runs.")
    if re.search(r"\bschedules?\b", text, re.IGNORECASE):
        return Call("list_schedules", {}, "Looking at the schedules.")
    if re.search(r"\b(?:files?|folder|workspace)\b", text, re.IGNORECASE):
        return Call("list_files", {}, "Looking at the files.")
    return None


def judged(wish: IntentRequest, look: Call, now: Result) -> Steps[Verdict]:
    """Compare a look with the one before, if there is a place to keep it."""
    seen = snapshot(now)
    if not {"read_file", "write_file"} <= set(wish.ask.offered):
        return first_look(look, now, seen, remembered=False)
    place = f"heartbeat-{hashlib.sha256(wish.text.encode()).hexdigest()[:8]}.txt"
    before = yield Call("read_file", {"path": place})
    old = None if before.failed else before.text.strip()
    if old == seen.strip():
        return Verdict(body="Nothing has changed since the last look.")
    kept = yield Call("write_file", {"path": place, "content": seen})
    if old is None:
        return first_look(look, now, seen, remembered=not kept.failed)
    return Verdict(
        changed=True,
        severity=severity(look, now),
        body=f"Changed since the last look:\n\n{difference(old, seen)}",
    )


def first_look(look: Call, now: Result, seen: str, *, remembered: bool) -> Verdict:
    """Judge a look that has nothing to be compared with; failures are news all the same."""
    note = "" if remembered else " I have no place to remember it, so every look is the first."
    alarming = now.failed or (look.name == "list_runs" and bool(now.items))
    summary = seen if alarming else f"{count(len(seen.splitlines()), 'line')} seen."
    return Verdict(alarming, severity(look, now), f"First look: {summary}{note}")


def severity(look: Call, now: Result) -> str:
    """Say how bad it is."""
    return "warning" if now.failed or (look.name == "list_runs" and now.items) else "info"


def snapshot(now: Result) -> str:
    """Write down what was seen, in lines that can be compared."""
    if now.failed:
        return f"It failed: {line(explained(now), 400)}"
    seen = "\n".join(map(row_line, now.items)) if now.data is not None else body(now.text)
    lines = [" ".join(entry.split()) for entry in seen.splitlines()]
    kept = "\n".join([entry for entry in lines if entry][:REMEMBERED_LINES])
    return clip(kept, REMEMBERED_CHARS) or "(nothing there)"


def row_line(row: Row) -> str:
    """Write a row down by what makes it the same or another."""
    parts = (row.get("id"), schedule_of(row) or title(row), row.get("status"), row.get("failure_reason"))
    return " ".join(str(part) for part in parts if part)


def difference(old: str, new: str) -> str:
    """Show the lines that came and went."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    shown = [line(entry, 200) for entry in lines if not entry.startswith("@@")]
    return "```diff\n" + "\n".join(shown[:20]) + "\n```"


def report(verdict: Verdict, said: str) -> Script:
    """Hand in the verdict and repeat it in words."""
    fields = {"changed": verdict.changed, "severity": verdict.severity, "body": verdict.body}
    filed = yield Call("report", fields)
    unsaid = f"\n\nI could not file the report: {explained(filed)}" if filed.failed else ""
    return f"{said or 'Nothing to report.'}{unsaid}"
