"""Lists and explains schedules."""

import re

from agents.offline.assistant.formatting import (
    Row,
    bullets,
    count,
    first,
    format_error,
    moment,
    next_run,
    rhythm,
    table,
    title,
    warnings,
)
from agents.offline.assistant.intents import IntentRequest
from agents.offline.script import Call, Script

STATUS = re.compile(r"\b(active|paused|completed)\b", re.IGNORECASE)

COLUMNS = {
    "Schedule": title,
    "When": rhythm,
    "Next run": next_run,
    "Status": lambda row: row.get("status"),
    "Last failure": lambda row: row.get("last_failure_reason"),
}


def list_schedules(intent: IntentRequest) -> Script:
    """List the schedules, soonest first."""
    status = STATUS.search(intent.text)
    filters = {"status": status[1].lower()} if status else {}
    result = yield Call("list_schedules", filters, "Looking at the schedules.")
    if result.failed:
        return format_error("list the schedules", result)
    if not result.items:
        return f"There are no {filters.get('status', '')} schedules.".replace("  ", " ")
    rows = sorted(result.items, key=soonest)
    return "\n\n".join([headline(rows, filters.get("status", "")), table(rows, COLUMNS)])


def missed(intent: IntentRequest) -> Script:
    """Point to the firings, which record why a run did not start, and list the schedules."""
    hint = "Each due time of a schedule has a firing with its outcome and reason: see Firings in the console."
    return f"{hint}\n\n{yield from list_schedules(intent)}"


def headline(rows: list[Row], status: str) -> str:
    """Return the number of schedules and the next one."""
    total = count(len(rows), f"{status} schedule".strip())
    verb = "is" if len(rows) == 1 else "are"
    upcoming = f" Next: **{title(rows[0])}**, {next_run(rows[0])}." if next_run(rows[0]) else ""
    return f"There {verb} {total}.{upcoming}"


def soonest(row: Row) -> tuple[bool, str]:
    """Sort key: the next run, schedules without one last."""
    due = first(row, "next_fire_at", "next_run_at", "next")
    return due is None, str(due)


def explain(intent: IntentRequest) -> Script:
    """Explain one schedule; list the existing ones if it is unknown."""
    name = intent.schedule
    if not name:
        return (yield from list_schedules(intent))
    result = yield Call("get_schedule", {"schedule": name}, f"Looking up “{name}”.")
    if not result.failed:
        return explanation(result.record)
    others = yield Call("list_schedules", {}, "Looking at the existing schedules.")
    return "\n\n".join(filter(None, [format_error(f"find “{name}”", result), existing_names(others.items)]))


def existing_names(rows: list[Row]) -> str:
    """Return the names of the existing schedules."""
    return f"These schedules exist: {', '.join(f'**{title(row)}**' for row in rows)}." if rows else ""


def explanation(row: Row) -> str:
    """Describe one schedule."""
    zone = row.get("timezone")
    facts = {
        "Runs": rhythm(row),
        "Time zone": zone,
        "Next run": next_run(row),
        "Then": ", ".join(moment(later, zone) for later in row.get("next_fires") or []),
        "Profile": first(row, "profile", "profile_slug"),
        "Project": first(row, "project", "project_name"),
        "Agent steps": steps(row),
        "Fired": times_fired(row),
        "Overlap policy": row.get("overlap_policy"),
        "Misfire policy": row.get("misfire_policy"),
    }
    return "\n\n".join(filter(None, [opening(row), bullets(facts), problems(row), task(row)]))


def opening(row: Row) -> str:
    """Return its kind and status."""
    kind = "a heartbeat" if row.get("kind") == "heartbeat" else "a schedule"
    return f"**{title(row)}** is {kind}, {row.get('status', 'of unknown status')}."


def steps(row: Row) -> str:
    """Return its average steps and its limit."""
    usual, limit = row.get("avg_turns_per_firing"), row.get("max_turns")
    least = "at least " if row.get("avg_is_lower_bound") else ""
    parts = [f"{least}{float(usual):.0f} on average" if usual else "", f"at most {limit}" if limit else ""]
    return ", ".join(filter(None, parts))


def times_fired(row: Row) -> str:
    """Return how often it has fired."""
    fired = row.get("firing_count")
    return count(int(fired), "time") if fired is not None else ""


def problems(row: Row) -> str:
    """Return its failures, pauses and warnings."""
    facts = {
        "Paused because": row.get("paused_reason"),
        "Last failure": row.get("last_failure_reason"),
        "Failures in a row": row.get("failure_streak") or None,
        "Step-limit breaches in a row": row.get("turn_budget_breach_streak") or None,
        "Advice": warnings(row),
        "Deferred until": moment(row.get("deferred_until"), row.get("timezone")),
    }
    return bullets(facts)


def task(row: Row) -> str:
    """Quote the prompt."""
    prompt = str(row.get("prompt") or "").strip()
    return "Its prompt:\n\n" + "\n".join(f"> {line}" for line in prompt.splitlines()) if prompt else ""
