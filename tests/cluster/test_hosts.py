"""Hosts whose clocks are seconds apart: killed, frozen, cut off, told to leave. Nothing is lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from agents.models import Event
from schedules.models import Run, Scheduler, Slot
from schedules.services import cancel_run
from schedules.states import RunStatus
from stagent.lib import clock
from stagent.ops.drills.observer import Observer
from tests.races.test_killed import ask, check_story, finished
from tests.support.cable import Cable
from tests.support.hosts import Host, Machines
from tests.support.observer import plain_connection
from tests.support.processes import database_url
from tests.support.redis import Redis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.races, pytest.mark.cluster, pytest.mark.django_db(transaction=True)]

CAP = 4
AGES = 160.0  # a busy machine takes its time to start Python
SHORT = "Work. [[offline: turns=6 delay=20ms]]"
LONG = "Talk. [[offline: tokens=200 delay=20ms]]"
ENDLESS = "Talk. [[offline: tokens=100000 delay=20ms]]"


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


@pytest.fixture
def scheduler(machines: Machines) -> Iterator[Host]:
    with machines.scheduler("--max-concurrent", str(CAP), ahead_sec=5) as process:
        yield process


def workers_seen(number: int) -> Callable[[], bool]:
    return lambda: Scheduler.objects.filter(claims=False, executes=True).count() >= number


def quiet() -> bool:
    return not Run.objects.unfinished().exists()


def test_a_killed_host_loses_nothing_and_the_cap_holds_on_hosts_whose_clocks_differ(
    scheduler: Host, machines: Machines
) -> None:
    with ExitStack() as rack, Observer() as watch:
        rack.enter_context(machines.scheduler("--max-concurrent", str(CAP), ahead_sec=-5))
        workers = [rack.enter_context(machines.worker("-c", "2", ahead_sec=off)) for off in (-5, 0, 5)]
        wait_until(workers_seen(3), within=AGES)
        runs = [ask(SHORT, f"asked {number}") for number in range(16)]
        victim = wait_until(lambda: next((one for one in workers if one.holds), None), within=AGES)
        victim.signal(signal.SIGKILL)
        wait_until(quiet, within=AGES)
    assert watch.looks
    assert 0 < watch.inside <= CAP
    for run in runs:
        run.refresh_from_db()
        assert (run.status, run.attempt) == (RunStatus.COMPLETED, run.lost_count + 1)
        check_story(run)
    assert any(run.lost_count for run in runs), "the killed host held one"
    assert len({run.holder for run in runs}) > 1
    assert not Slot.objects.held().exists()


def test_a_worker_frozen_past_its_lease_adds_nothing_to_the_story(
    scheduler: Host, machines: Machines
) -> None:
    run = ask(LONG)
    with machines.worker() as frozen:
        wait_until(frozen.talks(run), within=AGES)
        frozen.signal(signal.SIGSTOP)
        with machines.worker(ahead_sec=-5) as other:
            wait_until(finished(run), within=AGES)
            frozen.signal(signal.SIGCONT)
            frozen.says(r"Late result of run \d+ refused", within=AGES)
            assert f":{other.pid}:" in Run.objects.get(pk=run.pk).holder
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_count) == (RunStatus.COMPLETED, 2, 1)
    after = Event.objects.filter(transcript=run.transcript_id, at__gt=run.finished_at)
    assert {event.kind for event in after} == {"late_result"}


def test_a_host_that_is_cut_off_stops_by_itself_and_comes_back(scheduler: Host, machines: Machines) -> None:
    run = ask(LONG)
    server = connection.settings_dict
    with Cable(server["HOST"], int(server["PORT"] or 5432)) as cable, ExitStack() as rack:
        through_it = database_url().replace(f":{server['PORT'] or 5432}/", f":{cable.port}/")
        far = rack.enter_context(machines.worker(ahead_sec=5, DATABASE_URL=through_it))
        wait_until(far.talks(run), within=AGES)
        cable.cut()
        near = rack.enter_context(machines.worker())
        wait_until(finished(run), within=AGES)
        assert f":{near.pid}:" in Run.objects.get(pk=run.pk).holder
        cable.mend()
        far.says(r"Late result of run \d+ refused", within=AGES)
        near.signal(signal.SIGTERM)
        assert near.end(within=AGES) == 0
        later = ask(SHORT, "later")
        wait_until(finished(later), within=AGES)
        assert f":{far.pid}:" in Run.objects.get(pk=later.pk).holder
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_count) == (RunStatus.COMPLETED, 2, 1)


def test_postgresql_and_redis_restart_under_the_hosts_and_all_runs_end(
    machines: Machines, tmp_path: Path
) -> None:
    runs = [ask(LONG, f"asked {number}") for number in range(6)]
    with ExitStack() as rack:
        redis = rack.enter_context(Redis())
        everybody = [
            rack.enter_context(machine(REDIS_URL=redis.url))
            for machine in (machines.scheduler, machines.worker, machines.worker)
        ]
        wait_until(lambda: any(one.holds for one in everybody), within=AGES)
        for _ in range(2):
            redis.restart()
            with plain_connection() as link:
                others = "datname = current_database() AND pid <> pg_backend_pid()"
                link.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
            connection.close()
            threading.Event().wait(1)
        wait_until(quiet, within=AGES)
        later = ask(SHORT, "later")
        wait_until(finished(later), within=AGES)
        for process in everybody:
            process.signal(signal.SIGTERM)
        assert [process.end(within=AGES) for process in everybody] == [0, 0, 0]
    for run in runs:
        run.refresh_from_db()
        assert (run.status, run.attempt) == (RunStatus.COMPLETED, run.lost_count + 1)
    assert not Scheduler.objects.exists(), "they said goodbye"


@pytest.mark.parametrize("signals", [("--shutdown-graceful-timeout=0.2",), ("twice",)])
def test_told_to_leave_a_worker_hands_back_what_is_not_done(
    scheduler: Host, machines: Machines, signals: tuple[str]
) -> None:
    run = ask(ENDLESS)
    option = signals if signals[0].startswith("--") else ("--shutdown-graceful-timeout=600",)
    with machines.worker(*option) as worker:
        wait_until(worker.talks(run), within=AGES)
        Slot.objects.update(enabled=False)  # or it may be claimed again before we look
        worker.signal(signal.SIGTERM)
        if signals == ("twice",):
            worker.signal(signal.SIGINT)
        assert worker.end(within=AGES) == 0
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_count) == (RunStatus.QUEUED, 0, 0)
    assert not Slot.objects.held().exists()


def test_a_cancel_reaches_a_run_on_another_host(scheduler: Host, machines: Machines) -> None:
    run = ask(ENDLESS)
    with machines.worker() as worker:
        wait_until(worker.talks(run), within=AGES)
        cancel_run.cancel(run.pk, reason="enough", now=clock.now())
        wait_until(finished(run), within=AGES)
    run.refresh_from_db()
    assert (run.status, run.cancel_reason) == (RunStatus.CANCELLED, "enough")
    assert run.result
