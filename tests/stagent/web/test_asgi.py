"""The web process as daphne runs it."""

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import psutil
import pytest
from django.db import connection

from tests.support.ports import find_unused_port
from tests.support.processes import Web
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
REQUESTS = 60
THREADS = 12  # of the web process, and of its server, that may keep a connection


def connections_of(web: Web) -> int:
    """Count what a web process has open to the database."""
    process, where = psutil.Process(web.pid), connection.settings_dict
    if connection.vendor == "sqlite":
        return sum(file.path == str(where["NAME"]) for file in process.open_files())
    port = int(where["PORT"] or 5432)
    return sum(each.raddr.port == port for each in process.net_connections("tcp") if each.raddr)


def test_a_request_leaves_no_connection_behind():
    port = find_unused_port()

    def asks(_: int) -> int:
        line = HTTPConnection("127.0.0.1", port, timeout=60)
        line.request("GET", "/readyz")  # it reads the database, and misses a scheduler
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer.status

    with Web(str(port)) as web:
        wait_until(
            lambda: any(each.status == "LISTEN" for each in psutil.Process(web.pid).net_connections("tcp"))
        )
        with ThreadPoolExecutor(6) as clients:
            assert set(clients.map(asks, range(REQUESTS))) == {503}
        assert connections_of(web) <= THREADS
