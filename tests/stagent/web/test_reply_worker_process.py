"""The web process keeps a desk beside it, whatever becomes of the one it had."""

import logging

import pytest

from chat.feed import broadcast
from chat.worker import process
from chat.worker.process import ReplyWorkerProcess
from tests.support.waiting import wait_until

RINGS = "import socket, sys; line = socket.socket(fileno=int(sys.argv[1])); line.send(b'n')\n"
STAYS = RINGS + "while b'l' not in (heard := line.recv(99)): b'w' in heard and line.send(b'n')"
DIES = RINGS + "sys.exit(3)"


@pytest.fixture
def keeps(monkeypatch, tmp_path, caplog):
    """Return a function that lets a desk which does this be kept, and returns the bells that are heard."""
    monkeypatch.setattr(process, "FIRST_WAIT_SEC", 0.01)
    monkeypatch.setattr(process, "MAIN", tmp_path / "desk.py")
    caplog.set_level(logging.ERROR)
    bells: list[int] = []
    kept: list[ReplyWorkerProcess] = []

    def keeps(program: str) -> list[int]:
        process.MAIN.write_text(program)
        reply_worker = ReplyWorkerProcess()
        kept.append(reply_worker)
        reply_worker.open()
        return bells

    ring = lambda: bells.append(1)  # noqa: E731
    broadcast.subscribe(ring)
    yield keeps
    for reply_worker in kept:
        reply_worker.close()
        assert not reply_worker._keeper.is_alive()
    broadcast.unsubscribe(ring)


def test_bells_are_heard_on_both_sides(keeps):
    bells = keeps(STAYS)
    wait_until(lambda: bells)
    before = len(bells)
    broadcast.notify_worker(7)
    wait_until(lambda: len(bells) >= before + 2)  # our own, and the answer


def test_a_desk_that_died_is_followed_by_another(keeps, caplog):
    bells = keeps(DIES)
    wait_until(lambda: len(bells) >= 2)
    assert "The reply worker ended with code 3" in caplog.text


def test_a_desk_that_cannot_be_started_is_tried_again(keeps, monkeypatch, caplog):
    start, refusals = process._start, [OSError("no memory")] * 2

    def starts(line):
        if refusals:
            raise refusals.pop()
        return start(line)

    monkeypatch.setattr(process, "_start", starts)
    bells = keeps(STAYS)
    wait_until(lambda: bells)
    assert "could not be started (no memory)" in caplog.text
