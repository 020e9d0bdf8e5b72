"""Calls tools: checks the arguments, limits time and size, and turns every failure into a result."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from agents.tools.base import Arguments, Card, Tool, ToolContext, ToolError, ToolResult
from agents.tools.schema_check import check
from agents.tools.threads import in_thread
from stagent.lib.text import clip

MAX_RESULT_CHARS = 50_000
MAX_CARD_CHARS = 4_000  # of one argument, on a card

logger = logging.getLogger(__name__)

_tool_contexts: list[Callable[[], AbstractContextManager[object]]] = []


def register_tool_context(manager: Callable[[], AbstractContextManager[object]]) -> None:
    """Enter this context manager around each blocking call, in its thread.

    Use it to close the thread's database connections: Django closes only those of request threads.
    """
    if manager not in _tool_contexts:
        _tool_contexts.append(manager)


async def call(tool: Tool, context: ToolContext, arguments: Arguments) -> ToolResult:
    """Call a tool. Every failure becomes a result for the model; only cancellation is raised."""
    started = time.monotonic()
    text, is_error = await _call_safely(tool, context, arguments)
    return ToolResult(_sanitize(text), is_error, round((time.monotonic() - started) * 1000))


async def preview(tool: Tool, context: ToolContext, arguments: Arguments) -> Card:
    """Build the card that shows a person what the call would do; ToolError if the arguments are wrong."""
    check(tool.input_schema, arguments)
    if (build_card := tool.preview) is None:
        return plain_card(f"Call {tool.name}", arguments)
    try:
        async with asyncio.timeout(tool.timeout_sec):
            return await in_thread(
                lambda: _call_in_context(build_card, context, arguments), name=f"preview-{tool.name}"
            )
    except (ToolError, asyncio.CancelledError):
        raise
    except Exception as error:
        logger.warning("Preview of tool %s failed: %s.", tool.name, type(error).__name__, exc_info=True)
        raise ToolError(
            f"The approval card of {tool.name} could not be built: {type(error).__name__}: {error}"
        ) from error


def plain_card(title: str, arguments: Arguments) -> Card:
    """Build a card of the arguments; a warning names each argument that is cut."""
    texts = {name: _as_text(value) for name, value in arguments.items()}
    lines = [{"label": name, "value": clip(text, MAX_CARD_CHARS)} for name, text in texts.items()]
    warnings = [
        f"Only the first {MAX_CARD_CHARS:,} of {len(text):,} characters of “{name}” are shown here."
        for name, text in texts.items()
        if len(text) > MAX_CARD_CHARS
    ]
    return {"title": title, "lines": lines, "warnings": warnings}


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


async def _call_safely(tool: Tool, context: ToolContext, arguments: Arguments) -> tuple[str, bool]:
    try:
        check(tool.input_schema, arguments)
        return await _call_with_timeout(tool, context, arguments), False
    except ToolError as error:
        return str(error) or f"{tool.name} failed without a message.", True
    except asyncio.CancelledError:
        if _is_being_cancelled():
            raise
        return f"{tool.name} failed: an operation inside it was cancelled.", True
    except (Exception, SystemExit) as error:
        logger.warning("Tool %s failed: %s.", tool.name, type(error).__name__, exc_info=True)
        return f"{tool.name} failed with {type(error).__name__}: {error}", True


async def _call_with_timeout(tool: Tool, context: ToolContext, arguments: Arguments) -> str:
    deadline = asyncio.timeout(tool.timeout_sec)
    try:
        async with deadline:
            return await _call(tool, context, arguments)
    except TimeoutError:
        if not deadline.expired():  # raised by the tool itself
            raise
        hint = "" if tool.idempotent else " It may have taken effect."
        raise ToolError(f"{tool.name} timed out after {tool.timeout_sec:g} seconds.{hint}") from None


async def _call(tool: Tool, context: ToolContext, arguments: Arguments) -> str:
    if tool.blocking and not inspect.iscoroutinefunction(tool.call):
        result = await in_thread(
            lambda: _call_in_context(tool.call, context, arguments), name=f"tool-{tool.name}"
        )
    else:
        result = tool.call(context, arguments)
    if inspect.isawaitable(result):
        result = await result
    if not isinstance(result, str):
        raise TypeError(f"the tool returned {type(result).__name__}, not text")
    return result


def _call_in_context[T](
    function: Callable[[ToolContext, Arguments], T], context: ToolContext, arguments: Arguments
) -> T:
    with ExitStack() as stack:
        for manager in _tool_contexts:
            stack.enter_context(manager())
        return function(context, arguments)


def _is_being_cancelled() -> bool:
    """Return whether this task is cancelled; otherwise the error leaked from a library's task group."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _sanitize(text: str) -> str:
    """Make text that databases and providers accept: no NUL, no lone surrogates, limited, not empty."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    excess = len(text) - MAX_RESULT_CHARS
    if excess > 0:
        return f"{text[:MAX_RESULT_CHARS]}\n[cut here: {excess:,} more characters omitted]"
    return text or "(no output)"
