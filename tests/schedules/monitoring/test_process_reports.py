"""What a thread or task went through is told: by readyz, doctor, the console and a notice."""

from datetime import timedelta

import pytest

from schedules.models import Notice, ProcessHealth
from schedules.monitoring import detectors, process_reports
from schedules.monitoring.process_reports import Reporter
from stagent.lib import clock
from stagent.lib.processes.process_id import holder_id
from stagent.lib.processes.supervised_task import State
from stagent.lib.processes.supervisor import Supervisor
from stagent.ops import health
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supervisor():
    return Supervisor(lambda _: None)


def a_report(state: State, *, pid: int = 1, name: str = "lease renewer", now=None):
    parts = [{"name": name, "state": state, "restarts": 2, "error": "RuntimeError: broken"}]
    row = {"role": "scheduler", "host": "far", "pid": pid, "seen_at": now or clock.now(), "parts": parts}
    return ProcessHealth.objects.create(holder=f"scheduler@far:{pid}:x", **row)


def test_a_restart_is_written_by_its_process_and_told(supervisor):
    faults = [RuntimeError("broken")]

    def work(watched):
        if faults:
            raise faults.pop()
        watched.stopping.wait()

    thread, reporter = supervisor.thread("lease renewer", work), Reporter("web", holder_id("web"), supervisor)
    thread.start()
    reporter.start()
    wait_until(lambda: [one for one in process_reports.troubles(clock.now()) if one.restarts == 1])
    detectors.detect(clock.now())
    (notice,) = Notice.objects.open()
    assert notice.kind == "process"
    assert "The lease renewer of web" in notice.text
    assert "was restarted (1 in all). Last error: RuntimeError: broken." in notice.text
    thread.stop()
    reporter.stop()
    assert not ProcessHealth.objects.exists()
    detectors.detect(clock.now())
    assert not Notice.objects.open().exists()


@pytest.mark.parametrize(
    ("state", "level"),
    [("running", "ok"), ("restarted", "warn"), ("failing", "FAIL"), ("stuck", "FAIL"), ("ended", "FAIL")],
)
def test_readyz_says_what_does_not_work_and_no_more(state, level):
    a_report(State(state))
    finding = health.processes(clock.now())
    assert finding.level == level
    assert "broken" not in finding.detail
    assert ("lease renewer" in finding.detail) == (state != "running")


def test_a_process_that_exited_is_told_for_an_hour(supervisor):
    now = clock.now()
    a_report(State.ENDED, now=now - timedelta(minutes=5))
    detectors.detect(now)
    assert "failed, and its process ended" in Notice.objects.open().get().text
    assert health.processes(now).level == "warn"
    detectors.detect(now + timedelta(hours=1))
    assert not Notice.objects.open().exists()


def test_the_console_names_it(client, alice):
    from tests.support.builders import a_scheduler

    now = clock.now()
    row = a_report(State.STUCK)
    a_scheduler(now, holder=row.holder)
    client.force_login(alice)
    assert b"lease renewer stuck" in client.get("/admin/schedules/scheduler/").content
