"""Pauses, resumes, runs and changes schedules."""

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
from agents.offline.assistant.intents import IntentRequest
from agents.offline.assistant.skills.schedules import existing_names
from agents.offline.assistant.timing import find_timing
from agents.offline.history import Result
from agents.offline.script import Call, Script

EVERYTHING = ("everything", "all", "all schedules", "every schedule", "all of them", "them all")
WHICH = "Which schedule? Use its name, for example “pause Nightly report”."


def pause(intent: IntentRequest) -> Script:
    """Pause one schedule, or all that are active."""
    reason = {"reason": intent.params["reason"]} if intent.params.get("reason") else {}
    if intent.params["name"].lower() in EVERYTHING:
        return (yield from apply_to_all("pause_schedule", "active", "Paused", reason))
    return (yield from apply_to_one(intent, "pause_schedule", "pause", "is paused", reason))


def resume(intent: IntentRequest) -> Script:
    """Resume one schedule, or all that are paused."""
    if intent.params["name"].lower() in EVERYTHING:
        return (yield from apply_to_all("resume_schedule", "paused", "Resumed", {}))
    return (yield from apply_to_one(intent, "resume_schedule", "resume", "is active again", {}))


def run_now(intent: IntentRequest) -> Script:
    """Run a schedule now."""
    return (yield from apply_to_one(intent, "run_schedule", "run", "was asked to run now", {}))


def rename(intent: IntentRequest) -> Script:
    """Rename a schedule."""
    return (yield from update(intent, {"name": intent.params["new"]}))


def set_max_turns(intent: IntentRequest) -> Script:
    """Change the agent step limit of a schedule."""
    return (yield from update(intent, {"max_turns": int(intent.params["number"])}))


def reschedule(intent: IntentRequest) -> Script:
    """Move a schedule to another time."""
    timing = find_timing(intent.params["timing"])
    if timing is None:
        phrase = intent.params["timing"]
        return f"I do not understand the time “{phrase}”. Try “weekdays at 9” or “every 2 hours”."
    return (yield from update(intent, timing.fields))


def update(intent: IntentRequest, fields: dict[str, Any]) -> Script:
    """Change some fields of a schedule."""
    return (yield from apply_to_one(intent, "update_schedule", "change", "is changed", fields))


def apply_to_one(intent: IntentRequest, tool: str, verb: str, done: str, fields: dict[str, Any]) -> Script:
    """Call a tool for one schedule and report its state; list all if it is not found."""
    name = intent.schedule
    if not name:
        return WHICH
    result = yield Call(tool, {"schedule": name, **fields}, f"I will {verb} “{name}”.")
    if not result.failed:
        return "\n\n".join(
            filter(None, [f"**{schedule_name(result, name)}** {done}.", schedule_facts(result)])
        )
    others = yield Call("list_schedules", {}, "Looking at the existing schedules.")
    return "\n\n".join(filter(None, [format_error(f"{verb} “{name}”", result), existing_names(others.items)]))


def schedule_name(result: Result, name: str) -> str:
    """Return the name of the schedule from the result, else the given name."""
    return str(first(result.record, "name", "schedule_name") or name)


def schedule_facts(result: Result) -> str:
    """Return the facts about a schedule in a result."""
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


def apply_to_all(tool: str, status: str, done: str, fields: dict[str, Any]) -> Script:
    """Call a tool for all schedules with a status."""
    result = yield Call("list_schedules", {"status": status}, f"Looking for {status} schedules.")
    if result.failed:
        return format_error("list the schedules", result)
    if not result.items:
        return f"There are no {status} schedules."
    rows = result.items
    results = yield [Call(tool, {"schedule": str(first(row, "id", "name")), **fields}) for row in rows]
    lines = [
        f"- **{title(row)}**: {outcome(result, done)}" for row, result in zip(rows, results, strict=True)
    ]
    return "\n".join(lines)


def outcome(result: Result, done: str) -> str:
    """Return the outcome for one of many schedules."""
    return format_error("do it", result) if result.failed else done.lower()
