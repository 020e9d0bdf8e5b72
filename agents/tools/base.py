"""What a tool is, what it is told about the run it works for, and what comes back."""

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
    """The call failed in a way the model can read and act on; the message is written for it."""


@dataclass(frozen=True)
class Report:
    """What an agent said about its own findings, in a form that code can read."""

    changed: bool
    severity: Literal["info", "warning", "critical"]
    body: str


@dataclass
class ToolContext:
    """Whom a tool call works for; one per run or reply, handed to each of its calls."""

    workspace: Path | None = None
    run_id: int | None = None
    schedule_id: int | None = None
    project_id: int | None = None
    user_id: int | None = None
    message_id: int | None = None
    report: Report | None = None  # left here by the report tool
    call_id: str = ""  # of the call that is being made; calls are made one after another


@dataclass(frozen=True)
class Tool:
    """Something an agent may do.

    A blocking tool is a plain function and gets a thread of its own; the others are called on the
    event loop and may return an awaitable. `permission` holds where a profile says nothing; with "ask" a
    person is shown what `preview` makes of the arguments (in a thread, too). It raises ToolError where they
    are wrong: then nobody is asked.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    call: Call
    blocking: bool = True
    timeout_sec: float = 60
    permission: Permission = "allow"
    idempotent: bool = False  # a second identical call leaves things as the first did
    preview: Preview | None = None
    asks_each_time: bool = False  # a person may allow a call of it, and never all of them
    answered_by_person: bool = False  # never called: what the person answers is its result


@dataclass(frozen=True)
class ToolResult:
    """What the model is told, good or bad."""

    text: str
    is_error: bool
    duration_ms: int
