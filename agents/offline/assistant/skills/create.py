"""Creates a schedule from a sentence."""

import re
from typing import Any

from agents.offline import history
from agents.offline.assistant.formatting import format_error, moment
from agents.offline.assistant.intents import OPENING, QUESTION, IntentRequest
from agents.offline.assistant.skills.change import schedule_facts, schedule_name
from agents.offline.assistant.timing import Timing, find_timing
from agents.offline.history import Result
from agents.offline.request import OfflineRequest
from agents.offline.script import Call, Script
from agents.protocol.shared_texts import RECURRING_CHECK, SCHEDULED_FOR
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
CLOCK = re.compile(rf"<stagent-clock>\s*{SCHEDULED_FOR}\b")  # the engine adds it to runs of a schedule
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


def applies_to(intent: IntentRequest) -> bool:
    """Return whether the person asks for a schedule.

    A run whose own prompt says "every morning" must not create schedules.
    """
    request_text = OPENING.sub("", intent.text)
    if "create_schedule" not in intent.request.offered or is_in_a_run(intent.request):
        return False
    if QUESTION.search(request_text) or CHANGES.search(request_text):
        return False
    timing = find_timing(request_text.split("\n\n")[0])
    return bool(COMMAND.search(request_text)) or (timing is not None and timing.explicit)


def is_in_a_run(request: OfflineRequest) -> bool:
    """Return whether the request is a run of a schedule."""
    texts = (
        history.content_text(message["content"]) for message in request.messages if message["role"] == "user"
    )
    return RECURRING_CHECK in request.system or any(CLOCK.search(text) for text in texts)


def create(intent: IntentRequest) -> Script:
    """Create the schedule, or ask for the missing parts."""
    request_text = OPENING.sub("", intent.text).strip()
    timing = find_timing(request_text)
    if timing is None:
        return "When should it run? For example: “every weekday at 9 in Europe/Berlin list what failed”."
    fields = schedule_fields(timing) | kind_field(request_text, intent.request.offered["create_schedule"])
    if not fields["prompt"]:
        return f"What should the agent do? For example: “{timing.phrase.strip()} summarise the failed runs”."
    result = yield Call("create_schedule", fields, f"I will create the schedule “{fields['name']}”.")
    if result.failed:
        return format_error(f"create the schedule “{fields['name']}”", result)
    return format_created(result, fields)


def schedule_fields(timing: Timing) -> dict[str, str]:
    """Return the arguments of the tool."""
    rest, name = extract(CALLED, timing.rest)
    rest, profile = extract(PROFILE, rest)
    prompt = sentence(imperative(LEAD.sub("", without_command(rest))))
    fields = {"name": name or name_from(prompt), "prompt": prompt, **timing.fields}
    return fields | ({"profile": profile.lower()} if profile else {})


def kind_field(request_text: str, tool: dict[str, Any]) -> dict[str, str]:
    """Return kind=heartbeat if the request says so and the tool has the field."""
    has_kind = "kind" in tool["input_schema"].get("properties", {})
    command = COMMAND.search(request_text)
    return {"kind": "heartbeat"} if has_kind and command and "heartbeat" in command[0].lower() else {}


def extract(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """Return the text without the match of a pattern, and the matched value."""
    match = pattern.search(text)
    if not match:
        return text, ""
    rest = f"{text[: match.start()]} {text[match.end() :]}".strip()
    return rest, next(group for group in match.groups() if group).strip()


def without_command(text: str) -> str:
    """Remove "create a schedule that"; keep "remind me", which is part of the task."""
    match = COMMAND.search(text.strip())
    is_task = match is None or match[0].lower().startswith("remind")
    return text if is_task else text.strip()[match.end() :] if match else text


def imperative(text: str) -> str:
    """Turn "lists the runs" into "list the runs"."""
    return re.sub(VERB, lambda match: match[1] or match[2], text, count=1, flags=re.IGNORECASE)


def sentence(text: str) -> str:
    """Capitalise the first letter and strip punctuation at the ends."""
    text = text.strip(" ,;:-–\n")
    return text[:1].upper() + text[1:]


def name_from(prompt: str) -> str:
    """Return a short name from the first words of a prompt."""
    first = re.sub(r"https?://([^\s/]+)\S*", r"\1", prompt.split("\n", maxsplit=1)[0])
    words = [word.strip(".,;:!?()[]\"'`") for word in first.split()]
    return shorten(" ".join(words[:6]), 60)


def format_created(result: Result, fields: dict[str, str]) -> str:
    """Return the created schedule and its next firings."""
    zone = result.record.get("timezone") or fields.get("timezone")
    fires = [moment(at, zone) for at in (result.record.get("next_fires") or [])[:3]]
    parts = [
        f"Created **{schedule_name(result, fields['name'])}**. Its prompt: “{fields['prompt']}”",
        schedule_facts(result) or f"It runs by `{fields.get('cron') or fields.get('interval')}`.",
        f"Next: {'; '.join(fires)}." if fires else "",
    ]
    return "\n\n".join(filter(None, parts))
