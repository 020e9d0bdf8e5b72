"""The engine and the chat against a model server that nobody here wrote."""

import pytest
from asgiref.sync import async_to_sync

from agents.protocol.events import TextDelta
from agents.states import FailureKind as K
from tests.agents.conftest import work
from tests.support.aimock import aimock
from tests.support.answering import answered

pytestmark = [pytest.mark.django_db, pytest.mark.aimock]

STORY = "Once upon a time 三 octopuses 🐙 sat in a row, and none of them said a word."
WEATHER = "It is 🐙 outside, and that is all there is to say about it."
ASKS = {"toolCalls": [{"name": "echo", "arguments": {"say": "Zwölf 🐙"}}]}
FIXTURES = [
    {"match": {"userMessage": "weather", "hasToolResult": False}, "response": ASKS},
    {"match": {"userMessage": "weather", "hasToolResult": True}, "response": {"content": WEATHER}},
    {"match": {"userMessage": "story"}, "response": {"content": STORY}},
]


@pytest.fixture
def server(tmp_path, settings):
    with aimock(tmp_path, *FIXTURES) as server:
        settings.ANTHROPIC_BASE_URL = server.url
        yield server


def test_a_run_calls_a_tool_and_tells_what_came_of_it(server, assign, echo_calls):
    events = work(assign("What about the weather?", runtime="anthropic"))
    assert echo_calls == [{"say": "Zwölf 🐙"}]
    assert (events[-1].reason, events[-1].text) == (None, WEATHER)


def test_words_come_as_they_are_said(server, assign):
    events = work(assign("A story, please.", runtime="anthropic"))
    said = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(said) == events[-1].text == STORY
    assert len(said) > 3


def test_a_person_is_answered_in_the_chat(server, alice):
    reply = async_to_sync(answered)(alice, "A story, please.")
    assert (reply.status, reply.text) == ("complete", STORY)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ("dropRate", K.SERVER_ERROR),
        ("malformedRate", K.GARBLED),
        ("disconnectRate", K.CUT_STREAM),
        ("rateLimitRate", K.RATE_LIMITED),
    ],
)
def test_its_chaos_is_told_as_what_it_is(server, assign, trouble, kind):
    server.chaos(**{trouble: 1})
    finished = work(assign("A story, please.", runtime="anthropic"))[-1]
    assert (finished.failure, finished.retryable) == (kind, True), finished.detail
    server.chaos()
    assert work(assign("A story, please.", runtime="anthropic"))[-1].text == STORY
