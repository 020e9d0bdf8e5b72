"""Lists runs, failures and results."""

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
from agents.offline.assistant.intents import IntentRequest
from agents.offline.script import Call, Script
from stagent.lib.text import clip

MAX_DETAILS = 3  # failed runs to load in one turn

ADVICE = {
    "turn_limit_exceeded": "it reached its agent step limit: raise the limit or simplify the prompt.",
    "timeout": "the model or the network took too long; it is retried automatically.",
    "budget_exceeded": "the budget is spent: raise it or wait for the next window.",
    "auth_failed": "the API key was refused: check ANTHROPIC_API_KEY.",
    "rate_limited": "the provider limited the request rate; it is retried automatically.",
    "overloaded": "the provider was overloaded; it is retried automatically.",
    "aborted": "a person or a shutdown stopped it.",
    "lease_expired": "it reached its time limit: raise the limit or simplify the prompt.",
    "worker_lost": "the process that executed it ended: check for a crash or a restart.",
    "refusal": "the model refused: read its answer and reword the prompt.",
    "context_window_exceeded": "the conversation was too long for the model: simplify the prompt.",
    "truncated": "the answer was cut at the token limit.",
    "tool_error": "a tool failed repeatedly: open the run and read its last tool call.",
    "sdk_error": "an unexpected error between Stagent and the provider: open the run for details.",
}


def schedule_of(row: Row) -> Any:
    """Return the schedule of a run."""
    schedule = row.get("schedule")
    inner = schedule.get("name") if isinstance(schedule, dict) else schedule
    return first({**row, "inner": inner}, "schedule_name", "inner", "schedule_id")


def ended(row: Row) -> str:
    """Return when a run ended or was queued."""
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


def failures(intent: IntentRequest) -> Script:
    """List the failed runs, load the latest ones and explain their failures."""
    schedule = intent.schedule
    filters = {"status": "failed", "limit": 10, **({"schedule": schedule} if schedule else {})}
    result = yield Call("list_runs", filters, "Looking for failed runs.")
    if result.failed:
        return format_error("list the failed runs", result)
    if not result.items:
        return f"Nothing failed{f' in “{schedule}”' if schedule else ''}: there are no failed runs."
    latest = result.items[:MAX_DETAILS]
    results = yield [
        Call("get_run", {"run": str(row.get("id"))}, "Opening the latest ones.") for row in latest
    ]
    details = [
        {**row, **result.record} for row, result in zip(latest, results, strict=True) if not result.failed
    ]
    return failure_report(result.items, details or latest)


def failure_report(rows: list[Row], details: list[Row]) -> str:
    """Return the failed runs with reasons and advice."""
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
    """Return one line about why a run failed."""
    message = first(row, "failure_message", "failure_detail", "error", "message", "detail", "result")
    reason = row.get("failure_reason") or "unknown"
    text = line(str(message), 240) if message else "no message."
    return f"- Run {row.get('id')} ({cell(schedule_of(row))}), `{reason}`: {text}"


def recent(intent: IntentRequest) -> Script:
    """List the latest runs."""
    running = {"status": "running"} if "running" in intent.text.lower() else {}
    result = yield Call("list_runs", {**running, "limit": 10}, "Looking at the runs.")
    if result.failed:
        return format_error("list the runs", result)
    if not result.items:
        return "Nothing is running." if running else "Nothing has run yet."
    return f"{count(len(result.items), 'run')}, the latest first.\n\n{table(result.items, COLUMNS)}"


def detail(intent: IntentRequest) -> Script:
    """Show one run."""
    return (yield from open_run(intent.params["run"]))


def open_run(run: str) -> Script:
    """Load and describe a run."""
    result = yield Call("get_run", {"run": run}, f"Opening run {run}.")
    return format_error(f"open run {run}", result) if result.failed else format_run(result.record)


def last_result(intent: IntentRequest) -> Script:
    """Show the result of the latest run of a schedule."""
    name = intent.schedule
    result = yield Call("list_runs", {"schedule": name, "limit": 1}, f"Looking for the last run of “{name}”.")
    if result.failed:
        return format_error(f"list the runs of “{name}”", result)
    if not result.items:
        return f"“{name}” has not run yet."
    run = str(result.items[0].get("id"))
    return (yield from open_run(run))


def format_run(row: Row) -> str:
    """Describe one run: status, cost and result."""
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
    message = str(row.get("result") or "").strip()
    parts = [f"Run {row.get('id', '?')} is {row.get('status', 'of unknown status')}.", bullets(facts)]
    return "\n\n".join(filter(None, [*parts, f"Its answer:\n\n{quoted(message)}" if message else ""]))


def tokens(row: Row) -> str:
    """Return the input and output tokens."""
    input_tokens, output_tokens = row.get("input_tokens"), row.get("output_tokens")
    return f"{input_tokens} in, {output_tokens} out" if input_tokens or output_tokens else ""


def quoted(text: str) -> str:
    """Return text as a Markdown quotation."""
    return "\n".join(f"> {row}" for row in clip(text, 2000).splitlines())
