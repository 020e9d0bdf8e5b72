"""Threads of one process that write on SQLite stand in line, instead of looking again and again."""

import threading

import pytest
from django.db import OperationalError, connection, connections, transaction

from schedules.models import Setting
from stagent.lib.db.sqlite.base import WriteQueue
from tests.support.waiting import wait_until

THREADS = 6


def test_whoever_waits_longest_is_next():
    line, came = WriteQueue(), []
    assert line.acquire(1)

    def come(number: int) -> None:
        assert line.acquire(10)
        came.append(number)
        line.release()

    threads = []
    for number in range(THREADS):
        threads.append(threading.Thread(target=come, args=(number,)))
        threads[-1].start()
        wait_until(lambda there=number: len(line._waiting) == there + 1)
    line.release()
    for thread in threads:
        thread.join(10)
    assert came == list(range(THREADS))
    assert line.acquire(0)


def test_who_gave_up_is_passed_over():
    line = WriteQueue()
    assert line.acquire(1)
    assert not line.acquire(0.01)
    line.release()
    assert line.acquire(0)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_the_next_may_write_however_a_transaction_ends(end):
    class Undone(Exception):
        pass

    def write() -> None:
        try:
            with transaction.atomic():
                connection.cursor().execute("UPDATE schedules_setting SET value = value")
                if end == "rollback":
                    raise Undone
                if end == "close":
                    connection.close()
        except (Undone, OperationalError, transaction.TransactionManagementError):
            pass
        finally:
            connections.close_all()

    for _ in range(3):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
    assert Setting.objects.count() == 0
