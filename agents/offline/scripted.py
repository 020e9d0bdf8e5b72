"""Replies that a directive scripts: many turns, long answers, unknown tools."""

from collections.abc import Iterator
from typing import Any

from agents.offline.assistant.formatting import count
from agents.offline.directives import Directive
from agents.offline.reply import OfflineReply, text_reply
from agents.offline.request import OfflineRequest
from agents.offline.script import Call

NO_SUCH_TOOL = "no_such_tool"
HARMLESS = ("list_schedules", "list_runs", "forecast", "list_files", "get_schedule", "get_run", "read_file")
WORDS_PER_LINE = 20


def is_scripted(directive: Directive) -> bool:
    """Return whether the directive scripts the actions, and not only the delivery."""
    return bool(
        total_turns(directive) > 1
        or directive.turns
        or directive.repeat
        or directive.tool_error
        or directive.changed is not None
    )


def total_turns(directive: Directive) -> int:
    """Return the number of replies, including the answer."""
    return directive.turns or directive.repeat or (2 if directive.parallel or directive.tool else 1)


def scripted_action(request: OfflineRequest, directive: Directive) -> list[Call] | str:
    """Return the calls of this turn, or the answer after the last one."""
    tool = directive.tool or pick_tool(request)
    tool_turns = total_turns(directive) - 1 if tool else 0
    number = request.turn - directive.tool_error  # the turn with the unknown tool comes first
    if number < 1:
        return [Call(NO_SUCH_TOOL, {"why": "the directive says tool_error"})]
    if number <= tool_turns:
        return list(build_calls(request, directive, tool, number))
    if directive.changed is not None and number == tool_turns + 1:
        return [report_call(directive.changed)]
    return summarise_calls(request)


def build_calls(request: OfflineRequest, directive: Directive, tool: str, number: int) -> Iterator[Call]:
    """Yield the calls of one turn, with different inputs unless `repeat` is given."""
    width = max(1, directive.parallel)
    for index in range(width):
        step = 1 if directive.repeat else (number - 1) * width + index + 1
        yield Call(tool, sample_input(request.offered.get(tool, {}), step))


def report_call(changed: bool) -> Call:
    body = "The directive requested a change." if changed else ""
    return Call("report", {"changed": changed, "severity": "info", "body": body})


def summarise_calls(request: OfflineRequest) -> str:
    """Return the answer: the number of turns, and the failed calls."""
    failures = [result.text for step in request.steps for result in step.results if result.failed]
    done = f"Done: {count(request.turn, 'turn')}, as the directive asked."
    errors = "\n".join(f"- {text}" for text in failures[-3:])
    return f"{done}\n\nTool calls that failed: {len(failures)}\n{errors}" if failures else done


def pick_tool(request: OfflineRequest) -> str:
    """Return a harmless tool if there is one, else the first one offered."""
    known = [name for name in HARMLESS if name in request.offered]
    return next(iter(known or request.offered), "")


def sample_input(tool: dict[str, Any], step: int) -> dict[str, Any]:
    """Return an input that fits the schema and differs from step to step."""
    schema = tool.get("input_schema", {})
    properties = schema.get("properties", {})
    names = dict.fromkeys([*schema.get("required", []), *varying_properties(properties)])
    return {name: sample(name, properties.get(name, {}), step) for name in names}


def varying_properties(properties: dict[str, Any]) -> list[str]:
    """Return the property whose value makes one call differ from the next."""
    preferred = [name for name in ("search", "limit", "hours", "path") if name in properties]
    return preferred[:1]


def sample(name: str, schema: dict[str, Any], step: int) -> Any:
    if "enum" in schema:
        return schema["enum"][step % len(schema["enum"])]
    if name == "path":
        return "./" * (step % 50 + 1)
    kind = schema.get("type", "string")
    if kind in ("integer", "number"):
        return sample_number(schema, step)
    plain = {"boolean": bool(step % 2), "array": [], "object": {}}
    return plain.get(kind, f"step {step}")


def sample_number(schema: dict[str, Any], step: int) -> int:
    """Return a number within the limits of a schema."""
    low, high = int(schema.get("minimum", 1)), int(schema.get("maximum", 48))
    return low + step % max(1, high - low + 1)


def filler(tokens: int) -> OfflineReply:
    """Return exactly so many words, numbered so that a missing one is visible."""
    words = ["Stagent's", "offline", "model,", "counting:", *map(str, range(5, tokens + 1))][:tokens]
    lines = [" ".join(words[start : start + WORDS_PER_LINE]) for start in range(0, tokens, WORDS_PER_LINE)]
    return text_reply("\n".join(lines), word_tokens=True)
