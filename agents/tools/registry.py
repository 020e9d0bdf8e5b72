"""The tools that exist, and which of them a profile is offered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agents.tools.base import Permission, Tool

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # what the Messages API accepts

_tools: dict[str, Tool] = {}


def register(tool: Tool) -> None:
    """Add a tool; raise ValueError where its name is malformed or another tool has it."""
    if not NAME.fullmatch(tool.name):
        raise ValueError(f"{tool.name!r} is not a tool name: use letters, digits, _ and -, at most 64.")
    if "__" in tool.name:
        raise ValueError(f"{tool.name!r}: two underscores in a row mark the tools of MCP servers.")
    if _tools.setdefault(tool.name, tool) is not tool:
        raise ValueError(f"There is a tool named {tool.name!r} already.")


def get(name: str) -> Tool | None:
    """Find a tool by its name."""
    return _tools.get(name)


def names() -> list[str]:
    """List the names of all tools, sorted."""
    return sorted(_tools)


def permission(tool: Tool, permissions: Mapping[str, str]) -> Permission:
    """Say what a profile lets this tool do; a word we do not know means deny."""
    match permissions.get(tool.name, tool.permission):
        case "allow":
            return "allow"
        case "ask":
            return "ask"
        case _:
            return "deny"


def asks(tool: Tool, permissions: Mapping[str, str]) -> bool:
    """Tell whether a person comes before the tool; one that is answered by a person always asks."""
    return tool.answered_by_person or permission(tool, permissions) == "ask"


def offered(allowed: Sequence[str], permissions: Mapping[str, str]) -> list[Tool]:
    """List the tools a profile is shown: those named in `allowed` ("*" is all) and not denied."""
    # Sorted, because the order is part of the prompt that servers cache.
    chosen = names() if "*" in allowed else sorted(set(allowed) & set(_tools))
    return [tool for tool in map(_tools.__getitem__, chosen) if permission(tool, permissions) != "deny"]


def params(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Describe tools for the Messages API; the same tools always give the same bytes."""
    return [
        {"name": tool.name, "description": tool.description, "input_schema": _sorted(tool.input_schema)}
        for tool in tools
    ]


def _sorted(schema: dict[str, Any]) -> dict[str, Any]:
    """Copy a schema with its keys in one order, so that no caller can change ours."""
    return json.loads(json.dumps(schema, sort_keys=True))  # type: ignore[no-any-return]
