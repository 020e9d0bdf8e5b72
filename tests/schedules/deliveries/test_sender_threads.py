"""A scheduler tells the outside what its runs came to, even one that makes a single pass."""

import json
import threading

import pytest
from django.db import connections

from schedules.dispatch.loop import Loop
from schedules.models import Delivery
from schedules.states import Source
from schedules.transitions import enqueue
from stagent.lib import clock
from tests.support.builders import a_profile, a_schedule
from tests.support.mailbox import Postbox


def pass_once() -> None:
    try:
        Loop().run(once=True)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_a_single_pass_runs_and_tells(postbox: Postbox) -> None:
    now = clock.now()
    schedule = a_schedule(
        now, cron="0 0 1 1 *", prompt="Count.", profile=a_profile("worker"), webhook_url=postbox.url
    )
    run = enqueue(schedule, source=Source.MANUAL, now=now)
    thread = threading.Thread(target=pass_once)
    thread.start()
    thread.join(60)
    assert Delivery.objects.get(run=run).status == "delivered"
    (request,) = postbox.received
    assert json.loads(request.body)["run_id"] == str(run.pk)
