"""Replies whose server is not ready or not set up: waited for, or told with the remedy."""

from typing import Any

import httpx2
import pytest

from agents import runtimes
from agents.runtimes.anthropic.runtime import AnthropicRuntime, Endpoint
from chat.models import Message
from chat.worker import reply_task
from stagent.lib.db.async_db import db_sync_to_async
from tests.agents.provider import Answer, Provider, refuse, say
from tests.support.answering import answered, events
from tests.support.builders import a_profile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(reply_task, "FIRST_RETRY_SEC", 0.001)


def page(status: int, text: str) -> Answer:
    """Answer with something else than the API does."""

    def answer(request: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(status, text=text)

    return answer


async def outcome(owner, text: str, **more) -> tuple[str, str, Message]:
    reply = await answered(owner, text, **more)
    return reply.status, reply.reason, reply


async def test_a_server_that_loads_its_model_is_waited_for_and_the_reader_is_told(alice):
    loading = refuse(503, "unavailable_error", "Loading model")
    provider = Provider(*[loading] * 9, say("Ready."))
    runtimes.register(AnthropicRuntime("scripted", Endpoint(url="http://local", transport=provider)))
    await db_sync_to_async(a_profile, "worker", runtime="scripted")
    status, reason, reply = await outcome(alice, "Are you there?", profile="worker")
    assert (status, reason, reply.text) == ("complete", "completed", "Ready.")
    assert len(provider.requests) == 10
    log = await db_sync_to_async(events, reply.transcript_id)
    assert [event.data["text"] for event in log if event.kind == "notice"] == [reply_task.LOADING]


@pytest.mark.parametrize(
    ("answer", "says", "remedy"),
    [
        (page(200, "<html><title>Welcome</title></html>"), "a web page", "Check the address"),
        (page(404, '{"detail": "Not Found"}'), "does not support", "Check the address"),
        (
            refuse(404, "invalid_request_error", "Invalid URL (POST /v1/messages)"),
            "does not support",
            "Check",
        ),
        (refuse(400, "api_error", "gemma does not support tools"), "cannot call tools", "Choose a model"),
        (refuse(500, "server_error", "Context size has been exceeded."), "too long", "a new conversation"),
        (refuse(404, "not_found_error", "model: nobody"), "does not have this model", "Choose another"),
    ],
)
async def test_what_is_set_up_wrongly_is_said_once_with_the_remedy(alice, answer, says, remedy):
    provider = Provider(answer)
    runtimes.register(AnthropicRuntime("scripted", Endpoint(url="http://local", transport=provider)))
    await db_sync_to_async(a_profile, "worker", runtime="scripted", tools=["list_files"])
    status, _, reply = await outcome(alice, "Are you there?", profile="worker")
    assert status == "error"
    assert says in reply.notice
    assert remedy in reply.notice
    assert len(provider.requests) <= 2  # the second with a shorter conversation
