"""Calling a tool: limited in time and size, and never the end of a run."""

import asyncio
import contextvars
import threading
from contextlib import contextmanager

import pytest

from agents.tools import invoke
from agents.tools.base import Tool, ToolContext, ToolError, ToolResult

NOTHING = ToolContext()


def tool(function, **more) -> Tool:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    return Tool("sample", "A sample.", schema, function, **more)


async def outcome(function, arguments=None, **more) -> ToolResult:
    return await invoke.call(tool(function, **more), NOTHING, arguments or {})


def raising(error: BaseException):
    def function(context, arguments):
        raise error

    return function


async def test_a_blocking_tool_answers_from_a_thread_of_its_own():
    result = await outcome(lambda *_: threading.current_thread().name)
    assert result.text == "tool-sample"
    assert not result.is_error


async def test_a_tool_that_does_not_block_is_called_on_the_loop():
    result = await outcome(lambda *_: threading.current_thread().name, blocking=False)
    assert result.text == threading.current_thread().name


async def test_a_coroutine_is_awaited_even_where_the_tool_is_called_blocking():
    async def function(context, arguments):
        return f"{arguments['n']} on {threading.current_thread().name}"

    for blocking in (True, False):
        result = await outcome(function, {"n": 7}, blocking=blocking)
        assert result.text == f"7 on {threading.current_thread().name}"


async def test_arguments_that_do_not_fit_never_reach_the_tool():
    result = await outcome(raising(AssertionError("reached")), {"n": "7"})
    assert result.is_error
    assert "arguments.n must be an integer" in result.text


async def test_a_tool_error_is_the_result():
    assert await error_of(ToolError("The file is away.")) == "The file is away."


async def error_of(error: BaseException, **more) -> str:
    result = await outcome(raising(error), **more)
    assert result.is_error
    return result.text


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize(
    "error", [ValueError("bad"), KeyError("k"), SystemExit(3), StopIteration("s"), RecursionError("r")]
)
async def test_any_exception_becomes_a_result(error, blocking):
    assert "sample failed with " in await error_of(error, blocking=blocking)


async def test_a_tool_error_without_a_message_still_has_a_text():
    assert await error_of(ToolError()) == "sample failed without a message."


async def test_a_tool_that_returns_no_text_has_failed():
    result = await outcome(lambda *_: 5)
    assert result.is_error
    assert "returned int, not text" in result.text


async def forever(context, arguments):
    await asyncio.Event().wait()


async def test_a_tool_that_does_not_return_times_out():
    result = await outcome(forever, timeout_sec=0.01)
    assert result.is_error
    assert result.text == "sample timed out after 0.01 seconds. It may have taken effect."


async def test_a_blocking_tool_that_hangs_does_not_block_others():
    hang = threading.Event()
    try:
        stuck = [outcome(lambda *_: str(hang.wait()), timeout_sec=0.01) for _ in range(40)]
        assert all(result.is_error for result in await asyncio.gather(*stuck))
        assert (await outcome(lambda *_: "well")).text == "well"
    finally:
        hang.set()


async def test_a_timeout_inside_the_tool_is_not_taken_for_ours():
    assert (
        await error_of(TimeoutError("the server was slow"))
        == "sample failed with TimeoutError: the server was slow"
    )


async def test_being_cancelled_is_not_a_result():
    begun = asyncio.Event()

    async def function(context, arguments):
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(outcome(function))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_does_not_wait_for_a_thread():
    hang, loop, begun = threading.Event(), asyncio.get_running_loop(), asyncio.Event()

    def function(context, arguments):
        loop.call_soon_threadsafe(begun.set)
        return str(hang.wait())

    task = asyncio.create_task(outcome(function))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    hang.set()


async def test_a_deadline_of_the_run_passes_through():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await outcome(forever)


async def test_a_cancellation_that_leaks_from_a_library_is_only_a_failed_call():
    assert "an operation inside it was cancelled" in await error_of(asyncio.CancelledError(), blocking=False)


async def test_a_long_result_is_cut_and_says_by_how_much():
    result = await outcome(lambda *_: "x" * 60_000)
    assert result.text.startswith("x" * 50_000 + "\n")
    assert "10,000 more characters" in result.text
    assert len(result.text) < 50_100


async def test_a_result_that_fits_is_not_touched():
    assert (await outcome(lambda *_: "x" * 50_000)).text == "x" * 50_000


async def test_a_result_is_never_empty_and_can_be_stored():
    assert (await outcome(lambda *_: "")).text == "(no output)"
    assert (await outcome(lambda *_: "a\0b\ud800c")).text == "a\ufffdb?c"


async def test_the_duration_of_a_call_is_measured():
    result = await outcome(forever, timeout_sec=0.05)
    assert 50 <= result.duration_ms < 10_000


async def test_a_tool_context_is_entered_in_the_thread_and_left_after_a_failure(monkeypatch):
    recorded = []

    @contextmanager
    def recording():
        recorded.append(f"in {threading.current_thread().name}")
        try:
            yield
        finally:
            recorded.append(f"out {threading.current_thread().name}")

    monkeypatch.setattr(invoke, "_tool_contexts", [])
    invoke.register_tool_context(recording)
    invoke.register_tool_context(recording)
    assert await error_of(ValueError("bad")) == "sample failed with ValueError: bad"
    assert recorded == ["in tool-sample", "out tool-sample"]


async def test_a_thread_sees_the_context_variables_of_its_caller():
    marker = contextvars.ContextVar("marker", default="unset")
    marker.set("set")
    assert (await outcome(lambda *_: marker.get())).text == "set"
