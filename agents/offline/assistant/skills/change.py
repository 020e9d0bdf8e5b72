"""Pausing, resuming, running and changing schedules."""

from typing import Any

from agents.offline.assistant.formatting import (
    bullets,
    first,
    format_error,
    next_run,
    rhythm,
    title,
    warnings,
)
from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.skills.schedules import known
from agents.offline.assistant.timing import find_timing
from agents.offline.history import Result
from agents.offline.script import Call, Script

EVERYTHING = ("everything", "all", "all schedules", "every schedule", "all of them", "them all")
WHICH = "Which schedule? Say its name, for example “pause Nightly report”."


def pause(wish: IntentRequest) -> Script:
    """Pause one schedule, or all that are active."""
    reason = {"reason": wish.words["reason"]} if wish.words.get("reason") else {}
    if wish.words["name"].lower() in EVERYTHING:
        return (yield from each("pause_schedule", "active", "Paused", reason))
    return (yield from one(wish, "pause_schedule", "pause", "is paused", reason))


def resume(wish: IntentRequest) -> Script:
    """Resume one schedule, or all that are paused."""
    if wish.words["name"].lower() in EVERYTHING:
        return (yield from each("resume_schedule", "paused", "Resumed", {}))
    return (yield from one(wish, "resume_schedule", "resume", "is active again", {}))


def run_now(wish: IntentRequest) -> Script:
    """Run a schedule at once."""
    return (yield from one(wish, "run_schedule", "run", "was asked to run now", {}))


def rename(wish: IntentRequest) -> Script:
    """Give a schedule another name."""
    return (yield from update(wish, {"name": wish.words["new"]}))


def set_max_turns(wish: IntentRequest) -> Script:
    """Change how many steps a schedule may take."""
    return (yield from update(wish, {"max_turns": int(wish.words["number"])}))


def reschedule(wish: IntentRequest) -> Script:
    """Move a schedule to another time."""
    timing = find_timing(wish.words["timing"])
    if timing is None:
        return (
            f"I do not understand the time “{wish.words['timing']}”. Try “weekdays at 9” or “every 2 hours”."
        )
    return (yield from update(wish, timing.fields))


def update(wish: IntentRequest, fields: dict[str, Any]) -> Script:
    """Change some fields of a schedule."""
    return (yield from one(wish, "update_schedule", "change", "is changed", fields))


def one(wish: IntentRequest, tool: str, verb: str, done: str, fields: dict[str, Any]) -> Script:
    """Do one thing to one schedule and tell how it stands; offer the names if it is not found."""
    name = wish.schedule
    if not name:
        return WHICH
    result = yield Call(tool, {"schedule": name, **fields}, f"I will {verb} “{name}”.")
    if not result.failed:
        return "\n\n".join(filter(None, [f"**{called(result, name)}** {done}.", standing(result)]))
    others = yield Call("list_schedules", {}, "Looking at which schedules there are.")
    return "\n\n".join(filter(None, [format_error(f"{verb} “{name}”", result), known(others.items)]))


def called(result: Result, name: str) -> str:
    """Return the schedule's own name, where the answer gives it."""
    return str(first(result.record, "name", "schedule_name") or name)


def standing(result: Result) -> str:
    """Say what the answer says about it."""
    row = result.record
    run = first(row, "run_id") or (row.get("id") if "failure_reason" in row else None)
    facts = {
        "Runs": rhythm(row),
        "Next run": next_run(row),
        "Agent step limit": row.get("max_turns"),
        "Reason": row.get("paused_reason"),
        "Run": run,
        "Waiting for": row.get("wait_reason"),
        "Warning": warnings(result.data),
    }
    return bullets(facts)


def each(tool: str, status: str, done: str, fields: dict[str, Any]) -> Script:
    """Do one thing to all schedules of a status."""
    found = yield Call("list_schedules", {"status": status}, f"Looking for {status} schedules.")
    if found.failed:
        return format_error("list the schedules", found)
    if not found.items:
        return f"There is no {status} schedule."
    rows = found.items
    results = yield [Call(tool, {"schedule": str(first(row, "id", "name")), **fields}) for row in rows]
    lines = [
        f"- **{title(row)}**: {outcome(result, done)}" for row, result in zip(rows, results, strict=True)
    ]
    return "\n".join(lines)


def outcome(result: Result, done: str) -> str:
    """Say in a word how one of many went."""
    return format_error("do it", result) if result.failed else done.lower()
