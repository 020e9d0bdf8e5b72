"""What a schedule has to tell arrives in its owner's chat, once, and can be answered there."""

import threading
from datetime import timedelta

import pytest
from django.db import connections

from chat.models import Conversation, Message
from chat.worker import build_assignment
from schedules.deliveries import outbox
from schedules.deliveries.sender import enqueue_due
from schedules.dispatch import retention
from schedules.dispatch.loop import Loop
from schedules.models import Delivery, Run
from schedules.states import RunStatus, Source
from schedules.transitions import Ending, enqueue, finish
from stagent import chat_delivery
from stagent.lib import clock
from tests.support.builders import NOON, a_profile, a_running_run, a_schedule
from tests.support.programs import Program
from tests.support.talking import begins, says


def pass_once() -> None:
    try:
        Loop().run(once=True)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_a_result_arrives_unread_and_an_answer_goes_on_from_its_run(bob):
    now = clock.now()
    schedule = a_schedule(
        now, cron="0 0 1 1 *", prompt="Count to three.", profile=a_profile("worker"), owner=bob
    )
    run = enqueue(schedule, source=Source.MANUAL, now=now)
    thread = threading.Thread(target=pass_once)
    thread.start()
    thread.join(60)
    run.refresh_from_db()
    program = Program(bob)
    (row,) = program.get("/conversations").json()["items"]
    assert (row["title"], row["unread"], row["schedule_id"]) == ("Nightly report", True, str(schedule.pk))
    (message,) = program.get(f"/conversations/{row['id']}/messages").json()["items"]
    assert message["run_id"] == str(run.pk)
    assert (message["text"], message["status"], message["reason"]) == (run.result, "complete", "completed")
    card = message["card"]
    assert (card["type"], card["status"], card["severity"]) == ("result", "completed", "info")
    assert (card["run_id"], card["zone"], card["prompt"]) == (str(run.pk), "UTC", "Count to three.")
    place = says(bob, "And then?", clock.now(), conversation_id=row["id"])
    context = build_assignment.build(begins(place.reply_id, clock.now())).earlier_messages
    assert "Count to three." in str(context[0])
    assert context[-1]["role"] == "assistant"
    assert run.result == context[-1]["content"][0]["text"]


def told(schedule, kind=Delivery.Kind.RESULT, **facts):
    """A delivery to the owner's chat page, as the outbox writes it."""
    result = {
        "run_id": None, "transcript_id": None, "status": "completed", "failure_reason": None,
        "failure_detail": None, "result": "All is well.", "result_partial": False, "report": None,
    }  # fmt: skip
    news = {"schedule_id": str(schedule.pk), "schedule_name": schedule.name, "timezone": "UTC"}
    payload = news | (result if kind == Delivery.Kind.RESULT else {}) | facts
    return Delivery.objects.create(
        schedule=schedule, kind=kind, channel="chat", target=str(schedule.owner_id), payload=payload,
        created_at=NOON, next_attempt_at=NOON,
    )  # fmt: skip


def arrived(delivery):
    chat_delivery.receive(delivery)
    return Message.objects.get(delivery_key=f"delivery:{delivery.pk}")


def test_the_same_delivery_twice_is_one_message(bob):
    delivery = told(a_schedule(owner=bob))
    assert arrived(delivery) == arrived(delivery)
    assert Conversation.objects.of(bob).unread().count() == 1


def test_all_news_of_a_schedule_is_in_one_conversation(bob):
    schedule = a_schedule(owner=bob)
    arrived(told(schedule))
    last = arrived(told(schedule, Delivery.Kind.WARNING, reason="Two runs hit their limit."))
    assert last.conversation.head == last
    assert last.parent is not None
    assert Conversation.objects.count() == 1


def test_a_failure_says_why_and_what_there_was_by_then(bob):
    facts = {"status": "failed", "failure_reason": "turn_limit_exceeded", "failure_detail": "After 50 steps."}
    message = arrived(told(a_schedule(owner=bob), result="Half.", result_partial=True, **facts))
    assert message.text == (
        "The run failed: turn limit exceeded. After 50 steps.\n\nWhat it had by then:\n\nHalf."
    )
    assert message.reason == "turn_limit_exceeded"
    assert message.card["severity"] == "critical"


def test_a_finding_of_a_heartbeat_keeps_its_severity(bob):
    report = {"changed": True, "severity": "warning", "body": "The disk is nearly full."}
    message = arrived(told(a_schedule(owner=bob), result="", report=report))
    assert message.text == "The disk is nearly full."
    assert message.card["severity"] == "warning"


def test_a_run_without_a_word_is_no_blank_message(bob):
    assert arrived(told(a_schedule(owner=bob), result="")).notice


@pytest.mark.parametrize(("kind", "severity"), [("warning", "warning"), ("self_pause", "critical")])
def test_warnings_and_self_pauses_say_so(bob, kind, severity):
    message = arrived(told(a_schedule(owner=bob), Delivery.Kind(kind), reason="Three failures in a row."))
    assert message.text.endswith("Three failures in a row.")
    assert (message.card["type"], message.card["severity"]) == (kind, severity)


def test_news_for_somebody_who_is_gone_is_dropped(bob):
    delivery = told(a_schedule(owner=bob))
    bob.is_active = False
    bob.save()
    chat_delivery.receive(delivery)
    assert not Message.objects.exists()


def test_a_self_pause_goes_the_whole_way(bob):
    schedule = a_schedule(owner=bob, paused_reason="Three failures in a row.")
    outbox.post_self_pause(schedule, NOON)
    assert enqueue_due(NOON) == 1
    assert Delivery.objects.get().status == "delivered"
    assert Message.objects.get().card["type"] == "self_pause"


def test_a_result_outlives_the_run_it_came_from(bob):
    run, claimed = a_running_run(a_schedule(owner=bob))
    finish(run.pk, claimed.token, Ending(RunStatus.COMPLETED, result="Kept."), now=NOON)
    message = arrived(Delivery.objects.get())
    assert message.transcript_id == run.transcript_id
    assert retention.prune(NOON + timedelta(days=40), 30)
    assert not Run.objects.exists()
    message.refresh_from_db()
    assert message.text == "Kept."
