"""One reply, start to end, on the offline model: what its reader sees and what is kept."""

import hashlib
import json

import pytest

from agents import failure_policies, models, runtimes
from agents.models import LedgerEntry, LiveStream, StreamRecord
from agents.runtimes import preload_sdk
from agents.runtimes.anthropic.runtime import AnthropicRuntime, Endpoint
from chat.models import Message
from chat.transitions import End, finalise
from chat.worker import reply_task
from chat.worker.reply_task import Cause
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async
from tests.agents.provider import Provider, error_event, refuse, say, want
from tests.agents.provider import reply as reply_of
from tests.support.answering import answered, end_of, events, kinds, last, sets_to_work, stopped, until
from tests.support.builders import a_profile
from tests.support.programs import Program

pytestmark = pytest.mark.django_db
LONG = "[[offline: tokens=2000 delay=5ms]]"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(reply_task, "FIRST_RETRY_SEC", 0.01)


def check(reply: Message) -> None:
    """The log is whole, its end says what the text is, and nothing is left of the stream but its record."""
    log = events(reply.transcript_id)
    text = "".join(event.data["text"] for event in log if event.kind == "text_delta")
    assert [event.seq for event in log] == list(range(1, len(log) + 1))
    assert (log[0].kind, log[-1].kind) == ("started", "settled")
    assert reply.text == text
    assert reply.text.strip() or reply.notice
    end = log[-1].data
    assert (end["sha256"], end["length"]) == (hashlib.sha256(text.encode()).hexdigest(), len(text))
    assert (end["status"], end["reason"], end["notice"]) == (reply.status, reply.reason, reply.notice)
    assert not LiveStream.objects.exists()
    record = StreamRecord.objects.get()
    assert (record.key, record.reason) == (reply.stream_key, reply.reason)
    assert (record.first_token_ms is None) == (not text)


async def outcome(owner, text: str, **more) -> tuple[str, str, Message]:
    reply = await answered(owner, text, **more)
    await db_sync_to_async(check, reply)
    return reply.status, reply.reason, reply


async def test_an_answer_is_streamed_kept_and_paid_for(alice):
    status, reason, reply = await outcome(alice, "[[offline: tokens=40]]")
    assert (status, reason, reply.notice) == ("complete", "completed", "")
    assert len(reply.text.split()) == 40
    (entry,) = await db_sync_to_async(lambda: list(LedgerEntry.objects.all()))
    assert (entry.activity, entry.message_id, entry.user_id) == ("chat_turn", reply.pk, alice.pk)
    assert (entry.run_id, entry.schedule_id) == (None, None)
    assert (reply.output_tokens, reply.input_tokens) == (entry.output_tokens, entry.input_tokens)
    assert reply.output_tokens == 40
    assert reply.model == entry.model != "", "the usual model by its name, for whoever reads it later"
    record = await db_sync_to_async(StreamRecord.objects.get)
    assert 0 <= record.overhead_ms <= record.first_token_ms <= record.total_ms


async def test_an_agent_calls_its_tools_and_then_answers(alice):
    await db_sync_to_async(a_profile, "worker", tools=["list_files"])
    _, reason, reply = await outcome(alice, "[[offline: turns=3 tool=list_files]]", profile="worker")
    assert reason == "completed"
    told = await db_sync_to_async(kinds, reply.transcript_id)
    assert told.count("tool_started") == told.count("tool_finished") == 2
    assert told.count("turn_started") == told.count("turn_finished") == 3
    assert await db_sync_to_async(LedgerEntry.objects.filter(message_id=reply.pk).count) == 3


async def test_what_an_agent_says_in_two_turns_are_two_paragraphs(alice):
    await db_sync_to_async(a_profile, "worker", tools=["list_files"])
    _, _, reply = await outcome(alice, "[[offline: turns=2 tool=list_files]]", profile="worker")
    said = [
        event for event in await db_sync_to_async(events, reply.transcript_id) if event.kind == "text_delta"
    ]
    by_turn = ["".join(e.data["text"] for e in said if e.data["turn"] == turn) for turn in (1, 2)]
    assert reply.text == "".join(by_turn)
    if by_turn[0]:
        assert by_turn[1].startswith("\n\n")


@pytest.mark.parametrize(
    "trouble", ["429=1 retry_after=0.05", "529=2", "429=1 529=1 retry_after=0", "fail=500 times=1"]
)
async def test_a_provider_that_asks_for_patience_is_asked_again_and_nobody_notices(alice, trouble):
    status, reason, reply = await outcome(alice, f"[[offline: {trouble} tokens=9]]")
    assert (status, reason, reply.notice) == ("complete", "completed", "")
    assert len(reply.text.split()) == 9
    told = await db_sync_to_async(kinds, reply.transcript_id)
    assert told.count("finished") > 1


