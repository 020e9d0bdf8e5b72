"""Making a schedule out of a sentence."""

import re
from typing import Any

from agents.offline import history
from agents.offline.assistant.formatting import format_error, moment
from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.intents import OPENING, QUESTION
from agents.offline.assistant.skills.change import called, standing
from agents.offline.assistant.timing import Timing, find_timing
from agents.offline.history import Result
from agents.offline.request import OfflineRequest
from agents.offline.script import Call, Script
from stagent.lib.text import shorten

COMMAND = re.compile(
    r"^(?:(?:create|add|make|set\s+up|new|register|plan)\s+(?:me\s+)?(?:an?\s+|another\s+)?(?:new\s+)?(?:\w+\s+)?"
    r"(?:schedule|heartbeat|reminder|recurring\s+\w+)|schedule|remind\s+me)\b",
    re.IGNORECASE,
)
CHANGES = re.compile(
    r"^(?:pause|resume|change|move|reschedule|rename|set\s+the|set\s+max|switch|disable|enable)\b",
    re.IGNORECASE,
)
FIRED = re.compile(r"<stagent-clock>\s*Scheduled for\b")  # the engine tells the time to a run of a schedule
IN_A_RUN = re.compile(r"\brecurring check\b|\bthis is a (?:heartbeat|scheduled run)\b", re.IGNORECASE)
CALLED = re.compile(
    r"\s*\b(?:called|named|titled)\s+(?:[`\"'“](?P<quoted>[^`\"'”]+)[`\"'”]|(?P<bare>[^,.:;]+?)(?=\s+(?:that|which|to|and|with|using)\b|[,.:;]|$))",
    re.IGNORECASE,
)
PROFILE = re.compile(
    r"\s*,?\s*\b(?:with|using|as|by)\s+(?:the\s+|an?\s+)?[`\"']?(?P<slug>[\w-]+)[`\"']?\s+profile\b"
    r"|\s*,?\s*\bprofile:?\s+[`\"']?(?P<other>[\w-]+)[`\"']?",
    re.IGNORECASE,
)
VERB = (
    r"^(?:(list|check|read|write|send|report|tell|show|summari[sz]e|count|look|create|make|collect|compare)s"
    r"|(fetch|watch)es)\b"
)
LEAD = re.compile(
    r"^(?:[\s,.:;\-–]+|(?:please|that|which|who|and|it|should|will|runs?\s+and|fires?\s+and|runs|fires|running|to|for|me\s+to)\b)+",
    re.IGNORECASE,
)


def is_wanted(wish: IntentRequest) -> bool:
    """Tell a wish for a schedule from other words about time.

    A run of a schedule whose own prompt says "every morning" must not breed schedules.
    """
    said = OPENING.sub("", wish.text)
    if "create_schedule" not in wish.ask.offered or is_in_a_run(wish.ask):
        return False
    if QUESTION.search(said) or CHANGES.search(said):
        return False
    timing = find_timing(said.split("\n\n")[0])
    return bool(COMMAND.search(said)) or (timing is not None and timing.explicit)


def is_in_a_run(ask: OfflineRequest) -> bool:
    """Whether a schedule asks, and not a person."""
    texts = (history.flat(message["content"]) for message in ask.messages if message["role"] == "user")
    return bool(IN_A_RUN.search(ask.system)) or any(FIRED.search(text) for text in texts)


def create(wish: IntentRequest) -> Script:
    """Create the schedule, or ask for what is missing."""
    said = OPENING.sub("", wish.text).strip()
    timing = find_timing(said)
    if timing is None:
        return "When should it run? Say it like this: “every weekday at 9 in Europe/Berlin list what failed”."
    fields = schedule_fields(timing) | kind_of(said, wish.ask.offered["create_schedule"])
    if not fields["prompt"]:
        return f"What should the agent do? Say for example “{timing.said.strip()} summarise the failed runs”."
    result = yield Call("create_schedule", fields, f"I will create the schedule “{fields['name']}”.")
    if result.failed:
        return format_error(f"create the schedule “{fields['name']}”", result)
    return created(result, fields)


def schedule_fields(timing: Timing) -> dict[str, str]:
    """Split what was said into the tool's arguments."""
    rest, name = taken(CALLED, timing.rest)
    rest, profile = taken(PROFILE, rest)
    prompt = sentence(imperative(LEAD.sub("", without_command(rest))))
    fields = {"name": name or named_after(prompt), "prompt": prompt, **timing.fields}
    return fields | ({"profile": profile.lower()} if profile else {})


def kind_of(said: str, tool: dict[str, Any]) -> dict[str, str]:
    """Ask for a heartbeat if that is what was said and the tool knows the difference."""
    knows = "kind" in tool["input_schema"].get("properties", {})
    command = COMMAND.search(said)
    return {"kind": "heartbeat"} if knows and command and "heartbeat" in command[0].lower() else {}


def taken(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """Take what a pattern finds out of a text and return both."""
    match = pattern.search(text)
    if not match:
        return text, ""
    rest = f"{text[: match.start()]} {text[match.end() :]}".strip()
    return rest, next(group for group in match.groups() if group).strip()


def without_command(text: str) -> str:
    """Leave out "create a schedule that"; "remind me" stays, it is the task."""
    match = COMMAND.search(text.strip())
    keep = match is None or match[0].lower().startswith("remind")
    return text if keep else text.strip()[match.end() :] if match else text


def imperative(text: str) -> str:
    """Turn "that lists the runs" into an order."""
    return re.sub(VERB, lambda match: match[1] or match[2], text, count=1, flags=re.IGNORECASE)


def sentence(text: str) -> str:
    """Begin with a capital and end without loose punctuation."""
    text = text.strip(" ,;:-–\n")
    return text[:1].upper() + text[1:]


def named_after(prompt: str) -> str:
    """Make a short name from the first words of a prompt."""
    first = re.sub(r"https?://([^\s/]+)\S*", r"\1", prompt.split("\n", maxsplit=1)[0])
    words = [word.strip(".,;:!?()[]\"'`") for word in first.split()]
    return shorten(" ".join(words[:6]), 60)


def created(result: Result, fields: dict[str, str]) -> str:
    """Tell what was created and show when it fires."""
    zone = result.record.get("timezone") or fields.get("timezone")
    fires = [moment(at, zone) for at in (result.record.get("next_fires") or [])[:3]]
    parts = [
        f"Created **{called(result, fields['name'])}**. It tells the agent: “{fields['prompt']}”",
        standing(result) or f"It runs by `{fields.get('cron') or fields.get('interval')}`.",
        f"Next: {'; '.join(fires)}." if fires else "",
    ]
    return "\n\n".join(filter(None, parts))
