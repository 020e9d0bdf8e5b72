"""The registry of tools, and the selection that a profile is offered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agents.tools.base import Permission, Tool

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # what the Messages API accepts

_tools: dict[str, Tool] = {}


def register(tool: Tool) -> None:
    """Add a tool; raise ValueError if its name is malformed or taken."""
    if not NAME.fullmatch(tool.name):
        raise ValueError(f"{tool.name!r} is not a valid tool name: use at most 64 letters, digits, _ and -.")
    if "__" in tool.name:
        raise ValueError(f"{tool.name!r}: two underscores in a row are reserved for tools of MCP servers.")
    if _tools.setdefault(tool.name, tool) is not tool:
        raise ValueError(f"A tool named {tool.name!r} already exists.")


def get(name: str) -> Tool | None:
    return _tools.get(name)


def names() -> list[str]:
    return sorted(_tools)


def permission(tool: Tool, permissions: Mapping[str, str]) -> Permission:
    """Return the permission of a tool in a profile; an unknown value means deny."""
    match permissions.get(tool.name, tool.permission):
        case "allow":
            return "allow"
        case "ask":
            return "ask"
        case _:
            return "deny"


def asks(tool: Tool, permissions: Mapping[str, str]) -> bool:
    """Return whether calls need a person first; a tool that a person answers always does."""
    return tool.answered_by_person or permission(tool, permissions) == "ask"


def offered(allowed: Sequence[str], permissions: Mapping[str, str]) -> list[Tool]:
    """Return the tools named in `allowed` ("*" for all) that are not denied."""
    # Sorted: the order is part of the prompt that providers cache.
    selected = names() if "*" in allowed else sorted(set(allowed) & set(_tools))
    return [tool for tool in map(_tools.__getitem__, selected) if permission(tool, permissions) != "deny"]


def params(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Return the tools as parameters of the Messages API; the same tools always give the same bytes."""
    return [
        {"name": tool.name, "description": tool.description, "input_schema": _sorted(tool.input_schema)}
        for tool in tools
    ]


def _sorted(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with sorted keys; callers can change it without changing the tool."""
    return json.loads(json.dumps(schema, sort_keys=True))  # type: ignore[no-any-return]
