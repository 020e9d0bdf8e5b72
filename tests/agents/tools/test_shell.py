"""The shell: limited in time, output and environment, and killed when it ends."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from agents.tools import invoke
from agents.tools.base import ToolContext, ToolResult
from agents.tools.shell.shell import OUTPUT_HALF_BYTES, SHELL, environment
from tests.support.mcp_servers import all_gone
from tests.support.waiting import wait_until


@pytest.fixture
def run(tmp_path):
    """Run a command in a workspace of its own."""

    async def call(command: str, **more) -> ToolResult:
        return await invoke.call(SHELL, ToolContext(workspace=tmp_path), {"command": command, **more})

    return call


async def test_a_command_runs_in_the_workspace_and_returns_its_exit_code(run, tmp_path):
    result = await run("pwd; echo more >&2; exit 3")
    assert result.text == f"{tmp_path}\nmore\n[exit code 3]"
    assert not result.is_error


async def test_a_silent_command_returns_its_exit_code(run):
    assert (await run("true")).text == "[exit code 0]"


async def test_a_command_gets_no_input(run):
    assert (await run("cat; echo done")).text == "done\n[exit code 0]"


async def test_a_command_sees_none_of_our_secrets(run, monkeypatch):
    secrets = (
        "ANTHROPIC_API_KEY",
        "SECRET_KEY",
        "DATABASE_URL",
        "GITHUB_TOKEN",
        "REDIS_URL",
        "STAGENT_ADMIN_PASSWORD",
        "X",
    )
    for name in secrets:
        monkeypatch.setenv(name, "hidden-value")
    text = (await run("env")).text
    assert "hidden-value" not in text
    assert "PATH=" in text


def test_the_environment_is_made_of_a_few_names_and_nothing_else():
    inherited = {"PATH": "/bin", "LANG": "C.UTF-8", "HOME": "/root", "LD_PRELOAD": "x", "SSH_AUTH_SOCK": "y"}
    assert environment(Path("/w"), inherited) == {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "HOME": "/w",
        "PWD": "/w",
        "TERM": "dumb",
    }


async def test_long_output_keeps_its_beginning_and_its_end(run):
    text = (await run("echo first; seq 100000; echo last")).text
    assert text.startswith("first\n1\n")
    assert text.endswith("\n100000\nlast\n[exit code 0]")
    assert "bytes omitted]" in text
    assert len(text) < 2 * OUTPUT_HALF_BYTES + 100


async def test_output_that_is_not_text_is_still_returned(run):
    assert (await run(r"printf 'a\377\000b'")).text == "a\ufffd\ufffdb\n[exit code 0]"


async def test_a_command_that_takes_too_long_is_stopped_with_all_it_started(run, tmp_path):
    result = await run("echo begun; sleep 600 & echo $! > child; sleep 600", timeout_sec=1)
    assert result.is_error
    assert result.text == "The command timed out after 1 seconds and was stopped.\nbegun"
    await until_gone(int((tmp_path / "child").read_text()))


async def test_what_a_command_leaves_in_the_background_is_stopped_at_its_end(run, tmp_path):
    result = await run("sleep 600 & echo $! > child; echo done")
    assert result.text == "done\n[exit code 0]"
    assert result.duration_ms < 60_000
    await until_gone(int((tmp_path / "child").read_text()))


async def test_a_cancelled_run_takes_its_command_with_it(run, tmp_path):
    os.mkfifo(tmp_path / "ready")
    task = asyncio.create_task(run("echo $$ > ready; sleep 600"))
    pid = int(await asyncio.to_thread((tmp_path / "ready").read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_gone(pid)


async def until_gone(pid: int) -> None:
    """Wait until a process has ended and was reaped."""
    await asyncio.to_thread(wait_until, lambda: all_gone([pid]))


async def test_without_a_workspace_there_is_no_shell():
    result = await invoke.call(SHELL, ToolContext(), {"command": "true"})
    assert result.is_error
    assert "This run has no workspace" in result.text


async def test_a_command_that_cannot_be_started_is_a_failed_call(run):
    assert (await run("echo \0")).is_error


def test_a_command_runs_on_an_event_loop_that_is_not_the_main_threads(run):
    """The scheduler's loop lives in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(lambda: asyncio.run(run("echo here"))).result()
    assert result.text == "here\n[exit code 0]"


async def test_no_descriptor_stays_open_after_a_command(run):
    await run("true")
    before = psutil.Process().num_fds()
    for command in ("true", "sleep 600 &", "exit 7"):
        await run(command)
    await run("echo \0")
    assert psutil.Process().num_fds() <= before
