"""What the outbox holds goes out at least once, and never twice at a time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from schedules.deliveries import sender
from schedules.deliveries.sender import (
    LEASE,
    MOST_ATTEMPTS,
    backoff,
    claim,
    claim_due,
    record_outcome,
    send_due,
)
from schedules.deliveries.sender_threads import SenderThreads
from schedules.models import Delivery, Schedule
from schedules.signals import announce, schedule_paused_itself
from stagent.lib import clock
from tests.support.builders import NOON
from tests.support.mailbox import Postbox, a_delivery, fresh
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


def test_waits_grow_up_to_four_hours() -> None:
    seconds = [backoff(attempts).total_seconds() for attempts in (1, 2, 3, 7, 8, 13)]
    assert seconds == [10, 30, 90, 7290, 14_400, 14_400]


def test_a_receiver_that_is_away_for_a_day_gets_everything(postbox: Postbox) -> None:
    postbox.statuses = [503]
    delivery, back = a_delivery(postbox.url), NOON + timedelta(days=1)
    while (now := fresh(delivery).next_attempt_at) < back:
        send_due(now)
    postbox.statuses = [200]
    send_due(now)
    assert (fresh(delivery).status, fresh(delivery).attempts) == ("delivered", MOST_ATTEMPTS)


def test_nothing_is_sent_before_its_time(postbox: Postbox) -> None:
    a_delivery(postbox.url, next_attempt_at=NOON + timedelta(seconds=1))
    assert send_due(NOON) == 0
    assert send_due(NOON + timedelta(seconds=1)) == 1


def test_after_the_last_attempt_it_has_failed_with_the_last_error(postbox: Postbox) -> None:
    postbox.statuses = [500]
    delivery, now = a_delivery(postbox.url), NOON
    for _ in range(MOST_ATTEMPTS + 2):
        send_due(now)
        now += timedelta(hours=5)
    delivery = fresh(delivery)
    assert (delivery.status, delivery.attempts, len(postbox.received)) == (
        "failed",
        MOST_ATTEMPTS,
        MOST_ATTEMPTS,
    )
    assert "500" in delivery.last_error
    assert delivery.delivered_at is None


def test_what_a_dead_sender_had_is_sent_later(postbox: Postbox) -> None:
    delivery = a_delivery(postbox.url)
    assert claim_due(NOON) == [delivery]  # and then it died
    assert send_due(NOON + LEASE - timedelta(seconds=1)) == 0
    assert send_due(NOON + LEASE) == 1
    assert (fresh(delivery).status, fresh(delivery).attempts) == ("delivered", 2)


def test_what_kills_every_sender_is_given_up() -> None:
    delivery, now = a_delivery("http://127.0.0.1:1/"), NOON
    for _ in range(MOST_ATTEMPTS):
        assert claim_due(now)
        now += LEASE
    assert claim_due(now) == []
    assert (fresh(delivery).status, fresh(delivery).attempts) == ("failed", MOST_ATTEMPTS)
    assert "vanished" in fresh(delivery).last_error


def test_a_sender_that_comes_back_too_late_changes_nothing() -> None:
    delivery = a_delivery("http://127.0.0.1:1/")
    (late,), (other,) = claim_due(NOON), claim_due(NOON + LEASE)
    record_outcome(other, sender.SENT, NOON + LEASE)
    record_outcome(late, "It answered 500.", NOON + LEASE)
    assert (fresh(delivery).status, fresh(delivery).last_error) == ("delivered", "")


def test_two_that_read_the_same_row_cannot_both_have_it() -> None:
    a_delivery("http://127.0.0.1:1/")
    ours, theirs = Delivery.objects.get(), Delivery.objects.get()
    assert claim(ours, NOON) is True
    assert claim(theirs, NOON) is False


def test_a_deleted_schedule_takes_its_letters_along() -> None:
    a_delivery("http://127.0.0.1:1/")
    (delivery,) = claim_due(NOON)
    Schedule.objects.all().delete()
    record_outcome(delivery, sender.SENT, NOON)
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.races
def test_senders_that_race_send_everything_once(postbox: Postbox) -> None:
    letters = [a_delivery(f"{postbox.url}/{number}") for number in range(30)]
    start = threading.Barrier(4)

    def send() -> int:
        try:
            start.wait()
            sent = 0
            while some := send_due(NOON):
                sent += some
            return sent
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        sent = sum(future.result() for future in [pool.submit(send) for _ in range(4)])
    assert set(Delivery.objects.values_list("status", "attempts", "last_error")) == {("delivered", 1, "")}
    keys = [request.headers["Idempotency-Key"] for request in postbox.received]
    assert sorted(keys) == sorted(f"delivery-{letter.pk}" for letter in letters)
    assert sent == 30


@pytest.mark.django_db(transaction=True)
def test_the_courier_sends_news_at_once_and_tries_again_by_itself(postbox: Postbox) -> None:
    postbox.statuses = [500, 200]
    courier = SenderThreads()
    courier.start()
    try:
        delivery = a_delivery(postbox.url, next_attempt_at=clock.now())
        announce(schedule_paused_itself, schedule=delivery.schedule)
        assert postbox.arrived.acquire(timeout=30)
        wait_until(lambda: fresh(delivery).last_error)
        Delivery.objects.update(next_attempt_at=clock.now())
        wait_until(lambda: fresh(delivery).status == "delivered")
    finally:
        courier.stop()


@pytest.mark.django_db(transaction=True)
def test_what_is_due_when_the_courier_leaves_still_goes_out(postbox: Postbox) -> None:
    delivery = a_delivery(postbox.url, next_attempt_at=clock.now())
    courier = SenderThreads()
    courier.start()
    courier.stop()
    assert fresh(delivery).status == "delivered"


@pytest.mark.django_db(transaction=True)
def test_a_courier_without_a_database_for_a_while_goes_on(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    def fail_once(now: Any) -> int:
        if failed.is_set():
            return send_due(now)
        failed.set()
        raise OSError("away")

    monkeypatch.setattr("schedules.deliveries.sender_threads.send_due", fail_once)
    delivery = a_delivery(postbox.url, next_attempt_at=clock.now())
    courier = SenderThreads()
    courier.start()
    try:
        assert failed.wait(30)
        wait_until(lambda: fresh(delivery).status == "delivered")
    finally:
        courier.stop()
    assert "The delivery sender failed (OSError: away)" in caplog.text
