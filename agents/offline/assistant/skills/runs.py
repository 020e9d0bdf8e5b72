"""What ran, what failed, and why."""

from typing import Any

from agents.offline.assistant.formatting import (
    Row,
    bullets,
    cell,
    count,
    first,
    format_error,
    line,
    moment,
    money,
    table,
)
from agents.offline.assistant.intent import IntentRequest
from agents.offline.script import Call, Script
from stagent.lib.text import clip

LOOK_INTO = 3  # failed runs to open, in one turn

ADVICE = {
    "turn_limit_exceeded": "it needed more agent steps than it may take: raise its limit or ask for less.",
    "timeout": "the model or the network took too long; it is tried again by itself.",
    "budget_exceeded": "the money or token budget is used up: raise it or wait for the next day.",
    "auth_failed": "the API key was refused: check ANTHROPIC_API_KEY.",
    "rate_limited": "the provider asked to slow down; it is tried again by itself.",
    "overloaded": "the provider was overloaded; it is tried again by itself.",
    "aborted": "somebody, or a shutdown, stopped it.",
    "lease_expired": "it ran past its time limit: raise the limit or ask for less.",
    "worker_lost": "the process that ran it went away; look for a crash or a restart.",
    "refusal": "the model refused: read what it said and reword the prompt.",
    "context_window_exceeded": "the conversation grew too long for the model: ask for less at once.",
    "truncated": "the answer was cut at the token limit.",
    "tool_error": "a tool kept failing: open the run and read its last tool call.",
    "sdk_error": "an unexpected error between us and the provider: open the run for the details.",
}


def schedule_of(row: Row) -> Any:
    """Name the schedule of a run."""
    schedule = row.get("schedule")
    inner = schedule.get("name") if isinstance(schedule, dict) else schedule
    return first({**row, "inner": inner}, "schedule_name", "inner", "schedule_id")


def ended(row: Row) -> str:
    """Say when a run ended, or was queued."""
    return moment(first(row, "finished_at", "slot_claimed_at", "queued_at"))


COLUMNS = {
    "Run": lambda row: row.get("id"),
    "Schedule": schedule_of,
    "Status": lambda row: row.get("status"),
    "When": ended,
    "Steps": lambda row: row.get("turn_count"),
    "Cost": lambda row: money(row.get("cost_usd", 0)),
    "Reason": lambda row: first(row, "failure_reason", "wait_reason"),
}


def failures(wish: IntentRequest) -> Script:
    """List the failed runs, open the latest ones and say why they failed."""
    schedule = wish.schedule
    wanted = {"status": "failed", "limit": 10, **({"schedule": schedule} if schedule else {})}
    found = yield Call("list_runs", wanted, "Looking for failed runs.")
    if found.failed:
        return format_error("list the failed runs", found)
    if not found.items:
        return f"Nothing failed{f' in “{schedule}”' if schedule else ''}: there is no failed run on record."
    latest = found.items[:LOOK_INTO]
    looks = yield [Call("get_run", {"run": str(row.get("id"))}, "Opening the latest ones.") for row in latest]
    details = [{**row, **look.record} for row, look in zip(latest, looks, strict=True) if not look.failed]
    return failure_report(found.items, details or latest)


def failure_report(rows: list[Row], details: list[Row]) -> str:
    """Write up what failed and why."""
    reasons = dict.fromkeys(str(row.get("failure_reason") or "unknown") for row in rows)
    parts = [
        f"{count(len(rows), 'failed run')}.",
        table(rows, COLUMNS),
        "**Why**",
        "\n".join(why(row) for row in details),
        "**What to do**",
        "\n".join(
            f"- `{reason}`: {ADVICE.get(reason, 'open the run and read its last events.')}"
            for reason in reasons
        ),
    ]
    return "\n\n".join(parts)


def why(row: Row) -> str:
    """Say in a line why one run failed."""
    said = first(row, "failure_message", "failure_detail", "error", "message", "detail", "result")
    reason = row.get("failure_reason") or "unknown"
    words = line(str(said), 240) if said else "it left no message."
    return f"- Run {row.get('id')} ({cell(schedule_of(row))}), `{reason}`: {words}"


def recent(wish: IntentRequest) -> Script:
    """List the latest runs."""
    running = {"status": "running"} if "running" in wish.text.lower() else {}
    found = yield Call("list_runs", {**running, "limit": 10}, "Looking at the runs.")
    if found.failed:
        return format_error("list the runs", found)
    if not found.items:
        return "Nothing is running." if running else "Nothing has run yet."
    return f"{count(len(found.items), 'run')}, the latest first.\n\n{table(found.items, COLUMNS)}"


def detail(wish: IntentRequest) -> Script:
    """Show one run."""
    return (yield from opened(wish.words["run"]))


def opened(run: str) -> Script:
    """Open a run and tell it."""
    found = yield Call("get_run", {"run": run}, f"Opening run {run}.")
    return format_error(f"open run {run}", found) if found.failed else told_run(found.record)


def last_result(wish: IntentRequest) -> Script:
    """Show what the latest run of a schedule said."""
    name = wish.schedule
    found = yield Call("list_runs", {"schedule": name, "limit": 1}, f"Looking for the last run of “{name}”.")
    if found.failed:
        return format_error(f"list the runs of “{name}”", found)
    if not found.items:
        return f"“{name}” has not run yet."
    run = str(found.items[0].get("id"))
    return (yield from opened(run))


def told_run(row: Row) -> str:
    """Tell one run: how it went, what it cost, what it said."""
    facts = {
        "Schedule": schedule_of(row),
        "Attempt": row.get("attempt"),
        "Ended": ended(row),
        "Steps": row.get("turn_count"),
        "Tokens": tokens(row),
        "Cost": money(row.get("cost_usd", 0)),
        "Waiting for": row.get("wait_reason"),
        "Failed because": row.get("failure_reason"),
    }
    said = str(row.get("result") or "").strip()
    parts = [f"Run {row.get('id', '?')} is {row.get('status', 'of unknown status')}.", bullets(facts)]
    return "\n\n".join(filter(None, [*parts, f"It said:\n\n{quoted(said)}" if said else ""]))


def tokens(row: Row) -> str:
    """Say how much was read and written."""
    read, written = row.get("input_tokens"), row.get("output_tokens")
    return f"{read} in, {written} out" if read or written else ""


def quoted(text: str) -> str:
    """Set text apart as a quotation."""
    return "\n".join(f"> {row}" for row in clip(text, 2000).splitlines())
