"""Cancels runs. "Stop" cancels the running run of a schedule, or pauses the schedule."""

from agents.offline.assistant.formatting import count, format_error, next_run
from agents.offline.assistant.intents import IntentRequest
from agents.offline.assistant.skills import change
from agents.offline.assistant.skills.change import EVERYTHING
from agents.offline.assistant.skills.schedules import existing_names
from agents.offline.history import Result
from agents.offline.script import Call, Script
from agents.protocol.shared_texts import UNKNOWN_SCHEDULE

SEVERAL_RUNS = "Several runs are running. Which one? For example: “cancel run {}”."


def cancel(intent: IntentRequest) -> Script:
    """Cancel a run by id, the runs of a schedule, or the only running run."""
    if run := intent.params.get("run"):
        return (yield from _cancel(intent, {"run": run}, f"run {run}"))
    if intent.params.get("name"):
        name = intent.schedule
        if not name:
            return "Of which schedule? Use its name, for example “cancel the run of Nightly report”."
        return (yield from _cancel(intent, {"schedule": name}, f"the run of “{name}”"))
    result = yield Call("list_runs", {"status": "running"}, "Looking for running runs.")
    if result.failed:
        return format_error("list the runs", result)
    if not result.items:
        return "Nothing is running."
    run = str(result.items[0].get("id"))
    if len(result.items) > 1:
        return SEVERAL_RUNS.format(run)
    return (yield from _cancel(intent, {"run": run}, f"run {run}"))


def cancel_all(intent: IntentRequest) -> Script:
    """Cancel every run that is running."""
    result = yield Call("list_runs", {"status": "running", "limit": 50}, "Looking for running runs.")
    if result.failed:
        return format_error("list the runs", result)
    if not result.items:
        return "Nothing is running."
    results = yield [Call("cancel_run", {"run": str(row.get("id"))}) for row in result.items]
    failed = [format_error("cancel a run", result) for result in results if result.failed]
    done = [f"{count(len(results) - len(failed), 'run')} asked to stop. The schedules stay active."]
    return "\n\n".join(done + failed)


def stop(intent: IntentRequest) -> Script:
    """Cancel the running run of a schedule, or pause the schedule if none is running."""
    if intent.params["name"].lower() in EVERYTHING or not intent.schedule:
        return (yield from change.pause(intent))
    result = yield Call("list_runs", {"schedule": intent.schedule, "status": "running"})
    if result.failed or not result.items or "cancel_run" not in intent.request.offered:
        return (yield from change.pause(intent))
    return (yield from _cancel(intent, {"schedule": intent.schedule}, f"the run of “{intent.schedule}”"))


def _cancel(intent: IntentRequest, target: dict[str, str], what: str) -> Script:
    """Cancel and report; list the schedules if the name is unknown."""
    reason = {"reason": intent.params["reason"]} if intent.params.get("reason") else {}
    result = yield Call("cancel_run", {**target, **reason}, f"I will cancel {what}.")
    if not result.failed:
        return _format_outcome(result)
    if "schedule" not in target or UNKNOWN_SCHEDULE not in result.text:
        return format_error(f"cancel {what}", result)
    others = yield Call("list_schedules", {}, "Looking at the existing schedules.")
    return "\n\n".join(filter(None, [format_error(f"cancel {what}", result), existing_names(others.items)]))


def _format_outcome(result: Result) -> str:
    """Return the outcome of each run, and whether the schedule stays active."""
    lines = [
        f"Run {row.get('run_id')} of **{row.get('schedule_name')}**: {row.get('outcome')}."
        for row in result.items
    ]
    schedule = result.data.get("schedule") if isinstance(result.data, dict) else None
    if isinstance(schedule, dict) and schedule.get("status") == "active":
        next_time = next_run(schedule)
        fires = f" and fires next {next_time}" if next_time else ""
        pause = f"To pause it too: “pause {schedule.get('name')}”."
        lines.append(f"The schedule is still active{fires}. {pause}")
    return "\n\n".join(lines) or "Cancelled."
