"""The types of tools: definition, context of a call, result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

type Permission = Literal["allow", "ask", "deny"]
type Arguments = dict[str, Any]
type Call = Callable[[ToolContext, Arguments], str | Awaitable[str]]
type Card = dict[str, Any]  # title, lines of label and value, warnings
type Preview = Callable[[ToolContext, Arguments], Card]


class ToolError(Exception):
    """The call failed; the model reads the message and can act on it."""


@dataclass(frozen=True)
class Report:
    """The outcome of a scheduled check as the agent reported it."""

    changed: bool
    severity: Literal["info", "warning", "critical"]
    body: str


@dataclass
class ToolContext:
    """The run or reply that a tool is called for; one instance for all its calls."""

    workspace: Path | None = None
    run_id: int | None = None
    schedule_id: int | None = None
    project_id: int | None = None
    user_id: int | None = None
    message_id: int | None = None
    report: Report | None = None  # set by the report tool
    call_id: str = ""  # of the current call; calls are made one after another


@dataclass(frozen=True)
class Tool:
    """A function that an agent can call.

    A blocking tool is a plain function and runs in a thread of its own; the others are called on the event
    loop and can return an awaitable. `permission` applies unless the profile overrides it. With "ask", a
    person sees the card that `preview` returns (it runs in a thread, too); a ToolError from it becomes the
    result of the call, and nobody is asked.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    call: Call
    blocking: bool = True
    timeout_sec: float = 60
    permission: Permission = "allow"
    idempotent: bool = False  # a repeated call changes nothing more
    preview: Preview | None = None
    asks_each_time: bool = False  # no standing approval can cover it
    answered_by_person: bool = False  # never called: the answer is its result


@dataclass(frozen=True)
class ToolResult:
    """The text that the model gets."""

    text: str
    is_error: bool
    duration_ms: int
