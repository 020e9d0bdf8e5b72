"""Formats tool results as Markdown."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agents.offline.attachments import AttachedFile
from agents.offline.history import Result
from agents.protocol.shared_texts import NOT_APPROVED_RESULTS
from stagent.lib.text import UNKNOWN, shorten

type Row = dict[str, Any]
type Columns = Mapping[str, Callable[[Row], Any]]

DASH = "–"
MAX_LINES = 60


def format_result(result: Result, limit: int = 200) -> str:
    """Return a result in one line."""
    if result.failed:
        return f"failed: {line(result.text, limit)}"
    if result.items:
        return f"{count(len(result.items), 'item')}: {', '.join(title(row) for row in result.items[:5])}"
    return line(result.text, limit) or "nothing"


def format_error(what: str, result: Result) -> str:
    """Return a sentence about a failed call; a call without approval was not made."""
    if result.text.startswith(NOT_APPROVED_RESULTS):
        return f"I did not {what}. {line(result.text, 400)}"
    return f"I could not {what}: {line(error_message(result), 400)}"


def error_message(result: Result) -> str:
    """Return the message of a failed result, from its JSON if it has any."""
    data = result.data if isinstance(result.data, dict) else {}
    fields = data.get("fields")
    detail = (
        f" ({', '.join(f'{key}: {value}' for key, value in fields.items())})"
        if isinstance(fields, dict)
        else ""
    )
    return f"{data.get('message') or data.get('error')}{detail}" if data else result.text


def table(rows: Iterable[Row], columns: Columns) -> str:
    """Return a Markdown table without empty columns."""
    cells = [[cell(read(row)) for read in columns.values()] for row in rows]
    used = [number for number in range(len(columns)) if any(row[number] != DASH for row in cells)]
    names = [list(columns)[number] for number in used]
    lines = [names, ["---"] * len(names), *([row[number] for number in used] for row in cells)]
    return "\n".join(f"| {' | '.join(entries)} |" for entries in lines)


def cell(value: Any) -> str:
    """Format a value for a table cell."""
    text = DASH if value is None or value == "" else str(value)
    return line(text, 120).replace("|", "\\|")


def bullets(pairs: dict[str, Any]) -> str:
    """Return the non-empty facts, one per line."""
    return "\n".join(f"- **{name}:** {value}" for name, value in pairs.items() if value not in (None, "", []))


def line(text: str, limit: int) -> str:
    return shorten(text, limit)


def count(number: int, noun: str) -> str:
    """Return "1 run", "2 runs"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def title(row: Row) -> str:
    """Return the name of a row, or its id."""
    name = first(row, "name", "schedule_name", "title", "path")
    return str(name) if name else f"{row.get('id', '?')}"


def first(row: Row, *keys: str) -> Any:
    """Return the first of these fields that is not empty."""
    return next((row[key] for key in keys if row.get(key) not in (None, "")), None)


def rhythm(row: Row) -> str:
    """Return when a schedule fires."""
    words = first(row, "description", "schedule_text", "when", "interval")
    cron = first(row, "cron", "cron_expression", "expression")
    code = f"`{cron}`" if cron else ""
    return f"{words} ({code})" if words and code and words != cron else str(words or code or "")


def moment(value: Any, zone: Any = None) -> str:
    """Format an ISO time, in the given time zone if it is valid."""
    try:
        when = datetime.fromisoformat(str(value))
    except ValueError:
        return "" if value is None else str(value)
    if when.tzinfo is None:
        return f"{when:%a %-d %b %Y, %H:%M}"
    local, label = in_zone(when, zone)
    return f"{local:%a %-d %b %Y, %H:%M} {label}"


def in_zone(when: datetime, zone: Any) -> tuple[datetime, str]:
    """Convert a time to a zone and return its label; an unknown zone leaves it unchanged."""
    try:
        return when.astimezone(ZoneInfo(str(zone))), str(zone)
    except (KeyError, ValueError, OSError):
        offset = f"{when:%:z}"
        return when, "UTC" if offset == "+00:00" else f"UTC{offset}"


def next_run(row: Row) -> str:
    """Return when a schedule runs next."""
    return moment(first(row, "next_fire_at", "next_run_at", "next"), first(row, "timezone", "tz"))


def warnings(data: Any) -> str:
    """Return the warnings in a result, such as collisions."""
    entries = data.get("warnings") or [] if isinstance(data, dict) else []
    texts = [first(one, "message", "suggestion", "type") if isinstance(one, dict) else one for one in entries]
    return "; ".join(str(text) for text in texts if text)


def describe_files(files: list[AttachedFile]) -> str:
    """Return a sentence that lists the attached files."""
    return f"You gave me {count(len(files), 'file')}: {', '.join(map(str, files))}." if files else ""


def money(value: Any) -> str:
    """Format US dollars; empty for 0. None: the price of the model is unknown."""
    if value is None:
        return UNKNOWN
    try:
        return f"${float(value):.4f}" if float(value) else ""
    except (TypeError, ValueError):
        return ""


def fenced(text: str) -> str:
    """Return text in a code fence longer than any inside it, cut if it is long."""
    lines = text.rstrip("\n").splitlines()
    ticks = max((len(run) for run in re.findall(r"`{3,}", text)), default=2) + 1
    more = f"\n\n… {count(len(lines) - MAX_LINES, 'more line')}." if len(lines) > MAX_LINES else ""
    return f"{'`' * ticks}\n" + "\n".join(lines[:MAX_LINES]) + f"\n{'`' * ticks}{more}"
