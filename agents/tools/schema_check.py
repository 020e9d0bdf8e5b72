"""Checks the arguments of a tool call against the tool's JSON Schema.

Only the keywords below are checked. Schemas of MCP servers can have others, which the server checks itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sized
from typing import Any

from agents.tools.base import ToolError
from agents.tools.strict_json import describe_fault
from stagent.lib.text import too_long_message


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_number,
    "null": lambda value: value is None,
}


def check(schema: dict[str, Any], arguments: Any) -> None:
    """Raise a ToolError that lists all faults of the arguments.

    Arguments that are not valid JSON arrive as the text that the model wrote.
    """
    if isinstance(arguments, str):
        raise ToolError(
            f"The arguments must be one complete JSON object: {describe_fault(arguments)}. "
            "The tool was not called."
        )
    faults = list(_faults({"type": "object"} | schema, arguments, "arguments"))
    if faults:
        raise ToolError("Invalid arguments: " + "; ".join(faults) + ".")


def _faults(schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    types = schema.get("type", list(TYPES))
    types = [types] if isinstance(types, str) else types
    if not any(TYPES[name](value) for name in types):
        yield f"{where} must be {_join_types(types)}, not {_type_name(value)}"
    elif "enum" in schema and not _is_in(value, schema["enum"]):
        yield f"{where} must be one of {', '.join(map(repr, schema['enum']))}"
    elif isinstance(value, dict):
        yield from _object_faults(schema, value, where)
    elif isinstance(value, list):
        yield from _array_faults(schema, value, where)
    elif isinstance(value, str):
        yield from _size_faults(schema, value, where, "Length", "characters")
    elif _is_number(value):
        yield from _range_faults(schema, value, where)


def _object_faults(schema: dict[str, Any], value: dict[str, Any], where: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{where}.{name} is required" for name in schema.get("required", ()) if name not in value)
    for name, item in value.items():
        if name in properties:
            yield from _faults(properties[name], item, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}.{name} is unknown (known: {', '.join(properties) or 'none'})"


def _array_faults(schema: dict[str, Any], value: list[Any], where: str) -> Iterator[str]:
    yield from _size_faults(schema, value, where, "Items", "items")
    if isinstance(items := schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _faults(items, item, f"{where}[{index}]")


def _size_faults(schema: dict[str, Any], value: Sized, where: str, suffix: str, unit: str) -> Iterator[str]:
    if len(value) < schema.get(f"min{suffix}", 0):
        yield f"{where} needs at least {schema[f'min{suffix}']} {unit}"
    limit = schema.get(f"max{suffix}", math.inf)
    if len(value) > limit and isinstance(value, str):
        yield f"{where}: {too_long_message(limit, len(value)).rstrip('.')}"
    elif len(value) > limit:
        yield f"{where} can have at most {limit} {unit} (it has {len(value)})"


def _range_faults(schema: dict[str, Any], value: float, where: str) -> Iterator[str]:
    if value < schema.get("minimum", -math.inf):
        yield f"{where} must be at least {schema['minimum']}"
    if value > schema.get("maximum", math.inf):
        yield f"{where} must be at most {schema['maximum']}"


def _is_in(value: Any, choices: list[Any]) -> bool:
    return any(type(value) is type(choice) and value == choice for choice in choices)  # True is not 1


def _type_name(value: Any) -> str:
    return next((name for name, is_type in TYPES.items() if is_type(value)), type(value).__name__)


def _join_types(types: list[str]) -> str:
    return " or ".join(f"an {name}" if name[0] in "aio" else f"a {name}" for name in types)
