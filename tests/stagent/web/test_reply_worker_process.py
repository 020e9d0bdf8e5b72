"""The web process restarts the reply worker's process whenever it ends, and passes wake-ups both ways."""

import logging

import pytest

from chat.feed import broadcast
from stagent.web import reply_worker_process
from stagent.web.reply_worker_process import ReplyWorkerProcess
from tests.support.waiting import wait_until

SIGNALS = "import socket, sys; sock = socket.socket(fileno=int(sys.argv[1])); sock.send(b'n')\n"
STAYS = SIGNALS + "while b'l' not in (received := sock.recv(99)): b'w' in received and sock.send(b'n')"
DIES = SIGNALS + "sys.exit(3)"


@pytest.fixture
def run(monkeypatch, tmp_path, caplog):
    """Return a function that starts this program as the child and returns the list of news received."""
    monkeypatch.setattr(reply_worker_process, "FIRST_RESTART_SEC", 0.01)
    monkeypatch.setattr(reply_worker_process, "MAIN", tmp_path / "child.py")
    caplog.set_level(logging.ERROR)
    news: list[int] = []
    started: list[ReplyWorkerProcess] = []

    def run(program: str) -> list[int]:
        reply_worker_process.MAIN.write_text(program)
        process = ReplyWorkerProcess()
        started.append(process)
        process.open()
        return news

    listener = lambda: news.append(1)  # noqa: E731
    broadcast.subscribe(listener)
    yield run
    for process in started:
        process.close()
        assert not process._thread.is_alive()
    broadcast.unsubscribe(listener)


def test_wake_ups_pass_both_ways(run):
    news = run(STAYS)
    wait_until(lambda: news)
    before = len(news)
    broadcast.notify_worker(7)
    wait_until(lambda: len(news) >= before + 2)  # our own, and the child's


def test_a_child_that_died_is_restarted(run, caplog):
    news = run(DIES)
    wait_until(lambda: len(news) >= 2)
    assert "The reply worker ended with code 3" in caplog.text


def test_a_child_that_cannot_be_started_is_tried_again(run, monkeypatch, caplog):
    start, refusals = reply_worker_process._start, [OSError("no memory")] * 2

    def starts(sock):
        if refusals:
            raise refusals.pop()
        return start(sock)

    monkeypatch.setattr(reply_worker_process, "_start", starts)
    news = run(STAYS)
    wait_until(lambda: news)
    assert "could not be started (no memory)" in caplog.text
