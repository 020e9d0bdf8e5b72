"""What is sent to the provider, to other servers and to the offline model, over real sockets too."""

import asyncio
import gc
import subprocess
import sys
from typing import Any

import pytest

from agents import runtimes
from agents.runtimes.anthropic.request import build_arguments
from agents.runtimes.anthropic.runtime import AnthropicRuntime, Endpoint
from agents.runtimes.base import Request
from agents.states import FailureReason
from tests.agents.conftest import finish
from tests.agents.provider import refuse, say

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
    arguments = build_arguments(a_request(effort="high"), is_provider=True)
    assert arguments["system"] == [
        {"type": "text", "text": "Be good.", "cache_control": {"type": "ephemeral"}}
    ]
    assert arguments["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert arguments["thinking"]["type"] == "adaptive"
    assert arguments["output_config"] == {"effort": "high"}


def test_other_servers_get_nothing_they_may_not_know():
    request = a_request(effort="high")
    assert build_arguments(request, is_provider=False) == {
        "model": "m",
        "max_tokens": 99,
        "messages": request.messages,
        "system": "Be good.",
        "tools": TOOLS,
        "tool_choice": {"type": "auto"},
    }


def test_marks_are_put_on_copies_and_not_into_the_conversation():
    request = a_request()
    build_arguments(request, is_provider=True)
    assert "cache_control" not in request.messages[0]["content"][0]


def test_nothing_is_said_about_tools_where_there_are_none():
    arguments = build_arguments(a_request(tools=[], system="", can_call_tools=False), is_provider=False)
    assert not {"tools", "tool_choice", "system"} & set(arguments)


def test_tools_that_may_not_be_called_are_still_shown():
    assert build_arguments(a_request(can_call_tools=False), is_provider=False)["tools"] == TOOLS
    assert build_arguments(a_request(can_call_tools=False), is_provider=False)["tool_choice"] == {
        "type": "none"
    }


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


def test_connections_are_closed_before_their_loop_ends():
    runtime = AnthropicRuntime("kept", Endpoint(url="http://127.0.0.1:1", key="x"))

    async def close() -> bool:
        client = await runtime._client(runtime.endpoint)
        await runtime.close()
        return client.is_closed()

    assert asyncio.run(close())
    assert len(runtime._clients) == 0


def test_settings_are_read_when_asking(settings):
    runtime = runtimes.get("anthropic")
    settings.ANTHROPIC_API_KEY = settings.ANTHROPIC_BASE_URL = ""
    assert runtime.provider_name() == "offline"
    settings.ANTHROPIC_BASE_URL = LOCAL
    assert runtime.provider_name() == "anthropic@localhost:11434"


def test_commands_that_ask_no_model_do_not_import_the_sdk():
    code = (
        "import django, sys; django.setup(); import agents.engine.runner, agents.runtimes.breaker;"
        "from agents.models import Profile; agents.runtimes.breaker.provider_of(Profile());"
        "sys.exit('anthropic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.django_db
def test_a_server_that_is_not_there_is_named_by_its_trouble(assign, settings):
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:1"
    finished = finish(assign(runtime="anthropic"))
    assert (finished.reason, finished.retryable) == (FailureReason.SDK_ERROR, True)
    assert finished.detail.startswith("The provider cannot be reached")
