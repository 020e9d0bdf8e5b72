"""The two safety rules of a lease, for runs, replies and the jobs of the cluster (by the same executor).

A loop that is stuck is not renewed, and a job that cannot be confirmed stops itself before its lease ends.
"""

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError

from agents.models import Event
from chat import conf as chat_conf
from chat.models import Message
from chat.worker import lease_renewer as reply_renewer
from schedules import conf
from schedules.execution import lease_renewer
from schedules.execution.executor import Executor
from schedules.execution.run_task import Cause
from schedules.models import Run
from schedules.states import RunStatus
from stagent.lib import clock
from stagent.lib.processes import leases
from tests.support.builders import a_profile, a_running_run, a_schedule
from tests.support.talking import says
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
TTL_SEC = 4
LONG = "Talk. [[offline: tokens=20000 delay=5ms]]"


@pytest.mark.parametrize("ttl_sec", [2, 4, 30, 60, 3600])
def test_the_shares_leave_time_to_miss_a_renewal_and_to_stop(ttl_sec):
    assert not leases.is_silent(0, ttl_sec, now=ttl_sec * 2 * leases.RENEW_SHARE)
    assert leases.is_silent(0, ttl_sec, now=ttl_sec * 0.51)
    assert not leases.must_stop(0, ttl_sec, now=ttl_sec * 3 * leases.RENEW_SHARE)
    assert leases.must_stop(0, ttl_sec, now=ttl_sec * 0.81)


@pytest.fixture
def executor(monkeypatch):
    """An executor as in a scheduler and in a worker of the cluster, with short leases."""
    monkeypatch.setenv("SCHEDULE_LEASE_TTL_SEC", str(TTL_SEC))
    executor = Executor(on_end=lambda: None)
    executor.open()
    yield executor
    executor.close()
    assert not executor.thread.is_alive()


@pytest.fixture
def job(executor):
    now = clock.now()
    schedule = a_schedule(now, prompt=LONG, profile=a_profile("worker"), max_turns=5)
    run, claimed = a_running_run(schedule, now)
    job = executor.start(claimed, conf.load())
    wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
    return job


def renewals(monkeypatch):
    made, real = [], lease_renewer.renew
    monkeypatch.setattr(lease_renewer, "renew", lambda *args: made.append(time.monotonic()) or real(*args))
    return made


def test_a_stuck_loop_is_not_renewed_and_renewing_resumes_with_it(executor, job, monkeypatch):
    made = renewals(monkeypatch)
    wait_until(lambda: made)
    release = threading.Event()
    executor._loop.call_soon_threadsafe(release.wait)
    stuck_at = time.monotonic()
    wait_until(lambda: executor.renewer._silence.count)
    assert not [at for at in made if at > stuck_at + leases.SILENT_SHARE * TTL_SEC + 1]
    behind = len(made)
    release.set()
    wait_until(lambda: len(made) > behind or job.ended.done())
    wait_until(lambda: not executor.renewer._silence.count or job.ended.done())


def test_a_dead_sampler_keeps_no_lease_from_being_renewed(executor, job, monkeypatch):
    """R2: the sampler died of a set that another thread changed, and every long run was lost."""
    sampler = executor._beside[0]
    executor._loop.call_soon_threadsafe(sampler._task.cancel)
    made = renewals(monkeypatch)
    wait_until(lambda: len(made) >= 3)
    wait_until(lambda: sampler.restarts == 1 and sampler.is_alive())
    assert not job.ended.done()
    assert Run.objects.get(pk=job.claim.run_id).status == RunStatus.RUNNING


def test_a_renewer_that_dies_is_restarted_before_the_lease_ends(executor, job, monkeypatch):
    faults, renew_if_due = [RuntimeError("broken")], lease_renewer.Renewer._renew_if_due

    def trip(self, watched):
        if faults:
            raise faults.pop()
        return renew_if_due(self, watched)

    monkeypatch.setattr(lease_renewer.Renewer, "_renew_if_due", trip)
    made = renewals(monkeypatch)
    wait_until(lambda: len(made) >= 2)
    assert executor.renewer.thread.restarts == 1
    assert not job.ended.done()


def test_a_run_that_cannot_be_confirmed_stops_itself_before_its_lease_ends(executor, job, monkeypatch):
    def away(*_):
        raise OperationalError("The database is away.")

    monkeypatch.setattr(lease_renewer, "renew", away)
    job.ended.result(timeout=60)
    assert job.cause is Cause.LEASE_LOST
    assert time.monotonic() - job.confirmed_at > leases.STOP_SHARE * TTL_SEC
    # Nothing is left to renew: readyz must not say "failing" until the next run.
    wait_until(lambda: not executor.renewer.thread._outage.count)


def test_a_renewal_that_hangs_stops_the_run_all_the_same(executor, job, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(lease_renewer, "renew", lambda *_: release.wait(60) and set())
    job.ended.result(timeout=60)
    release.set()
    assert job.cause is Cause.LEASE_LOST


@pytest.mark.parametrize("hangs", [False, True])
def test_a_reply_that_cannot_be_confirmed_stops_itself(alice, reply_worker, monkeypatch, hangs):
    monkeypatch.setattr(chat_conf, "lease_ttl", lambda: timedelta(seconds=TTL_SEC))
    release = threading.Event()

    def renew(*_):
        if hangs:
            release.wait(60)
        raise OperationalError("The database is away.")

    place = says(alice, LONG, clock.now())
    log = Message.objects.get(pk=place.reply_id).transcript_id
    wait_until(lambda: log and Event.objects.filter(transcript=log, kind="text_delta").exists())
    monkeypatch.setattr(reply_renewer, "renew", renew)
    (job,) = list(reply_worker._jobs.values())
    wait_until(lambda: job.cause)
    release.set()
    assert job.cause.value == "lease_lost"
    wait_until(lambda: not reply_worker._jobs)


def test_a_stuck_loop_of_replies_renews_nothing(alice, reply_worker, monkeypatch):
    monkeypatch.setattr(chat_conf, "lease_ttl", lambda: timedelta(seconds=TTL_SEC))
    place = says(alice, LONG, clock.now())
    wait_until(lambda: list(reply_worker._jobs.values()))
    release, entered = threading.Event(), threading.Event()
    reply_worker._loop.call_soon_threadsafe(lambda: entered.set() or release.wait(60))
    assert entered.wait(60)
    before = Message.objects.get(pk=place.reply_id).lease_expires_at
    wait_until(lambda: clock.now() > before)
    assert Message.objects.get(pk=place.reply_id).lease_expires_at == before
    release.set()
