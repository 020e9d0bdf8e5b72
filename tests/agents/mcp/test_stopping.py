"""The processes of a server end with the run that started them, however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import aclosing, suppress

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings

from agents.engine import runner
from agents.mcp import probe, process_guard
from agents.mcp.process_limit import ProcessLimit
from agents.models import McpServer
from agents.protocol.events import ToolFinished
from stagent.lib import clock
from tests.agents.conftest import collect
from tests.support.mcp_servers import SCRIPT, a_server, all_gone, allowed, home, pids
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


async def drain(assignment):
    """Run the engine to the end."""
    async with aclosing(runner.run(assignment)) as events:
        async for _ in events:
            pass


async def run_and_stop(assignment, server, stop):
    """Run until a call is in progress and stop; return the processes of the server."""
    task = asyncio.create_task(drain(assignment))
    processes = await asyncio.to_thread(pids, server)
    stop(task)
    with suppress(asyncio.CancelledError, TimeoutError):
        await task
    return processes


@pytest.fixture
def sleeping_call(assign):
    """Return a server whose tool sleeps, and an assignment that calls it."""
    server = allowed(a_server(), "sleep")
    (home(server) / "pids").unlink(missing_ok=True)
    return server, assign("call tester__sleep", tools=["tester__*"], runtime="anthropic")


def test_a_stop_in_the_middle_of_a_call_kills_the_server_and_its_children(sleeping_call):
    server, assignment = sleeping_call
    processes = async_to_sync(run_and_stop)(assignment, server, lambda task: task.cancel())
    assert len(processes) == 2
    assert all_gone(processes), "ended with the run, not some time later"


ORPHAN = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[1])
os.environ["DJANGO_SETTINGS_MODULE"] = "stagent.settings"
import django
django.setup()
from pathlib import Path
from agents.mcp import client
from agents.mcp.target import Target, server_environment
from agents.states import McpTransport

async def main():
    home = Path(sys.argv[2])
    env = server_environment(home, os.environ)
    command = (sys.executable, sys.argv[3])
    resolved = Target(1, "it", McpTransport.STDIO, 60, 600, home, command, env)
    connection = client.Connection(resolved)
    await connection.tools()
    await connection.call("sleep", {})

asyncio.run(main())
"""


def test_a_server_dies_with_a_parent_that_is_killed(tmp_path):
    arguments = [str(settings.BASE_DIR), str(tmp_path), str(SCRIPT)]
    environment = os.environ | {"STAGENT_DATA_DIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN, *arguments], env=environment)
    path = tmp_path / "pids"
    processes = [int(pid) for pid in wait_until(lambda: path.exists() and path.read_text()).split()]
    assert not all_gone(processes)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: all_gone(processes))


def test_the_guard_returns_the_exit_code_of_the_server(tmp_path):
    read, write = os.pipe()
    ended = subprocess.run(
        [sys.executable, "-I", "-S", process_guard.__file__, str(read), "/bin/sh", "-c", "exit 7"],
        pass_fds=(read,),
        stdin=subprocess.DEVNULL,
        check=False,
    )
    os.close(read)
    os.close(write)
    assert ended.returncode == 7


def test_the_number_of_server_processes_is_limited(settings):
    settings.STAGENT_MCP_MAX_PROCESSES = 1
    limit = ProcessLimit()

    async def two():
        async with limit.slot(5):
            with pytest.raises(Exception, match="Too many MCP servers"):
                async with limit.slot(0.1):
                    pass
        async with limit.slot(5):
            return True

    assert async_to_sync(two)()


def test_a_failing_server_releases_its_slot(settings):
    settings.STAGENT_MCP_MAX_PROCESSES = 1
    server = a_server("crash")
    for _ in range(2):
        assert "exit code 4" in probe.refresh(server, clock.now())
    assert "exit code 4" in McpServer.objects.get().error


def test_a_stop_does_not_wait_for_an_http_server(assign, http_server_url, tmp_path):
    allowed(a_server(transport="http", url=http_server_url, command=""), "sleep")
    assignment = assign("call tester__sleep", tools=["tester__*"], runtime="anthropic")

    async def stop():
        task = asyncio.create_task(drain(assignment))
        await asyncio.to_thread(wait_until, (tmp_path / "pids").exists)
        task.cancel()
        began = asyncio.get_running_loop().time()
        with suppress(asyncio.CancelledError):
            await task
        return asyncio.get_running_loop().time() - began

    assert async_to_sync(stop)() < 5, "not as long as the server takes"


def test_two_runs_have_a_server_each(assign):
    allowed(a_server(), "environment")
    one, other = (
        assign("[[offline: turns=3 tool=tester__environment]]", tools=["tester__*"], runtime="anthropic")
        for _ in range(2)
    )

    async def both():
        return await asyncio.gather(collect(one), collect(other))

    for events in async_to_sync(both)():
        done = [event for event in events if isinstance(event, ToolFinished)]
        assert [each.is_error for each in done] == [False, False]
