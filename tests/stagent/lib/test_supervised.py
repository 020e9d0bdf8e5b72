"""Every thread and task of the product is watched, or is on the list of those that end by themselves."""

import ast
from collections.abc import Iterator

from tests.test_house import product

# Where a thread or task is made that nobody watches, and why that is right.
ONE_OFFS = {
    "agents/mcp/client.py:__init__": "lives as long as a run; `close` and every call await it",
    "agents/mcp/client.py:_request": "one call; awaited beside the connection",
    "agents/mcp/process_guard.py:main": "the only thread of a tiny process that ends with it",
    "agents/mcp/stdio.py:open": "lives as long as a connection, and is awaited when it closes",
    "agents/transcripts/recorder.py:_start_write": "one write; awaited",
    "agents/transcripts/recorder.py:record": "one run or reply; awaited",
    "agents/runtimes/anthropic/event_stream.py:read_ahead": "one answer of a provider; awaited",
    "agents/transcripts/batch_writer.py:append": "writes while something waits, and raises to whoever waits",
    "agents/transcripts/batch_writer.py:use_own_thread": "a pool: its errors are those of its calls",
    "agents/tools/shell/shell.py:shell": "one reading; awaited",
    "agents/tools/threads.py:in_thread": "one blocking call; its outcome is awaited",
    "chat/realtime/consumers.py:connect": "lives as long as a socket, and closes it when it fails",
    "chat/worker/worker.py:_start": "one reply; its end is noted by `_ended`",
    "chat/worker/worker.py:open": "the warm-up, once",
    "chat/feed/broadcast.py:_publish_elsewhere": "one message to Redis; counts its errors itself",
    "schedules/cluster/worker_host.py:_fetch": "awaited, and begun anew by `serve`",
    "schedules/cluster/worker_host.py:perform": "one run; awaited",
    "schedules/execution/executor.py:_start": "one run; its end is noted by `_ended`",
    "schedules/execution/executor.py:open": "the warm-up, once",
    "schedules/monitoring/process_reports.py:_last_report": "one report, waited for",
    "schedules/execution/time_limit.py:limited": "one run; cancelled with it",
    "stagent/supervisor/supervisor.py:_live": "reads a pipe until its child has ended; raises nothing",
    "stagent/supervisor/supervisor.py:run": "a group: the error of one ends all, and the process",
    "stagent/web/handler.py:__call__": "one request",
    "stagent/web/handler.py:_download": "a pool for one answer",
    "stagent/web/handler.py:_pass_answer": "closes one answer that is not wanted any more",
    "stagent/web/handler.py:take": "the same, seen from within",
    "stagent/lib/processes/supervisor.py:_ensure_monitor": "watches the others; `report` watches it",
    "stagent/lib/processes/supervisor.py:_spawn": "what is watched: a thread, or a task",
    "stagent/lib/processes/thread_pool.py:_start": "ends when idle; errors are those of its calls",
    "stagent/management/commands/up.py:_serve": "says the address, once",
    "stagent/supervisor/child.py:main": "three lines without a loop: a read that ends when the parent does",
}
MAKERS = {"Thread", "create_task", "ensure_future", "ThreadPoolExecutor", "Timer", "Task"}


def made() -> Iterator[str]:
    """Yield where a thread or task is made: the file and the function."""
    for path, text in product():
        if "drills" in path.parts:
            continue  # a drill is over soon, and fails aloud
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and _makes(function):
                yield f"{path}:{function.name}"


def _makes(function: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) in MAKERS
        for node in ast.walk(function)
    )


def test_every_thread_and_task_is_watched_or_ends_by_itself():
    unknown = sorted(set(made()) - set(ONE_OFFS))
    assert not unknown, "register it with stagent.lib.processes.supervisor, or say here why it ends by itself"


def test_the_list_names_nothing_that_is_gone():
    assert not sorted(set(ONE_OFFS) - set(made()))
