"""What is coming up."""

import re
from typing import Any

from agents.offline.assistant.formatting import Row, bullets, count, first, format_error, moment, table
from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.skills.runs import schedule_of
from agents.offline.history import Result
from agents.offline.script import Call, Script

HOURS = re.compile(r"\b(\d{1,3})\s*(?:h\b|hours?)", re.IGNORECASE)
MOST_ROWS = 30


def name_of(row: Row) -> Any:
    """Name what will run."""
    return first({**row, "named": schedule_of(row)}, "named", "name", "title")


def start_of(row: Row) -> str:
    """Say when it is expected to start."""
    when = first(
        row, "predicted_start", "predicted_start_at", "start_at", "starts_at", "start", "nominal_at", "at"
    )
    return moment(when, row.get("timezone"))


def wait_of(row: Row) -> str:
    """Say how long it will wait for a slot."""
    seconds = first(row, "wait_sec", "predicted_wait_sec", "slot_wait_sec", "wait")
    return f"{float(seconds):.0f} s" if isinstance(seconds, (int, float)) and seconds else ""


COLUMNS = {"Start": start_of, "Schedule": name_of, "Waits": wait_of}


def forecast(wish: IntentRequest) -> Script:
    """Show what will run in the hours that were asked for."""
    hours = hours_in(wish.text)
    found = yield Call("forecast", {"hours": hours}, f"Looking {hours} hours ahead.")
    if found.failed:
        return format_error("make a forecast", found)
    if not found.items:
        return f"Nothing is due in the next {hours} hours."
    return "\n\n".join(
        filter(None, [f"{count(len(found.items), 'run')} due in the next {hours} hours.", *shown(found)])
    )


def hours_in(text: str) -> int:
    """Read how far to look; the offline model has no clock, so "tonight" is a day and "tomorrow" two."""
    if said := HOURS.search(text):
        return min(max(int(said[1]), 1), 48)
    return 48 if re.search(r"tomorrow|two days|weekend", text, re.IGNORECASE) else 24


def shown(found: Result) -> list[str]:
    """Show the runs, and what adds up over them."""
    rows = found.items
    more = f"… and {len(rows) - MOST_ROWS} more." if len(rows) > MOST_ROWS else ""
    return [table(rows[:MOST_ROWS], COLUMNS), more, bullets(totals(found))]


def totals(found: Result) -> dict[str, Any]:
    """Collect the plain figures that stand beside the list."""
    data = found.data if isinstance(found.data, dict) else {}
    figures = {**data, **(data["summary"] if isinstance(data.get("summary"), dict) else {})}
    plain = {key: value for key, value in figures.items() if isinstance(value, (int, float, str))}
    return {
        key.replace("_", " ").capitalize(): value
        for key, value in plain.items()
        if key not in ("count", "hours")
    }
