"""The one way to call a tool: checked, bounded in time and size, and never the end of a run."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from agents.tools import schema_check as schema
from agents.tools.base import Arguments, Card, Tool, ToolContext, ToolError, ToolResult
from agents.tools.threads import in_thread
from stagent.lib.text import clip

MAX_RESULT_CHARS = 50_000
MAX_SHOWN_CHARS = 4_000  # of one argument, on a card

logger = logging.getLogger("agents.tools")

_surroundings: list[Callable[[], AbstractContextManager[object]]] = []


def register_tool_context(manager: Callable[[], AbstractContextManager[object]]) -> None:
    """Enter this context manager around each blocking call, in its thread.

    The place to close the thread's database connections, which nobody else would.
    """
    if manager not in _surroundings:
        _surroundings.append(manager)


async def call(tool: Tool, context: ToolContext, arguments: Arguments) -> ToolResult:
    """Carry out one call. Every failure becomes a result for the model; only cancellation gets out."""
    started = time.monotonic()
    text, is_error = await _attempt(tool, context, arguments)
    return ToolResult(_presentable(text), is_error, round((time.monotonic() - started) * 1000))


async def preview(tool: Tool, context: ToolContext, arguments: Arguments) -> Card:
    """Make the card that shows a person what the call would do; ToolError where it cannot be made."""
    schema.check(tool.input_schema, arguments)
    if (show := tool.preview) is None:
        return plain_card(f"Call {tool.name}", arguments)
    try:
        async with asyncio.timeout(tool.timeout_sec):
            return await in_thread(lambda: _surrounded(show, context, arguments), name=f"preview-{tool.name}")
    except (ToolError, asyncio.CancelledError):
        raise
    except Exception as error:
        logger.warning("The preview of %s raised %s", tool.name, type(error).__name__, exc_info=True)
        raise ToolError(f"{tool.name} could not be prepared: {type(error).__name__}: {error}") from error


def plain_card(title: str, arguments: Arguments) -> Card:
    """Show the arguments as they are; where one is too long for a card, say so: nobody allows it unseen."""
    said = {name: _as_text(value) for name, value in arguments.items()}
    lines = [{"label": name, "value": clip(text, MAX_SHOWN_CHARS)} for name, text in said.items()]
    cut = [
        f"Only the first {MAX_SHOWN_CHARS:,} of {len(text):,} characters of “{name}” are shown here."
        for name, text in said.items()
        if len(text) > MAX_SHOWN_CHARS
    ]
    return {"title": title, "lines": lines, "warnings": cut}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


async def _attempt(tool: Tool, context: ToolContext, arguments: Arguments) -> tuple[str, bool]:
    try:
        schema.check(tool.input_schema, arguments)
        return await _in_time(tool, context, arguments), False
    except ToolError as error:
        return str(error) or f"{tool.name} failed without saying why.", True
    except asyncio.CancelledError:
        if _is_being_cancelled():
            raise
        return f"{tool.name} gave up: something inside it was cancelled.", True
    except (Exception, SystemExit) as error:
        logger.warning("Tool %s raised %s", tool.name, type(error).__name__, exc_info=True)
        return f"{tool.name} failed with {type(error).__name__}: {error}", True


async def _in_time(tool: Tool, context: ToolContext, arguments: Arguments) -> str:
    clock = asyncio.timeout(tool.timeout_sec)
    try:
        async with clock:
            return await _perform(tool, context, arguments)
    except TimeoutError:
        if not clock.expired():  # the tool's own, not ours
            raise
        unsure = "" if tool.idempotent else " It may have taken effect all the same."
        raise ToolError(f"{tool.name} was not done after {tool.timeout_sec:g} seconds.{unsure}") from None


async def _perform(tool: Tool, context: ToolContext, arguments: Arguments) -> str:
    if tool.blocking and not inspect.iscoroutinefunction(tool.call):
        result = await in_thread(lambda: _surrounded(tool.call, context, arguments), name=f"tool-{tool.name}")
    else:
        result = tool.call(context, arguments)
    if inspect.isawaitable(result):
        result = await result
    if not isinstance(result, str):
        raise TypeError(f"the tool returned {type(result).__name__}, not text")
    return result


def _surrounded[T](
    act: Callable[[ToolContext, Arguments], T], context: ToolContext, arguments: Arguments
) -> T:
    with ExitStack() as stack:
        for manager in _surroundings:
            stack.enter_context(manager())
        return act(context, arguments)


def _is_being_cancelled() -> bool:
    """Tell a cancellation of ours from one that leaked out of a library's own task group."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _presentable(text: str) -> str:
    """Make text that every database and server takes: no NUL, no lone surrogates, not endless, not empty."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    excess = len(text) - MAX_RESULT_CHARS
    if excess > 0:
        return f"{text[:MAX_RESULT_CHARS]}\n[cut here: {excess:,} more characters were left out]"
    return text or "(no output)"
