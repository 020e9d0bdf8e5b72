"""Forecasts upcoming runs."""

import re
from typing import Any

from agents.offline.assistant.formatting import Row, bullets, count, first, format_error, moment, table
from agents.offline.assistant.intents import IntentRequest
from agents.offline.assistant.skills.runs import schedule_of
from agents.offline.history import Result
from agents.offline.script import Call, Script

HOURS = re.compile(r"\b(\d{1,3})\s*(?:h\b|hours?)", re.IGNORECASE)
MAX_ROWS = 30


def name_of(row: Row) -> Any:
    """Return the schedule of a run."""
    return first({**row, "named": schedule_of(row)}, "named", "name", "title")


def start_of(row: Row) -> str:
    """Return the expected start."""
    when = first(
        row, "predicted_start", "predicted_start_at", "start_at", "starts_at", "start", "nominal_at", "at"
    )
    return moment(when, row.get("timezone"))


def wait_of(row: Row) -> str:
    """Return the expected wait for a slot."""
    seconds = first(row, "wait_sec", "predicted_wait_sec", "slot_wait_sec", "wait")
    return f"{float(seconds):.0f} s" if isinstance(seconds, (int, float)) and seconds else ""


COLUMNS = {"Start": start_of, "Schedule": name_of, "Waits": wait_of}


def forecast(intent: IntentRequest) -> Script:
    """List the runs of the requested hours."""
    hours = hours_in(intent.text)
    result = yield Call("forecast", {"hours": hours}, f"Looking {hours} hours ahead.")
    if result.failed:
        return format_error("make a forecast", result)
    if not result.items:
        return f"Nothing is due in the next {hours} hours."
    return "\n\n".join(
        filter(None, [f"{count(len(result.items), 'run')} due in the next {hours} hours.", *sections(result)])
    )


def hours_in(text: str) -> int:
    """Return the requested hours; without a clock "tonight" means 24 and "tomorrow" 48."""
    if match := HOURS.search(text):
        return min(max(int(match[1]), 1), 48)
    return 48 if re.search(r"tomorrow|two days|weekend", text, re.IGNORECASE) else 24


def sections(result: Result) -> list[str]:
    """Return the table of runs and the totals."""
    rows = result.items
    more = f"… and {len(rows) - MAX_ROWS} more." if len(rows) > MAX_ROWS else ""
    return [table(rows[:MAX_ROWS], COLUMNS), more, bullets(totals(result))]


def totals(result: Result) -> dict[str, Any]:
    """Return the figures of the result besides the list."""
    data = result.data if isinstance(result.data, dict) else {}
    figures = {**data, **(data["summary"] if isinstance(data.get("summary"), dict) else {})}
    plain = {key: value for key, value in figures.items() if isinstance(value, (int, float, str))}
    return {
        key.replace("_", " ").capitalize(): value
        for key, value in plain.items()
        if key not in ("count", "hours")
    }
