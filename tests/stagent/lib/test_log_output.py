"""A log on a full disk ends nothing: lines are dropped, counted, and told once when there is room again."""

import logging
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from stagent.lib.log.output import LineWriter, LogHandler
from tests.support.newcomer import gone
from tests.support.processes import empty_database, environment
from tests.support.waiting import wait_until

__all__ = ["empty_database"]


@pytest.fixture
def log(tmp_path):
    """A stream on a full disk, and the file that it leads to once there is room."""
    with Path("/dev/full").open("w") as stream, (tmp_path / "log").open("wb") as file:
        stream.make_room = lambda: os.dup2(file.fileno(), stream.fileno())
        stream.text = (tmp_path / "log").read_text
        yield stream


def test_lines_that_a_full_disk_cannot_take_are_counted_and_told_once(log):
    writer = LineWriter(log, on_closed=lambda: pytest.fail("a full disk is no closed pipe"))
    for number in range(3):
        writer.write(f"line {number}")
    assert writer.lost_lines == 3
    log.make_room()
    writer.write("line 3")
    writer.write("line 4")
    assert log.text() == (
        "3 lines were lost: the log could not be written ([Errno 28] No space left on device).\n"
        "line 3\nline 4\n"
    )


def test_a_line_that_was_cut_is_ended_before_the_next(tmp_path):
    path = tmp_path / "log"
    script = (
        "import resource, sys; from stagent.lib.log.output import LineWriter;"
        "writer = LineWriter(sys.stdout);"
        "limit = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY));"
        "limit(4); writer.write('long line'); limit(resource.RLIM_INFINITY); writer.write('next')"
    )
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", script], stdout=file, cwd=settings.BASE_DIR, check=True)
    cut, told, last = path.read_text().splitlines()
    assert (cut, last) == ("long", "next")
    assert told.startswith("1 line was lost:")


def test_a_closed_pipe_is_told_as_such():
    reader, written = os.pipe()
    os.close(reader)
    closed = []
    with os.fdopen(written, "w") as stream:
        LineWriter(stream, on_closed=lambda: closed.append(1)).write("x")
    assert closed == [1]


def test_a_logger_goes_on_while_its_disk_is_full(log):
    logger = logging.getLogger("full")
    handler = LogHandler(log)
    logger.addHandler(handler)
    logger.propagate = False
    logger.error("one")
    log.make_room()
    logger.error("two")
    assert log.text().endswith("two\n")
    assert "1 line was lost:" in log.text()


def test_up_goes_on_while_its_log_cannot_be_written(empty_database, tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as file:
        command = [sys.executable, "manage.py", "up", "--port", "0", "--no-demo"]
        stagent = subprocess.Popen(
            command, stdout=file, stderr=file, cwd=settings.BASE_DIR, env=environment(**empty_database)
        )
    try:
        wait_until(lambda: "Stagent is at" in path.read_text())
        process = psutil.Process(stagent.pid)
        process.rlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, resource.RLIM_INFINITY))  # full
        first = scheduler_of(process)
        first.kill()
        wait_until(lambda: (now := scheduler_of(process)) and now.pid != first.pid)
        process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        scheduler_of(process).kill()
        wait_until(lambda: "lost: the log could not be written" in path.read_text())
        children = process.children(recursive=True)
        stagent.send_signal(signal.SIGTERM)
        assert stagent.wait(60) == 0
        assert gone(children)
    finally:
        stagent.kill()


def test_up_does_not_make_a_user_whose_password_nobody_saw(empty_database):
    command = [sys.executable, "manage.py", "up", "--port", "0", "--no-demo"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=settings.BASE_DIR,
            env=environment(**empty_database),
            check=False,
            timeout=60,
        )
    assert ended.returncode != 0
    assert b"could not be printed" in ended.stderr


def scheduler_of(process: psutil.Process) -> psutil.Process | None:
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            if "runscheduler" in child.cmdline():
                return child
    return None
