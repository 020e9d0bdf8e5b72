"""A delivery to the chat page: handed to whoever listens, until they have taken it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from schedules.deliveries.sender import enqueue_due, send_due
from schedules.deliveries.sender_threads import SenderThreads
from schedules.models import Delivery
from schedules.signals import deliver_to_chat
from schedules.states import RunStatus
from schedules.transitions import Ending, finish
from stagent.lib import clock
from tests.support.builders import NOON, a_running_run, a_schedule
from tests.support.mailbox import Postbox, a_delivery, fresh
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db


class Listener:
    """A chat page that takes what it is told, once it is well."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.ill = False

    def __call__(self, *, delivery: Delivery, **_: Any) -> None:
        if self.ill:
            raise RuntimeError("not now")
        self.told.append(delivery.pk)


@pytest.fixture
def listener() -> Iterator[Listener]:
    others, deliver_to_chat.receivers = deliver_to_chat.receivers, []
    page = Listener()
    deliver_to_chat.connect(page)
    yield page
    deliver_to_chat.receivers = others
    deliver_to_chat.sender_receivers_cache.clear()


def test_who_listens_is_told_once(listener: Listener) -> None:
    delivery = a_delivery("1", "chat")
    assert (enqueue_due(NOON), enqueue_due(NOON + timedelta(days=1))) == (1, 0)
    assert listener.told == [delivery.pk]
    assert (fresh(delivery).status, fresh(delivery).delivered_at) == ("delivered", NOON)


def test_a_page_that_fails_is_told_again(listener: Listener) -> None:
    listener.ill = True
    delivery = a_delivery("1", "chat")
    enqueue_due(NOON)
    assert (fresh(delivery).status, fresh(delivery).last_error) == ("pending", "RuntimeError: not now")
    listener.ill = False
    assert enqueue_due(NOON + timedelta(seconds=10)) == 1
    assert (fresh(delivery).status, fresh(delivery).attempts) == ("delivered", 2)


def test_where_nobody_listens_nobody_is_missed(listener: Listener) -> None:
    deliver_to_chat.disconnect(listener)
    delivery = a_delivery("1", "chat")
    enqueue_due(NOON)
    assert fresh(delivery).status == "delivered"


def test_the_chat_is_told_in_the_order_in_which_things_happened(listener: Listener) -> None:
    made = [a_delivery("1", "chat").pk for _ in range(3)]
    enqueue_due(NOON)
    assert listener.told == made


def test_the_outside_and_the_chat_each_have_a_lane_of_their_own(listener: Listener, postbox: Postbox) -> None:
    inside, outside = a_delivery("1", "chat"), a_delivery(postbox.url)
    assert send_due(NOON) == 1
    assert (fresh(inside).status, fresh(outside).status) == ("pending", "delivered")


@pytest.mark.django_db(transaction=True)
def test_a_finished_run_is_told_while_a_webhook_keeps_everybody_waiting(
    listener: Listener, postbox: Postbox, alice: User
) -> None:
    postbox.open.clear()
    now = clock.now()
    run, claim = a_running_run(a_schedule(now, owner=alice, webhook_url=postbox.url), now)
    courier = SenderThreads()
    courier.start()
    try:
        finish(run.pk, claim.token, Ending(RunStatus.COMPLETED, result="Done."), now=clock.now())
        assert postbox.arrived.acquire(timeout=30)
        wait_until(lambda: Delivery.objects.get(channel="chat").status == "delivered")
        assert Delivery.objects.get(channel="webhook").status == "pending"
    finally:
        postbox.open.set()
        courier.stop()
