"""MCP servers set up in the database: their real processes, found, looked at and allowed."""

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

from agents.mcp import discovery
from agents.mcp import probe as probing
from agents.mcp.target import Target, surroundings
from agents.mcp.tool_digest import DiscoveredTool
from agents.models import McpServer, McpTool
from agents.states import McpTransport
from stagent.lib import clock
from tests.support.waiting import wait_until

SCRIPT = Path(__file__).with_name("mcp_server.py")

type Home = Callable[[McpServer], Path]


def a_server(*how: str, slug: str = "tester", **more: Any) -> McpServer:
    """Set up the test's own server; `how` it misbehaves, if it does."""
    reached = {"command": sys.executable, "arguments": [str(SCRIPT), *how]}
    plain = {"name": slug.title(), "permission": "allow"}
    return McpServer.objects.create(slug=slug, **plain | reached | more)


def allowed(server: McpServer, *names: str) -> McpServer:
    """Find its tools and allow some of them, as a person would."""
    discovery.record_tools(server.pk, list(its_tools()), "tester 1.0", clock.now())
    tools = server.tools.filter(name__in=names)
    assert {tool.name for tool in tools} == set(names)
    assert not discovery.allow([(tool, tool.digest) for tool in tools], None, clock.now())
    return server


@cache
def its_tools() -> tuple[DiscoveredTool, ...]:
    """Ask a real server once for all tests: starting one takes a second."""
    command = (sys.executable, str(SCRIPT))
    folder: Path = settings.DATA_DIR / "mcp" / "asked-once"
    whom = Target(0, "It", McpTransport.STDIO, 60, 60, folder, command, surroundings(folder, os.environ))
    found, _ = asyncio.run(probing.probe(whom))
    return tuple(found)


def the_tool(name: str) -> McpTool:
    return McpTool.objects.select_related("server").get(name=name)


def home(server: McpServer) -> Path:
    """Return the folder a server works in, made."""
    folder: Path = settings.DATA_DIR / "mcp" / server.slug
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pids(server: McpServer) -> list[int]:
    """Wait until a server has written down which processes it is."""
    path = home(server) / "pids"
    written = wait_until(lambda: path.read_text() if path.exists() else "")
    return [int(pid) for pid in written.split()]


def all_gone(processes: list[int]) -> bool:
    """Tell whether these have ended; one that nobody has reaped yet has."""
    return not any(_lives(pid) for pid in processes)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def on_the_web(unused_port: int, tmp_path: Path) -> Iterator[str]:
    """Serve the same over HTTP and return the address."""
    process = subprocess.Popen([sys.executable, str(SCRIPT), "http", str(unused_port)], cwd=tmp_path)
    wait_until(lambda: _listens(unused_port))
    yield f"http://127.0.0.1:{unused_port}/mcp"
    process.kill()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
