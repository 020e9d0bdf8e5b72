"""The skills of the offline model: one script per intent."""

from collections.abc import Callable

from agents.offline.assistant.intents import IntentRequest, parse_intent
from agents.offline.assistant.skills import (
    cancel,
    change,
    create,
    files,
    forecast,
    general,
    heartbeat,
    runs,
    schedules,
    web,
)
from agents.offline.request import OfflineRequest
from agents.offline.script import Script

SKILLS: dict[str, Callable[[IntentRequest], Script | str]] = {
    "ask_person": general.ask_person,
    "list_schedules": schedules.list_schedules,
    "explain": schedules.explain,
    "pause": change.pause,
    "stop": cancel.stop,
    "cancel_run": cancel.cancel,
    "cancel_all": cancel.cancel_all,
    "resume": change.resume,
    "run_now": change.run_now,
    "rename": change.rename,
    "set_max_turns": change.set_max_turns,
    "reschedule": change.reschedule,
    "failures": runs.failures,
    "runs": runs.recent,
    "run_detail": runs.detail,
    "last_result": runs.last_result,
    "forecast": forecast.forecast,
    "missed": schedules.missed,
    "list_files": files.list_files,
    "search_files": files.search_files,
    "read_file": files.read_file,
    "write_file": files.write_file,
    "append_file": files.append_file,
    "call_tool": general.call_tool,
    "fetch": web.fetch,
    "help": general.introduce,
    "summarise": general.digest,
    "plain": general.digest,
}


def select_script(request: OfflineRequest, text: str) -> Script | str:
    """Return the script for a request, or its answer."""
    unparsed = IntentRequest(request, text)
    if heartbeat.applies_to(unparsed):
        return heartbeat.run_check(unparsed)
    if create.applies_to(unparsed):
        return create.create(unparsed)
    intent = parse_intent(text)
    if request.files and intent.name == "list_files" and not intent.params.get("path"):
        return files.show_attached(unparsed)
    return SKILLS[intent.name](IntentRequest(request, text, intent.params))
