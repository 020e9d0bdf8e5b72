"""Cancelling runs; and "stop", which means the run while there is one, and the schedule otherwise."""

from agents.offline.assistant.formatting import count, format_error, next_run
from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.skills import change
from agents.offline.assistant.skills.change import EVERYTHING
from agents.offline.assistant.skills.schedules import known
from agents.offline.history import Result
from agents.offline.script import Call, Script

WHICH = "Several runs are running. Which one? Say for example “cancel run {}”."


def cancel(wish: IntentRequest) -> Script:
    """Cancel a run by its id, or the runs of a schedule; without a name, the only one that is running."""
    if run := wish.words.get("run"):
        return (yield from _cancelled(wish, {"run": run}, f"run {run}"))
    if wish.words.get("name"):
        name = wish.schedule
        if not name:
            return "Of which schedule? Say its name, for example “cancel the run of Nightly report”."
        return (yield from _cancelled(wish, {"schedule": name}, f"the run of “{name}”"))
    found = yield Call("list_runs", {"status": "running"}, "Looking at what is running.")
    if found.failed:
        return format_error("list the runs", found)
    if not found.items:
        return "Nothing is running."
    run = str(found.items[0].get("id"))
    if len(found.items) > 1:
        return WHICH.format(run)
    return (yield from _cancelled(wish, {"run": run}, f"run {run}"))


def cancel_all(wish: IntentRequest) -> Script:
    """Cancel every run that is running."""
    found = yield Call("list_runs", {"status": "running", "limit": 50}, "Looking at what is running.")
    if found.failed:
        return format_error("list the runs", found)
    if not found.items:
        return "Nothing is running."
    results = yield [Call("cancel_run", {"run": str(row.get("id"))}) for row in found.items]
    failed = [format_error("cancel a run", result) for result in results if result.failed]
    done = [f"{count(len(results) - len(failed), 'run')} asked to stop. The schedules go on."]
    return "\n\n".join(done + failed)


def stop(wish: IntentRequest) -> Script:
    """Cancel the run of a schedule while one is running, and say how to pause it; else pause it."""
    if wish.words["name"].lower() in EVERYTHING or not wish.schedule:
        return (yield from change.pause(wish))
    found = yield Call("list_runs", {"schedule": wish.schedule, "status": "running"})
    if found.failed or not found.items or "cancel_run" not in wish.ask.offered:
        return (yield from change.pause(wish))
    return (yield from _cancelled(wish, {"schedule": wish.schedule}, f"the run of “{wish.schedule}”"))


def _cancelled(wish: IntentRequest, meant: dict[str, str], what: str) -> Script:
    """Cancel and tell; offer the names of schedules where there is none of that name."""
    reason = {"reason": wish.words["reason"]} if wish.words.get("reason") else {}
    result = yield Call("cancel_run", {**meant, **reason}, f"I will cancel {what}.")
    if not result.failed:
        return _told(result)
    if "schedule" not in meant or "There is no schedule" not in result.text:
        return format_error(f"cancel {what}", result)
    others = yield Call("list_schedules", {}, "Looking at which schedules there are.")
    return "\n\n".join(filter(None, [format_error(f"cancel {what}", result), known(others.items)]))


def _told(result: Result) -> str:
    """Say what became of each run, and that its schedule goes on."""
    lines = [
        f"Run {row.get('run_id')} of **{row.get('schedule_name')}**: {row.get('outcome')}."
        for row in result.items
    ]
    schedule = result.data.get("schedule") if isinstance(result.data, dict) else None
    if isinstance(schedule, dict) and schedule.get("status") == "active":
        coming = next_run(schedule)
        fires = f" and fires next {coming}" if coming else ""
        pause = f"Say “pause {schedule.get('name')}” to pause it too."
        lines.append(f"The schedule is still active{fires}. {pause}")
    return "\n\n".join(lines) or "Cancelled."
