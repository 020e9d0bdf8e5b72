"""Listing and explaining schedules."""

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
from agents.offline.assistant.intent import IntentRequest
from agents.offline.script import Call, Script

STATUS = re.compile(r"\b(active|paused|completed)\b", re.IGNORECASE)

COLUMNS = {
    "Schedule": title,
    "When": rhythm,
    "Next run": next_run,
    "Status": lambda row: row.get("status"),
    "Last failure": lambda row: row.get("last_failure_reason"),
}


def list_schedules(wish: IntentRequest) -> Script:
    """List the schedules, soonest first."""
    status = STATUS.search(wish.text)
    wanted = {"status": status[1].lower()} if status else {}
    found = yield Call("list_schedules", wanted, "Looking at the schedules.")
    if found.failed:
        return format_error("list the schedules", found)
    if not found.items:
        return f"There are no {wanted.get('status', '')} schedules.".replace("  ", " ")
    rows = sorted(found.items, key=soonest)
    return "\n\n".join([headline(rows, wanted.get("status", "")), table(rows, COLUMNS)])


def missed(wish: IntentRequest) -> Script:
    """Say where the answer stands to why an instant did not run, and how the schedules are."""
    where = "Every instant that came due has a firing, fired or not and why: see Firings in the admin."
    return f"{where}\n\n{yield from list_schedules(wish)}"


def headline(rows: list[Row], status: str) -> str:
    """Say how many there are and which comes next."""
    total = count(len(rows), f"{status} schedule".strip())
    verb = "is" if len(rows) == 1 else "are"
    coming = f" Next: **{title(rows[0])}**, {next_run(rows[0])}." if next_run(rows[0]) else ""
    return f"There {verb} {total}.{coming}"


def soonest(row: Row) -> tuple[bool, str]:
    """Order by the next run, those that have none last."""
    due = first(row, "next_fire_at", "next_run_at", "next")
    return due is None, str(due)


def explain(wish: IntentRequest) -> Script:
    """Explain one schedule; where nobody knows it, show which ones there are."""
    name = wish.schedule
    if not name:
        return (yield from list_schedules(wish))
    found = yield Call("get_schedule", {"schedule": name}, f"Looking up “{name}”.")
    if not found.failed:
        return explanation(found.record)
    others = yield Call("list_schedules", {}, "Looking for one of that name.")
    return "\n\n".join(filter(None, [format_error(f"find “{name}”", found), known(others.items)]))


def known(rows: list[Row]) -> str:
    """Offer the names that exist."""
    return f"These schedules exist: {', '.join(f'**{title(row)}**' for row in rows)}." if rows else ""


def explanation(row: Row) -> str:
    """Tell all that matters about one schedule."""
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
        "If it overlaps": row.get("overlap_policy"),
        "If it is missed": row.get("misfire_policy"),
    }
    return "\n\n".join(filter(None, [opening(row), bullets(facts), trouble(row), task(row)]))


def opening(row: Row) -> str:
    """Say what it is and how it stands."""
    kind = "a heartbeat" if row.get("kind") == "heartbeat" else "a schedule"
    return f"**{title(row)}** is {kind}, {row.get('status', 'of unknown status')}."


def steps(row: Row) -> str:
    """Say how many steps it takes and may take."""
    usual, limit = row.get("avg_turns_per_firing"), row.get("max_turns")
    least = "at least " if row.get("avg_is_lower_bound") else ""
    parts = [f"{least}{float(usual):.0f} on average" if usual else "", f"at most {limit}" if limit else ""]
    return ", ".join(filter(None, parts))


def times_fired(row: Row) -> str:
    """Say how often it has fired."""
    fired = row.get("firing_count")
    return count(int(fired), "time") if fired is not None else ""


def trouble(row: Row) -> str:
    """Say what is wrong with it, if anything is."""
    facts = {
        "Paused because": row.get("paused_reason"),
        "Last failure": row.get("last_failure_reason"),
        "Failures in a row": row.get("failure_streak") or None,
        "Turn-limit breaches in a row": row.get("turn_budget_breach_streak") or None,
        "Advice": warnings(row),
        "Deferred until": moment(row.get("deferred_until"), row.get("timezone")),
    }
    return bullets(facts)


def task(row: Row) -> str:
    """Quote what the agent is told to do."""
    prompt = str(row.get("prompt") or "").strip()
    return (
        "It tells the agent:\n\n" + "\n".join(f"> {line}" for line in prompt.splitlines()) if prompt else ""
    )
