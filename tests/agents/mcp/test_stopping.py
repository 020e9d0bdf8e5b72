"""A server's processes end with who needed them, however that one ends."""

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
    """Let the engine work to the end."""
    async with aclosing(runner.run(assignment)) as happened:
        async for _ in happened:
            pass


async def stopped(assignment, server, stop):
    """Work until a call is under way and stop; return the processes of the server."""
    task = asyncio.create_task(drain(assignment))
    processes = await asyncio.to_thread(pids, server)
    stop(task)
    with suppress(asyncio.CancelledError, TimeoutError):
        await task
    return processes


@pytest.fixture
def asleep(assign):
    """Set up a server whose tool sleeps, and an assignment that calls it."""
    server = allowed(a_server(), "sleep")
    (home(server) / "pids").unlink(missing_ok=True)
    return server, assign("call tester__sleep", tools=["tester__*"], runtime="anthropic")


def test_a_stop_in_the_middle_of_a_call_kills_the_server_and_its_children(asleep):
    server, assignment = asleep
    processes = async_to_sync(stopped)(assignment, server, lambda task: task.cancel())
    assert len(processes) == 2
    assert all_gone(processes), "gone when the run is, not some time later"


ORPHAN = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[1])
os.environ["DJANGO_SETTINGS_MODULE"] = "stagent.settings"
import django
django.setup()
from pathlib import Path
from agents.mcp import client
from agents.mcp.target import Target, surroundings
from agents.states import McpTransport

async def main():
    home = Path(sys.argv[2])
    env = surroundings(home, os.environ)
    command = (sys.executable, sys.argv[3])
    whom = Target(1, "it", McpTransport.STDIO, 60, 600, home, command, env)
    connection = client.Connection(whom)
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


def test_the_keeper_hands_on_how_its_server_ended(tmp_path):
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


def test_a_process_has_no_more_servers_running_than_it_may(settings):
    settings.STAGENT_MCP_MAX_PROCESSES = 1
    places = ProcessLimit()

    async def two():
        async with places.one(5):
            with pytest.raises(Exception, match="Too many servers"):
                async with places.one(0.1):
                    pass
        async with places.one(5):
            return True

    assert async_to_sync(two)()


def test_a_place_is_given_back_by_servers_that_fail(settings):
    settings.STAGENT_MCP_MAX_PROCESSES = 1
    server = a_server("crash")
    for _ in range(2):
        assert "exit code 4" in probe.refresh(server, clock.now())
    assert "exit code 4" in McpServer.objects.get().error


def test_a_stop_waits_for_no_server_at_an_address(assign, on_the_web, tmp_path):
    allowed(a_server(transport="http", url=on_the_web, command=""), "sleep")
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
