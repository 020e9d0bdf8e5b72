"""An agent at work: the engine, the real SDK, and a provider that says what the test wants."""

import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync

from agents import runtimes
from agents.engine import runner
from agents.engine.assignment import Assignment
from agents.engine.limits import Limits
from agents.models import Profile
from agents.protocol.events import Finished
from agents.runtimes.anthropic.runtime import AnthropicRuntime, Endpoint
from agents.spending.budgets import Spender
from agents.states import Activity
from agents.tools import registry
from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from agents.transcripts import transcript
from tests.agents.provider import Answer, Provider
from tests.agents.web import Server

type MakeAssignment = Callable[..., Assignment]
type Script = Callable[..., Provider]


@pytest.fixture
def script() -> Script:
    """Return a function that makes a provider with these answers and lets the runtime "scripted" ask it."""

    def script(*answers: Answer, url: str = "") -> Provider:
        provider = Provider(*answers)
        key = "" if url else "sk-test"
        runtimes.register(AnthropicRuntime("scripted", Endpoint(url=url, key=key, transport=provider)))
        return provider

    return script


@pytest.fixture
def echo_calls() -> Iterator[list[Arguments]]:
    """Register the tools `echo` and `fail`, and list the calls of `echo`."""
    made: list[Arguments] = []

    def echo(context: ToolContext, arguments: Arguments) -> str:
        made.append(arguments)
        return f"echo {arguments['say']}"

    def fail(context: ToolContext, arguments: Arguments) -> str:
        raise ToolError("It is broken.")

    schema = {"type": "object", "properties": {"say": {"type": "string"}}, "required": ["say"]}
    tools = [
        Tool("echo", "Say it again.", schema, echo, blocking=False),
        Tool("fail", "Never works.", {"type": "object"}, fail, blocking=False),
    ]
    for tool in tools:
        registry.register(tool)
    yield made
    for tool in tools:
        registry._tools.pop(tool.name)


@pytest.fixture
def assign(db: None, tmp_path: Path) -> MakeAssignment:
    """Return a function that makes an assignment for a profile on the scripted runtime."""

    def assign(prompt: str = "Do it.", max_turns: int = 10, **more: Any) -> Assignment:
        limits = Limits(max_turns, more.pop("max_cost_usd", None), more.pop("max_tokens", None))
        token: UUID = more.pop("token", None) or uuid4()
        transcript_id = more.pop("transcript_id", None) or transcript.open_transcript(token).pk
        spender = more.pop("spender", None) or Spender(Activity.RUN_TURN, run_id=7, schedule_id=3)
        ours = (
            "earlier_messages",
            "turns_used",
            "cost_used",
            "extra_system",
            "clock",
            "can_request_approval",
            "interactive",
            "scope",
        )
        settings = {name: more.pop(name) for name in ours if name in more}
        plain = {"slug": uuid4().hex, "name": "Tester", "instructions": "Be good.", "runtime": "scripted"}
        profile = Profile.objects.create(
            **plain | {"tools": ["echo", "fail", "report"], "model": "claude-opus-5-5"} | more
        )
        return Assignment(profile, prompt, limits, tmp_path, spender, transcript_id, token, **settings)

    return assign


def work(assignment: Assignment) -> list[Any]:
    """Let the engine work to the end and return what it told."""
    return async_to_sync(collect)(assignment)


def finish(assignment: Assignment) -> Finished:
    """Let the engine work to the end and return how it ended."""
    last = work(assignment)[-1]
    assert isinstance(last, Finished)
    return last


async def collect(assignment: Assignment) -> list[Any]:
    """Let the engine work to the end, on a loop that is there."""
    async with aclosing(runner.run(assignment)) as happened:
        return [event async for event in happened]


@pytest.fixture
def server(monkeypatch):
    with Server() as server:
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", f"other.example, 127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.hold.set()
        server.shutdown()
