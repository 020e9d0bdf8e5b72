"""An agent that is told what to do rather than asked: many turns, long answers, wrong tools."""

from collections.abc import Iterator
from typing import Any

from agents.offline.assistant.formatting import count
from agents.offline.directives import Orders
from agents.offline.reply import OfflineReply, say
from agents.offline.request import OfflineRequest
from agents.offline.script import Call

NO_SUCH_TOOL = "no_such_tool"
HARMLESS = ("list_schedules", "list_runs", "forecast", "list_files", "get_schedule", "get_run", "read_file")
WORDS_PER_LINE = 20


def has_script(orders: Orders) -> bool:
    """Whether the orders say what the agent does, and not just how its replies arrive."""
    return bool(
        turns(orders) > 1 or orders.turns or orders.repeat or orders.tool_error or orders.changed is not None
    )


def turns(orders: Orders) -> int:
    """How many replies the orders ask for, the answer included."""
    return orders.turns or orders.repeat or (2 if orders.parallel or orders.tool else 1)


def drill(ask: OfflineRequest, orders: Orders) -> list[Call] | str:
    """Return what this turn is ordered to ask for, or the answer after the last one."""
    tool = orders.tool or harmless_tool(ask)
    asking = turns(orders) - 1 if tool else 0
    number = ask.turn - orders.tool_error  # the turn that asks for a wrong tool comes before all others
    if number < 1:
        return [Call(NO_SUCH_TOOL, {"why": "the directive says tool_error"})]
    if number <= asking:
        return list(calls(ask, orders, tool, number))
    if orders.changed is not None and number == asking + 1:
        return [report(orders.changed)]
    return account(ask)


def calls(ask: OfflineRequest, orders: Orders, tool: str, number: int) -> Iterator[Call]:
    """Yield the calls of one turn, each with an input of its own unless repetition is ordered."""
    width = max(1, orders.parallel)
    for place in range(width):
        step = 1 if orders.repeat else (number - 1) * width + place + 1
        yield Call(tool, sample_input(ask.offered.get(tool, {}), step))


def report(changed: bool) -> Call:
    """Report the verdict that was ordered."""
    body = "Ordered by the directive: something changed." if changed else ""
    return Call("report", {"changed": changed, "severity": "info", "body": body})


def account(ask: OfflineRequest) -> str:
    """Say what was done."""
    failures = [result.text for step in ask.steps for result in step.results if result.failed]
    done = f"Done: {count(ask.turn, 'turn')}, as the directive asked."
    errors = "\n".join(f"- {text}" for text in failures[-3:])
    return f"{done}\n\nTool calls that failed: {len(failures)}\n{errors}" if failures else done


def harmless_tool(ask: OfflineRequest) -> str:
    """Pick a tool that changes nothing; failing that, the first one offered."""
    known = [name for name in HARMLESS if name in ask.offered]
    return next(iter(known or ask.offered), "")


def sample_input(tool: dict[str, Any], step: int) -> dict[str, Any]:
    """Make an input that fits the tool's schema and differs from step to step."""
    schema = tool.get("input_schema", {})
    properties = schema.get("properties", {})
    wanted = dict.fromkeys([*schema.get("required", []), *varying(properties)])
    return {name: sample(name, properties.get(name, {}), step) for name in wanted}


def varying(properties: dict[str, Any]) -> list[str]:
    """Name the property whose value makes one call differ from the next."""
    preferred = [name for name in ("search", "limit", "hours", "path") if name in properties]
    return preferred[:1]


def sample(name: str, schema: dict[str, Any], step: int) -> Any:
    """Make one value."""
    if "enum" in schema:
        return schema["enum"][step % len(schema["enum"])]
    if name == "path":
        return "./" * (step % 50 + 1)
    kind = schema.get("type", "string")
    if kind in ("integer", "number"):
        return within(schema, step)
    plain = {"boolean": bool(step % 2), "array": [], "object": {}}
    return plain.get(kind, f"step {step}")


def within(schema: dict[str, Any], step: int) -> int:
    """Make a number inside the bounds of a schema."""
    low, high = int(schema.get("minimum", 1)), int(schema.get("maximum", 48))
    return low + step % max(1, high - low + 1)


def filler(tokens: int) -> OfflineReply:
    """Answer with exactly so many words, numbered so that a lost one shows."""
    words = ["Stagent's", "offline", "model,", "counting:", *map(str, range(5, tokens + 1))][:tokens]
    lines = [" ".join(words[start : start + WORDS_PER_LINE]) for start in range(0, tokens, WORDS_PER_LINE)]
    return say("\n".join(lines), word_tokens=True)
