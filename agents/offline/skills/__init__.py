"""What the offline model can do, one script per request it understands."""

from collections.abc import Callable

from agents.offline.asking import Ask
from agents.offline.script import Script
from agents.offline.skills import (
    changing,
    files,
    forecast,
    foreign,
    heartbeat,
    making,
    people,
    plain,
    runs,
    schedules,
    stopping,
    web,
)
from agents.offline.understanding import understand
from agents.offline.wish import Wish

SKILLS: dict[str, Callable[[Wish], Script | str]] = {
    "ask_person": people.ask,
    "list_schedules": schedules.list_schedules,
    "explain": schedules.explain,
    "pause": changing.pause,
    "stop": stopping.stop,
    "cancel_run": stopping.cancel,
    "cancel_all": stopping.cancel_all,
    "resume": changing.resume,
    "run_now": changing.run_now,
    "rename": changing.rename,
    "set_max_turns": changing.set_max_turns,
    "reschedule": changing.reschedule,
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
    "call_tool": foreign.call,
    "fetch": web.fetch,
    "help": plain.introduce,
    "summarise": plain.digest,
    "plain": plain.digest,
}


def skill_for(ask: Ask, text: str) -> Script | str:
    """Choose the script that serves a request, or answer at once."""
    wish = Wish(ask, text)
    if heartbeat.is_wanted(wish):
        return heartbeat.watch(wish)
    if making.is_wanted(wish):
        return making.create(wish)
    intent = understand(text)
    if ask.files and intent.name == "list_files" and not intent.words.get("path"):
        return files.show_given(wish)
    return SKILLS[intent.name](Wish(ask, text, intent.words))