async def test_what_was_said_before_a_call_does_not_keep_the_next_turn_from_being_asked_for_again(alice):
    look = want(("list_files", {}), text="Let me look.")
    busy = refuse(429, "rate_limit_error", retry_after="0")
    provider = Provider(look, busy, error_event("overloaded_error"), say("Nothing."))
    runtimes.register(AnthropicRuntime("scripted", Endpoint(key="sk-test", transport=provider)))
    await db_sync_to_async(a_profile, "worker", tools=["list_files"], runtime="scripted")
    status, reason, reply = await outcome(alice, "What is there?", profile="worker")
    assert (status, reason, reply.text) == ("complete", "completed", "Let me look.\n\nNothing.")
    assert (await db_sync_to_async(kinds, reply.transcript_id)).count("tool_finished") == 1
    assert len(provider.requests) == 4


@pytest.mark.parametrize("made", ["[1, 2]", '"a"', "7", "null"])
async def test_a_call_whose_arguments_are_no_object_is_a_result_and_can_be_read(alice, made):
    odd = {"type": "tool_use", "id": "toolu_1", "name": "list_files", "input": {}, "json": made}
    kept = made if made.startswith('"') else json.loads(made)  # a string is kept as it was written
    provider = Provider(reply_of([odd], "tool_use"), say("Done."))
    runtimes.register(AnthropicRuntime("scripted", Endpoint(key="sk-test", transport=provider)))
    await db_sync_to_async(a_profile, "worker", tools=["list_files"], runtime="scripted")
    _, reason, reply = await outcome(alice, "What is there?", profile="worker")
    assert (reason, reply.text) == ("completed", "Done.")
    asked, result = provider.last["messages"][-2:]
    assert asked["content"][0]["input"] == {"arguments": kept}
    assert " object" in result["content"][0]["content"]
    row = (await db_sync_to_async(lambda: Program(alice).get(f"/messages/{reply.pk}"))).json()
    assert row["tools"][0]["arguments"] == {"arguments": kept}


async def test_a_provider_that_never_has_time_is_given_up(alice):
    status, reason, reply = await outcome(alice, "[[offline: 529=99]]")
    assert (status, reason, reply.text) == ("error", "overloaded", "")
    assert reply.notice.startswith("The provider is overloaded: Overloaded.")
    assert reply.notice.endswith("It was asked 4 times.")
    assert (await db_sync_to_async(kinds, reply.transcript_id)).count(
        "finished"
    ) == failure_policies.SHORT.tries


async def test_a_wait_longer_than_reasonable_is_not_waited_for(alice):
    status, reason, reply = await outcome(alice, "[[offline: 429=9 retry_after=600]]")
    assert (status, reason) == ("error", "rate_limited")
    assert reply.notice.startswith("The provider limits the request rate: Too many requests")
    assert reply.notice.endswith("The provider asks to wait 10 min.")


async def test_a_provider_that_has_no_room_however_often_it_is_asked_is_given_up(alice):
    status, reason, reply = await outcome(alice, "[[offline: 429=99 retry_after=0.01]]")
    assert (status, reason) == ("error", "rate_limited")
    assert reply.notice.endswith("It was asked 4 times.")


async def test_a_stream_that_is_cut_leaves_what_was_said(alice):
    status, reason, reply = await outcome(alice, "[[offline: tokens=50 cut=20]]")
    assert (status, reason) == ("error", "sdk_error")
    assert len(reply.text.split()) == 20
    assert reply.notice
    assert (await db_sync_to_async(kinds, reply.transcript_id)).count("finished") == 1, (
        "words are not taken back"
    )


async def test_a_stream_that_breaks_before_a_word_is_begun_again(alice):
    status, _, reply = await outcome(alice, "[[offline: tokens=9 drop=0 times=1]]")
    assert status == "complete"
    assert len(reply.text.split()) == 9


async def test_a_refusal_says_so(alice):
    status, reason, reply = await outcome(alice, "[[offline: refusal]]")
    assert (status, reason, reply.text) == ("error", "refusal", "")
    assert "declined" in reply.notice


async def test_a_bad_key_opens_the_breaker_and_names_it(alice):
    status, reason, reply = await outcome(alice, "[[offline: badkey]]")
    assert (status, reason) == ("error", "auth_failed")
    provider = await db_sync_to_async(models.Provider.objects.get)
    assert provider.open_until is not None
    assert "operator" in reply.notice


