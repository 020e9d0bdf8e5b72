"""What is sent to the provider, to other servers and to the offline model, over real sockets too."""

import asyncio
import gc
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from agents import runtimes
from agents.runtimes.anthropic import AnthropicRuntime, Endpoint
from agents.runtimes.base import Request
from agents.runtimes.requests import shape
from agents.states import FailureReason
from tests.agents.conftest import collect, finish
from tests.agents.provider import events, refuse, say

LOCAL = "http://localhost:11434"
TOOLS = [{"name": "echo", "description": "Say it again.", "input_schema": {"type": "object"}}]


def a_request(**more: Any) -> Request:
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    plain: dict[str, Any] = {
        "model": "m",
        "system": "Be good.",
        "messages": messages,
        "tools": TOOLS,
        "max_tokens": 99,
    }
    return Request(**plain | more)


def test_the_provider_gets_marks_for_its_cache_and_the_effort():
    arguments = shape(a_request(effort="high"), full=True)
    assert arguments["system"] == [
        {"type": "text", "text": "Be good.", "cache_control": {"type": "ephemeral"}}
    ]
    assert arguments["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert arguments["thinking"]["type"] == "adaptive"
    assert arguments["output_config"] == {"effort": "high"}


def test_other_servers_get_nothing_they_may_not_know():
    request = a_request(effort="high")
    assert shape(request, full=False) == {
        "model": "m",
        "max_tokens": 99,
        "messages": request.messages,
        "system": "Be good.",
        "tools": TOOLS,
        "tool_choice": {"type": "auto"},
    }


def test_marks_are_put_on_copies_and_not_into_the_conversation():
    request = a_request()
    shape(request, full=True)
    assert "cache_control" not in request.messages[0]["content"][0]


def test_nothing_is_said_about_tools_where_there_are_none():
    arguments = shape(a_request(tools=[], system="", may_call=False), full=False)
    assert not {"tools", "tool_choice", "system"} & set(arguments)


def test_tools_that_may_not_be_called_are_still_shown():
    assert shape(a_request(may_call=False), full=False)["tools"] == TOOLS
    assert shape(a_request(may_call=False), full=False)["tool_choice"] == {"type": "none"}


@pytest.mark.django_db
def test_other_servers_are_told_the_version_they_know(script, assign):
    provider = script(say("Hello."), url=LOCAL)
    assert finish(assign()).text == "Hello."
    assert provider.headers[0]["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in provider.headers[0]
    assert provider.last["system"] == "Be good."


@pytest.mark.django_db
def test_the_sdk_does_not_try_again_by_itself(script, assign):
    provider = script(refuse(529, "overloaded_error", retry_after="60"))
    assert finish(assign()).reason == FailureReason.OVERLOADED
    assert len(provider.requests) == 1


def test_a_client_is_kept_for_its_loop_and_goes_with_it():
    runtime = AnthropicRuntime("kept", Endpoint(key="x"))

    async def twice() -> bool:
        return await runtime._client(runtime.endpoint) is await runtime._client(runtime.endpoint)

    assert asyncio.run(twice())
    gc.collect()
    assert len(runtime._clients) == 0


def test_settings_are_read_when_asking(settings):
    runtime = runtimes.get("anthropic")
    settings.ANTHROPIC_API_KEY = settings.ANTHROPIC_BASE_URL = ""
    assert runtime.provider_name() == "offline"
    settings.ANTHROPIC_BASE_URL = LOCAL
    assert runtime.provider_name() == "anthropic@localhost:11434"


def test_commands_that_ask_no_model_do_not_import_the_sdk():
    code = (
        "import django, sys; django.setup(); import agents.runner, agents.breaker;"
        "from agents.models import Profile; agents.breaker.of(Profile());"
        "sys.exit('anthropic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@asynccontextmanager
async def a_server(answer):
    """Listen on a port of this machine and answer every request with these bytes."""

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        request = json.loads(await reader.readexactly(length))
        for part in answer(request):
            writer.write(part)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"


def whole(request: dict[str, Any]) -> list[bytes]:
    return [HEAD + b"\r\n", *events(request, [{"type": "text", "text": "Hello there."}], "end_turn")]


def half(request):
    return whole(request)[:-3]


def promised_more(request):
    return [HEAD + b"content-length: 99999\r\n\r\n", *whole(request)[1:4]]


def nonsense(request):
    return [HEAD + b"\r\n", b"event: message_start\ndata: {not json\n\n"]


def another_language(request):
    return [HEAD + b"\r\n", b'data: {"choices": []}\n\n', b"data: [DONE]\n\n"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (whole, None),
        (half, FailureReason.SDK_ERROR),
        (promised_more, FailureReason.SDK_ERROR),
        (nonsense, FailureReason.SDK_ERROR),
        (another_language, FailureReason.SDK_ERROR),
    ],
)
def test_a_real_server_may_answer_well_or_badly(assign, settings, answer, reason):
    assignment = assign(runtime="anthropic")

    async def ask():
        async with a_server(answer) as url:
            settings.ANTHROPIC_BASE_URL = url
            return (await collect(assignment))[-1]

    finished = async_to_sync(ask)()
    assert finished.reason == reason
    assert finished.text == "Hello there." if reason is None else finished.detail


@pytest.mark.django_db
def test_a_server_that_is_not_there_is_named_by_its_trouble(assign, settings):
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:1"
    finished = finish(assign(runtime="anthropic"))
    assert (finished.reason, finished.retryable) == (FailureReason.SDK_ERROR, True)
    assert finished.detail.startswith("The provider cannot be reached")
