"""The offline model through the SDK: endpoints of the Messages API and the event stream."""

import asyncio
import json
import math
import subprocess
import sys
from typing import Any

import anthropic
import httpx2
import pytest

from agents.offline.transport import OfflineTransport
from tests.support.offline import MODEL, ask, calls_of, client, result, stream, text_of, tools, user
from tests.support.waiting import PATIENCE_SEC

LONG = "Summarise: " + "The nightly report was late. It waited for a slot. Nobody was told about it. " * 4


def raw(method: str, path: str, body: Any = None) -> httpx2.Response:
    """Send one plain HTTP request."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def send() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=OfflineTransport(), base_url="http://offline") as http:
            return await http.request(method, path, content=content)

    return asyncio.run(send())


def body(**changes: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 100, "messages": user("hello")} | changes


def events(response: httpx2.Response) -> list[tuple[str, dict[str, Any]]]:
    """Read a stream of events."""
    fields = [
        dict(line.split(": ", 1) for line in part.split("\n")) for part in response.text.split("\n\n") if part
    ]
    return [(event["event"], json.loads(event["data"])) for event in fields]


def test_a_stream_has_all_the_named_events_in_order():
    names = [name for name, _ in events(raw("POST", "/v1/messages", body(stream=True)))]
    assert names[:3] == ["message_start", "ping", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert names.count("content_block_delta") == len(names) - 6 > 3


def test_every_event_names_its_type_and_its_block():
    for name, data in events(raw("POST", "/v1/messages", body(stream=True))):
        assert data["type"] == name
        assert data.get("index", 0) == 0


def test_text_comes_a_few_words_at_a_time_and_joins_to_the_whole():
    deltas = [
        data["delta"]["text"]
        for name, data in events(raw("POST", "/v1/messages", body(stream=True)))
        if "delta" in data and "text" in data["delta"]
    ]
    assert all(1 <= len(delta.split()) <= 4 for delta in deltas)
    assert "".join(deltas) == text_of(ask("hello", max_tokens=100))


def test_a_stream_and_a_message_in_one_piece_are_the_same():
    streamed = ask(LONG)
    whole = asyncio.run(client().messages.create(model=MODEL, max_tokens=2000, messages=user(LONG)))
    assert streamed.to_dict() == whole.to_dict()


def test_the_same_request_gets_the_same_answer_and_ids():
    assert ask("list schedules", tools=tools(["list_schedules"])) == ask(
        "list schedules", tools=tools(["list_schedules"])
    )
    assert ask("hello").id != ask("hello there").id


def test_tokens_are_counted_from_characters():
    message = ask(LONG)
    assert message.usage.output_tokens == math.ceil(len(text_of(message)) / 3.5)
    assert message.usage.input_tokens > len(LONG) / 3.5
    counted = asyncio.run(client().messages.count_tokens(model=MODEL, messages=user(LONG)))
    assert counted.input_tokens == message.usage.input_tokens


def test_usage_begins_at_one_and_ends_cumulative():
    by_name = dict(events(raw("POST", "/v1/messages", body(stream=True))))
    assert by_name["message_start"]["message"]["usage"]["output_tokens"] == 1
    assert by_name["message_delta"]["usage"]["output_tokens"] > 1


def test_the_answer_has_the_footer_once():
    assert text_of(ask(LONG)).count("— offline model (no API key set)") == 1
    assert text_of(ask(LONG)).endswith("— offline model (no API key set)")


def test_max_tokens_cuts_the_answer():
    message = ask(LONG, max_tokens=12)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens <= 12
    assert text_of(ask(LONG)).startswith(text_of(message))


def test_max_tokens_of_zero_returns_no_content():
    message = ask(LONG, max_tokens=0)
    assert (message.stop_reason, message.content) == ("max_tokens", [])


def test_max_tokens_cuts_a_tool_call_in_the_middle():
    message = ask("pause Nightly report", tools=tools(["pause_schedule"]), max_tokens=14)
    assert message.stop_reason == "max_tokens"
    assert calls_of(message)[0].input == {}


def test_a_stop_sequence_ends_the_answer():
    message = ask(LONG, stop_sequences=["offline"])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "offline")
    assert "offline" not in text_of(message)


def test_a_tool_call_streams_its_input_in_pieces():
    asked = body(
        messages=user("pause the schedule Nightly report of the reporting team"),
        tools=tools(["pause_schedule"]),
        stream=True,
    )
    pieces = [
        data["delta"]["partial_json"]
        for name, data in events(raw("POST", "/v1/messages", asked))
        if name == "content_block_delta" and "partial_json" in data["delta"]
    ]
    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == {"schedule": "Nightly report of the reporting team"}


def test_a_tool_call_comes_after_its_text_and_stops_the_reply():
    message = ask("pause Nightly report", tools=tools(["pause_schedule"]))
    assert message.stop_reason == "tool_use"
    assert [block.type for block in message.content] == ["text", "tool_use"]
    assert calls_of(message)[0].input == {"schedule": "Nightly report"}


def test_tool_choice_none_answers_at_once_with_the_results_so_far():
    asked = ask("what failed?", tools=tools(["list_runs", "get_run"]))
    call = calls_of(asked)[0]
    messages = [
        *user("what failed?"),
        {"role": "assistant", "content": asked.to_param()["content"]},
        {
            "role": "user",
            "content": [
                result(call.id, {"items": [{"id": "7", "schedule_name": "Nightly"}]}),
                {"type": "text", "text": "Answer now."},
            ],
        },
    ]
    message = ask(messages, tools=tools(["list_runs", "get_run"]), tool_choice={"type": "none"})
    assert message.stop_reason == "end_turn"
    assert "at turn 2" in text_of(message)
    assert "`list_runs`: 1 item: Nightly" in text_of(message)
    assert "Not done: `get_run`" in text_of(message)


def test_tool_choice_any_calls_a_tool_where_text_would_do():
    message = ask("hello", tools=tools(["write_file", "list_schedules"]), tool_choice={"type": "any"})
    assert [call.name for call in calls_of(message)] == ["list_schedules"]


def test_tool_choice_names_the_tool():
    message = ask(
        "list schedules",
        tools=tools(["list_schedules", "list_runs"]),
        tool_choice={"type": "tool", "name": "list_runs"},
    )
    assert [call.name for call in calls_of(message)] == ["list_runs"]


def test_it_is_listed_and_answers_under_any_name():
    async def list_and_get() -> tuple[list[str], str]:
        return [model.id async for model in client().models.list()], (
            await client().models.retrieve(MODEL)
        ).id

    assert asyncio.run(list_and_get()) == (["stagent-offline"], MODEL)
    assert ask("hello", model="whatever").model == "whatever"


def test_every_answer_has_a_request_id():
    assert raw("POST", "/v1/messages", body()).headers["request-id"].startswith("req_offline_")
    refused = raw("GET", "/v1/nothing")
    assert refused.headers["request-id"] == refused.json()["request_id"]


def test_other_endpoints_are_not_found():
    with pytest.raises(anthropic.NotFoundError) as refusal:
        asyncio.run(client().beta.files.retrieve_metadata("file_1"))
    assert refusal.value.type == "not_found_error"
    assert raw("GET", "/v1/messages").status_code == 404


USE = {"type": "tool_use", "id": "t1", "name": "list_runs", "input": {}}
BAD = {
    "not JSON": (b"{", "not valid JSON"),
    "no object": ([], "must be a JSON object"),
    "no model": (body(model=None), "model: Field required"),
    "no max_tokens": (body(max_tokens=None), "max_tokens: Field required"),
    "negative max_tokens": (body(max_tokens=-1), "max_tokens"),
    "no messages": (body(messages=[]), "at least one message"),
    "unknown role": (body(messages=[{"role": "robot", "content": "x"}]), "messages.0.role"),
    "assistant first": (
        body(messages=[{"role": "assistant", "content": "x"}]),
        "first message must use the user role",
    ),
    "empty content": (body(messages=user("")), "non-empty"),
    "empty text block": (
        body(messages=[{"role": "user", "content": [{"type": "text", "text": ""}]}]),
        "must be non-empty",
    ),
    "call without a result": (
        body(messages=[*user("x"), {"role": "assistant", "content": [USE]}, *user("y")]),
        "`tool_use` ids without `tool_result` blocks immediately after: t1",
    ),
    "call at the very end": (body(messages=[*user("x"), {"role": "assistant", "content": [USE]}]), "t1"),
    "result without a call": (
        body(messages=[{"role": "user", "content": [result("t9", "x")]}]),
        "unexpected `tool_use_id` found in `tool_result` blocks: t9",
    ),
    "two tools of one name": (body(tools=tools(["a", "a"])), "must be unique"),
    "bad tool name": (body(tools=tools(["a b"])), "tools.0.name"),
    "unknown choice": (body(tools=tools(["a"]), tool_choice={"type": "perhaps"}), "tool_choice"),
    "choice of a tool that is not there": (
        body(tools=tools(["a"]), tool_choice={"type": "tool", "name": "b"}),
        "'b' not found",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_request_is_refused_with_the_reason(name: str):
    sent, reason = BAD[name]
    answer = raw("POST", "/v1/messages", sent)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert reason in answer.json()["error"]["message"]


def test_the_sdk_raises_bad_request():
    with pytest.raises(anthropic.BadRequestError, match="non-empty"):
        ask([{"role": "user", "content": [{"type": "text", "text": ""}]}])


def test_system_messages_between_the_turns_are_accepted():
    messages = [
        {"role": "system", "content": "Be brief."},
        *user("hello"),
        {"role": "system", "content": "Still."},
    ]
    assert "offline model" in text_of(ask(messages))


def test_a_stream_yields_to_the_event_loop():
    async def race() -> int:
        ticks, asking = 0, asyncio.ensure_future(stream(LONG))
        while not asking.done():
            ticks += 1
            await asyncio.sleep(0)
        return ticks

    assert asyncio.run(race()) > 20


def test_cancelling_ends_a_slow_stream_at_once():
    async def cancel_early() -> None:
        asking = asyncio.ensure_future(stream("[[offline: tokens=50 delay=1m]]"))
        await asyncio.sleep(0.02)
        asking.cancel()
        await asyncio.wait_for(asking, timeout=PATIENCE_SEC)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel_early())


def test_it_needs_neither_django_nor_the_sdk():
    list_and_get = "sys.exit(any(name in sys.modules for name in ('django', 'anthropic')))"
    code = f"import sys, agents.offline.transport; {list_and_get}"
    subprocess.run([sys.executable, "-c", code], check=True)