async def test_at_the_limit_of_steps_the_answer_is_marked(alice):
    await db_sync_to_async(a_profile, "short", tools=["list_files"], max_turns=2)
    status, reason, reply = await outcome(alice, "[[offline: turns=9 tool=list_files]]", profile="short")
    assert (status, reason) == ("complete", "turn_limit_exceeded")
    assert reply.text
    assert "limit of agent steps" in reply.notice


async def test_at_the_limit_of_steps_without_a_word_nobody_is_told_of_an_answer(alice):
    await db_sync_to_async(a_profile, "short", tools=["list_files"], max_turns=9)
    status, reason, reply = await outcome(alice, "[[offline: repeat=9 tool=list_files]]", profile="short")
    assert (status, reason, reply.text) == ("error", "turn_limit_exceeded", "")
    assert "repeated the same tool calls" in reply.notice


async def test_an_answer_too_long_is_cut_and_not_asked_for_again(alice):
    status, reason, reply = await outcome(alice, "[[offline: tokens=12 stop=max_tokens]]")
    assert (status, reason) == ("complete", "truncated")
    assert len(reply.text.split()) == 12
    assert (await db_sync_to_async(kinds, reply.transcript_id)).count("turn_started") == 1


async def test_an_empty_answer_is_never_blank(alice):
    status, _, reply = await outcome(alice, "[[offline: empty]]")
    assert (status, reply.text) == ("error", "")
    assert reply.notice
    once = await answered(alice, "[[offline: empty times=1 tokens=5]]")
    assert (once.status, len(once.text.split())) == ("complete", 5)


async def test_a_stop_keeps_what_was_said(alice):
    reply = await stopped(await sets_to_work(alice, LONG))
    await db_sync_to_async(check, reply)
    assert (reply.status, reply.reason, reply.notice) == ("stopped", "client_stop", "Stopped.")
    assert 0 < len(reply.text.split()) < 2000
    assert await db_sync_to_async(LedgerEntry.objects.filter(message_id=reply.pk, estimated=True).exists)


async def test_a_model_that_hangs_can_be_stopped(alice):
    reply = await stopped(await sets_to_work(alice, "[[offline: hang]]"), after="turn_started")
    await db_sync_to_async(check, reply)
    assert (reply.status, reply.text, reply.notice) == ("stopped", "", "Stopped before any text.")


async def test_a_process_that_leaves_says_so(alice):
    reply = await stopped(await sets_to_work(alice, LONG), Cause.SHUTDOWN)
    await db_sync_to_async(check, reply)
    assert (reply.status, reply.reason) == ("interrupted", "shutdown")
    assert "kept" in reply.notice


async def test_a_worker_that_could_not_confirm_its_lease_finalises_what_nobody_else_took(alice):
    reply = await stopped(await sets_to_work(alice, LONG), Cause.LEASE_LOST)
    await db_sync_to_async(check, reply)
    assert (reply.status, reply.reason) == ("interrupted", "lease_lost")
    assert "could not reach the database" in reply.notice


async def test_a_worker_whose_token_was_taken_goes_without_a_word(alice):
    job = await sets_to_work(alice, LONG)
    await until(lambda: "text_delta" in kinds(job.claim.transcript_id))
    end = End("interrupted", "reconciled")
    taken = await db_sync_to_async(
        lambda: finalise(job.claim.message_id, end, now=clock.now(), token=job.claim.token)
    )
    reply = await end_of(job)
    assert (reply.status, reply.reason, reply.text) == ("interrupted", "reconciled", taken.text)
    await db_sync_to_async(lambda: check_log(reply))


def check_log(reply: Message) -> None:
    assert kinds(reply.transcript_id)[-1] == "settled"


async def test_a_reply_ends_at_its_longest_time(alice, monkeypatch):
    preload_sdk()  # or the first word may come too late
    monkeypatch.setattr("chat.conf.MAX_REPLY_SEC", 1)
    status, reason, reply = await outcome(alice, LONG)
    assert (status, reason) == ("error", "timeout")
    assert reply.text


async def test_a_fault_of_ours_ends_the_reply_with_a_reason(alice, monkeypatch):
    monkeypatch.setattr("chat.worker.build_assignment.system_context", lambda owner: 1 / 0)
    status, reason, reply = await outcome(alice, "Hello")
    assert (status, reason) == ("error", "sdk_error")
    assert "ZeroDivisionError" in reply.notice


async def test_a_live_stream_is_there_while_it_streams(alice):
    job = await sets_to_work(alice, LONG)
    await until(lambda: "text_delta" in kinds(job.claim.transcript_id))
    live = await db_sync_to_async(LiveStream.objects.get)
    assert live.token == job.claim.token
    await stopped(job)
    assert not await db_sync_to_async(LiveStream.objects.exists)
    assert (await db_sync_to_async(last, job.claim.transcript_id, "settled"))["reason"] == "client_stop"
