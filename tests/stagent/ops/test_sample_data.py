"""An install is filled with a plausible month, and never by mistake."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from agents.models import LedgerEntry
from schedules.deliveries import email
from schedules.dispatch import retention
from schedules.models import Delivery, Firing, Run, Schedule
from schedules.monitoring.rollups import rollup
from schedules.states import Outcome, RunStatus
from stagent.lib import clock
from tests.support.builders import a_schedule

SIZES = {"schedules": 12, "firings": 400, "runs": 100}


@pytest.fixture
def filled(db):
    call_command("fill", **SIZES)


def test_it_writes_what_was_asked_for(filled):
    assert (Schedule.objects.count(), Firing.objects.count()) == (12, 400)
    assert Run.objects.filter(status__in=("completed", "failed")).count() == 100
    assert LedgerEntry.objects.count() == 100
    assert Run.objects.queued().count() == 60


def test_it_is_of_the_last_month_and_nothing_is_due_at_once(filled):
    now = clock.now()
    assert not Schedule.objects.due(now + timedelta(minutes=30)).exists()
    assert Firing.objects.earliest("nominal_at").nominal_at > now - timedelta(days=31)
    assert retention.prune(now, 32)
    assert Firing.objects.count() == 400


def test_it_looks_like_work(filled):
    assert set(Firing.objects.values_list("outcome", flat=True)) > {Outcome.FIRED}
    assert Run.objects.filter(status=RunStatus.FAILED).exists()
    ended = Run.objects.filter(finished_at__isnull=False).select_related("firing")
    assert all(run.firing and run.finished_at == run.firing.completed_at for run in ended)


def test_what_was_sent_out_says_what_it_was(filled):
    sent = Delivery.objects.order_by("pk")
    assert sent.exists()
    for delivery in sent:
        assert delivery.run is not None
        assert delivery.payload["result"] == delivery.run.result
        assert f"Run {delivery.run_id} of" in email.text(delivery)
        assert email.subject(delivery).startswith(delivery.payload["schedule_name"])


def test_it_is_no_part_of_what_metrics_count(filled):
    assert rollup.totals() == {}


def test_an_install_in_use_is_left_alone_unless_told_otherwise(db):
    a_schedule()
    with pytest.raises(CommandError, match="--yes"):
        call_command("fill", **SIZES)
    assert Schedule.objects.count() == 1
    call_command("fill", **SIZES, yes=True)
    assert Schedule.objects.count() == 13


def test_more_runs_than_firings_are_refused(db):
    with pytest.raises(CommandError, match="no more runs than firings"):
        call_command("fill", schedules=1, firings=5, runs=6)
