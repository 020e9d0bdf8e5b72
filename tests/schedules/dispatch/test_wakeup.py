"""Whoever waits is woken at once; a knock that was missed is found a little later."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from stagent.lib import wakeup
from stagent.lib.wakeup import unix_socket

pytestmark = pytest.mark.django_db(transaction=True)
LONG_SEC = 20.0


@pytest.fixture
def hung() -> Iterator[wakeup.Wakeup]:
    hung = wakeup.Wakeup()
    hung.open()
    if connection.vendor == "postgresql":
        assert hung.wait(LONG_SEC), "it strikes once when it begins to listen"
    yield hung
    hung.close()


def from_a_thread(act: Callable[[], None]) -> None:
    def work() -> None:
        act()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def rung() -> None:
    with transaction.atomic():
        wakeup.notify()


def test_nobody_rings(hung: wakeup.Wakeup) -> None:
    assert not hung.wait(0.05)


def test_a_strike_wakes_and_many_wake_once(hung: wakeup.Wakeup) -> None:
    for _ in range(10_000):
        hung.notify()
    assert hung.wait(LONG_SEC)
    assert not hung.wait(0.05)


def test_a_ring_of_another_connection_wakes(hung: wakeup.Wakeup) -> None:
    from_a_thread(rung)
    assert hung.wait(LONG_SEC)


def test_a_ring_that_rolls_back_is_not_heard(hung: wakeup.Wakeup) -> None:
    def rolled_back() -> None:
        with transaction.atomic():
            wakeup.notify()
            transaction.set_rollback(True)

    from_a_thread(rolled_back)
    assert not hung.wait(0.6)


@pytest.mark.sqlite
def test_a_missed_knock_is_found_by_looking(hung: wakeup.Wakeup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "send", lambda folder: None)
    from_a_thread(rung)
    assert hung.wait(LONG_SEC)


@pytest.mark.sqlite
def test_a_commit_that_rings_nothing_wakes_nobody(hung: wakeup.Wakeup) -> None:
    def scribble() -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE scribble (word text)")
            cursor.execute("DROP TABLE scribble")

    from_a_thread(scribble)
    assert not hung.wait(0.6)


def test_a_door_that_nobody_is_behind_is_taken_away(tmp_path: Path) -> None:
    program = "from stagent.lib.wakeup.unix_socket import listen; listen(Path(sys.argv[1]))"
    script = f"import sys; from pathlib import Path; {program}"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert len(list(tmp_path.iterdir())) == 1
    unix_socket.send(tmp_path)
    assert not list(tmp_path.iterdir())


def test_where_there_can_be_no_door_it_looks_often(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    assert unix_socket.listen(folder) is None
    started = time.monotonic()
    unix_socket.send(folder)
    assert time.monotonic() - started < LONG_SEC
