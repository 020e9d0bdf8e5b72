"""A claim for nobody yet wakes a worker in its own transaction; what nobody adopts comes back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from schedules import cluster_handoff, conf
from schedules.capacity import conditions, effective_cap, processes
from schedules.cluster.worker_host import Host
from schedules.dashboard import queue, status
from schedules.dispatch.drain import drain
from schedules.dispatch.loop import Loop
from schedules.dispatch.reaper import reap
from schedules.errors import NoScheduler
from schedules.models import Notice, Pool, Run, Scheduler
from schedules.models.run import UNADOPTED
from schedules.monitoring import detectors
from schedules.services import run_now
from schedules.states import RunStatus
from schedules.transitions import claim, request_cancel
from stagent.lib import clock
from stagent.ops import health
from stagent.ops.doctor import checks
from stagent.ops.health import Level
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, a_scheduler

pytestmark = [pytest.mark.cluster, pytest.mark.django_db]


def a_worker(**columns) -> Scheduler:
    return a_scheduler(NOON, **{"cap": 4, "cap_source": "worker", **columns, "claims": False})


def a_handing_scheduler(now=NOON) -> Scheduler:
    return a_scheduler(now, claims=True, executes=False, cap=2, cap_source="default")


def wake_ups() -> list[dict]:
    jobs = ProcrastinateJob.objects.filter(task_name=cluster_handoff.TASK)
    return list(jobs.values("queue_name", "args", "status"))


def claim_for_the_workers(run: Run, now=NOON):
    return claim(run, holder=UNADOPTED, now=now, conf=conf.load())


def test_a_claim_for_nobody_yet_defers_one_wake_up_with_its_token():
    run = a_queued_run()
    claimed = claim_for_the_workers(run)
    args = {"run_id": run.pk, "token": str(claimed.token)}
    assert wake_ups() == [{"queue_name": "default", "args": args, "status": "todo"}]


def test_a_claim_that_is_undone_wakes_nobody():
    run = a_queued_run()
    with transaction.atomic():
        claim_for_the_workers(run)
        transaction.set_rollback(True)
    assert wake_ups() == []
    assert Run.objects.queued().exists()


def test_a_scheduler_claims_for_the_workers_and_performs_nothing():
    loop = Loop()
    assert (loop.claims, loop.executor) == (True, None)


def test_a_run_of_a_pool_goes_to_the_queue_of_that_name():
    Pool.objects.create(name="gpu", size=1)
    claim_for_the_workers(a_queued_run(a_schedule(pool_id="gpu")))
    assert [job["queue_name"] for job in wake_ups()] == ["gpu"]


def test_without_a_worker_nothing_is_claimed_and_the_queue_says_so():
    run = a_queued_run()
    a_handing_scheduler()
    at = conditions.load(NOON, conf.load(), claims=True)
    assert drain(at, UNADOPTED) == []
    assert queue.explain([run], at)[0].sentence == "Waiting for a worker."


def test_a_worker_for_one_pool_gets_the_runs_of_that_pool_only():
    Pool.objects.create(name="gpu", size=1)
    a_worker(pools="gpu")
    other, mine = a_queued_run(), a_queued_run(a_schedule(name="Picture", pool_id="gpu"))
    at = conditions.load(NOON, conf.load(), claims=True)
    assert [claimed.run_id for claimed in drain(at, UNADOPTED)] == [mine.pk]
    assert queue.explain([other], at)[0].sentence == "Waiting for a worker."


def test_what_nobody_adopts_is_queued_again_without_an_attempt_and_its_wake_up_is_swept():
    run = a_queued_run()
    claim_for_the_workers(run)
    reap(NOON + timedelta(minutes=2))
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_count) == (RunStatus.QUEUED, 0, 0)
    cluster_handoff.sweep()
    assert wake_ups() == []


def test_a_wake_up_that_somebody_still_waits_for_is_not_swept():
    claim_for_the_workers(a_queued_run())
    cluster_handoff.sweep()
    assert len(wake_ups()) == 1


def test_a_late_wake_up_finds_its_token_gone():
    run = a_queued_run()
    claimed = claim_for_the_workers(run, clock.now())
    host = Host(concurrency=1)
    assert host._adopt(run.pk, uuid4(), conf.load()) is None
    adopted = host._adopt(run.pk, claimed.token, conf.load())
    assert adopted is not None
    assert adopted.token != claimed.token
    assert host._adopt(run.pk, claimed.token, conf.load()) is None, "the second wake-up of the same claim"


def test_a_cancel_aborts_the_job_under_way():
    run = a_queued_run()
    claim_for_the_workers(run)
    manager = cluster_handoff._manager()
    worker = manager.connector.execute_query_one("SELECT * FROM procrastinate_register_worker_v1()")
    manager.connector.execute_query_one(
        "SELECT * FROM procrastinate_fetch_job_v2(NULL, %(worker)s)", worker=worker["worker_id"]
    )
    request_cancel(run.pk, reason="enough", now=NOON)
    assert ProcrastinateJob.objects.get().abort_requested


def test_a_cancel_leaves_a_job_that_waits_to_its_worker():
    run = a_queued_run()
    claim_for_the_workers(run)
    request_cancel(run.pk, reason="enough", now=NOON)
    assert [job["status"] for job in wake_ups()] == ["todo"]


def test_what_a_dead_worker_left_behind_is_swept():
    run, _ = a_running_run(holder=UNADOPTED)
    manager = cluster_handoff._manager()
    worker = manager.connector.execute_query_one("SELECT * FROM procrastinate_register_worker_v1()")
    manager.connector.execute_query_one(
        "SELECT * FROM procrastinate_fetch_job_v2(NULL, %(worker)s)", worker=worker["worker_id"]
    )
    cluster_handoff.sweep()
    assert [job["args"]["run_id"] for job in wake_ups()] == [run.pk], "its worker lives"
    long_ago = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
    manager.connector.execute_query(long_ago)
    assert ProcrastinateWorker.objects.count() == 1
    cluster_handoff.sweep()
    assert wake_ups() == []


def test_run_now_hands_the_claimed_run_over():
    a_handing_scheduler()
    a_worker()
    started = run_now.execute(a_schedule(), user=None, now=NOON)
    assert not started.queued
    assert [job["args"]["run_id"] for job in wake_ups()] == [started.run.pk]


@pytest.mark.parametrize("who", [a_handing_scheduler, a_worker])
def test_run_now_needs_a_scheduler_and_a_worker(who):
    who()
    with pytest.raises(NoScheduler, match="procrastinate worker"):
        run_now.execute(a_schedule(), user=None, now=NOON)
    assert not processes.complete(NOON)


def test_a_workers_own_limit_is_no_cap():
    a_worker(cap=40)
    a_handing_scheduler()
    assert effective_cap.snapshot(NOON).value == 2


def test_that_no_worker_is_there_is_told_everywhere():
    a_handing_scheduler(clock.now())
    assert "no worker" in health.scheduler(clock.now()).detail
    assert checks.workers(clock.now()).level == Level.FAIL
    seen = status.load(clock.now())
    assert (seen.executing, seen.wants_workers) == (False, True)
    detectors.detect_missing_scheduler(clock.now(), clock.now() - timedelta(hours=1))
    assert Notice.objects.get().text.startswith("No worker is running")


def test_too_few_workers_for_the_cap_are_a_warning():
    a_handing_scheduler()
    a_worker(cap=1)
    found = checks.workers(NOON)
    assert (found.level, "fewer than the cap of 2" in found.detail) == (Level.WARN, True)
    a_worker(host="there", cap=3)
    assert checks.workers(NOON).detail == "2 workers on 2 hosts, 4 runs at once"
