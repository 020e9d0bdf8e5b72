"""What the offline model can do, one script per request it understands."""

from collections.abc import Callable

from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.intents import understand
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
    "ask_person": general.ask,
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
    "call_tool": general.call,
    "fetch": web.fetch,
    "help": general.introduce,
    "summarise": general.digest,
    "plain": general.digest,
}


def skill_for(ask: OfflineRequest, text: str) -> Script | str:
    """Choose the script that serves a request, or answer at once."""
    wish = IntentRequest(ask, text)
    if heartbeat.is_wanted(wish):
        return heartbeat.watch(wish)
    if create.is_wanted(wish):
        return create.create(wish)
    intent = understand(text)
    if ask.files and intent.name == "list_files" and not intent.words.get("path"):
        return files.show_given(wish)
    return SKILLS[intent.name](IntentRequest(ask, text, intent.words))
