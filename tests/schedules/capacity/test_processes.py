"""Which scheduler processes run: those seen lately, without those that are known to have died."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest

from schedules.dashboard import status
from schedules.models import Scheduler
from schedules.models.scheduler import ALIVE_SEC, SEEN_EVERY_SEC
from tests.support.builders import NOON, a_scheduler

pytestmark = pytest.mark.django_db
HERE = socket.gethostname()
MISSED = timedelta(seconds=SEEN_EVERY_SEC + 2)


@pytest.fixture(scope="module")
def dead() -> str:
    """The name of a process of this machine that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"scheduler@{HERE}:{process.pid}:abc123"


def test_a_process_of_this_machine_that_died_is_not_running(dead: str) -> None:
    a_scheduler(NOON - MISSED, holder=dead)
    assert Scheduler.objects.running(NOON) == []
    assert not status.load(NOON).executing


def test_one_that_missed_a_sign_of_life_and_is_there_still_runs() -> None:
    busy = a_scheduler(NOON - MISSED, holder=f"scheduler@{HERE}:{os.getppid()}:abc123")
    assert Scheduler.objects.running(NOON) == [busy]


def test_of_another_machine_only_silence_tells() -> None:
    far = a_scheduler(NOON - MISSED, holder="scheduler@elsewhere:1:abc123")
    assert Scheduler.objects.running(NOON) == [far]
    assert Scheduler.objects.running(NOON + timedelta(seconds=ALIVE_SEC)) == []


def test_who_was_seen_just_now_runs_whatever_its_process_number_says(dead: str) -> None:
    neighbour = a_scheduler(NOON, holder=dead)  # in a container that shares the name of this host
    assert Scheduler.objects.running(NOON) == [neighbour]
