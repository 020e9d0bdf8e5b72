"""MCP servers in the database, with real processes and tools that are allowed."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from agents.mcp import discovery, probe
from agents.mcp.target import Target, server_environment
from agents.mcp.tool_digest import DiscoveredTool
from agents.models import McpServer, McpTool
from agents.states import McpTransport
from stagent.lib import clock
from tests.support.waiting import wait_until

SCRIPT = Path(__file__).with_name("mcp_server.py")

type Home = Callable[[McpServer], Path]


def a_server(*faults: str, slug: str = "tester", **more: Any) -> McpServer:
    """Create the tests' own server, with the given faults."""
    connection = {"command": sys.executable, "arguments": [str(SCRIPT), *faults]}
    defaults = {"name": slug.title(), "permission": "allow"}
    return McpServer.objects.create(slug=slug, **defaults | connection | more)


def allowed(server: McpServer, *names: str) -> McpServer:
    """Record the tools of a server and allow some of them."""
    discovery.record_tools(server.pk, list(discovered_tools()), "tester 1.0", clock.now())
    tools = server.tools.filter(name__in=names)
    assert {tool.name for tool in tools} == set(names)
    assert not discovery.allow([(tool, tool.digest) for tool in tools], None, clock.now())
    return server


@cache
def discovered_tools() -> tuple[DiscoveredTool, ...]:
    """List the tools of a real server, once for all tests: starting one takes a second."""
    command = (sys.executable, str(SCRIPT))
    folder: Path = settings.DATA_DIR / "mcp" / "shared"
    resolved = Target(
        0, "It", McpTransport.STDIO, 60, 60, folder, command, server_environment(folder, os.environ)
    )
    tools, _ = asyncio.run(probe.probe(resolved))
    return tuple(tools)


def the_tool(name: str) -> McpTool:
    return McpTool.objects.select_related("server").get(name=name)


def home(server: McpServer) -> Path:
    """Return the working folder of a server; create it if needed."""
    folder: Path = settings.DATA_DIR / "mcp" / server.slug
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pids(server: McpServer) -> list[int]:
    """Wait until a server has written its process ids."""
    path = home(server) / "pids"
    written = wait_until(lambda: path.read_text() if path.exists() else "")
    return [int(pid) for pid in written.split()]


def all_gone(processes: list[int]) -> bool:
    """Return whether these processes have ended; zombies count as ended."""
    return not any(_is_running(pid) for pid in processes)


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def http_server_url(unused_port: int, tmp_path: Path) -> Iterator[str]:
    """Serve the tools over HTTP and return the URL."""
    process = subprocess.Popen([sys.executable, str(SCRIPT), "http", str(unused_port)], cwd=tmp_path)
    wait_until(lambda: _listens(unused_port))
    yield f"http://127.0.0.1:{unused_port}/mcp"
    process.kill()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
