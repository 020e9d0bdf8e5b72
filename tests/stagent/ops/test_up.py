"""`manage.py up`, as a newcomer runs it: real processes on an empty database."""

import signal
import urllib.request

from tests.support.newcomer import ADDRESS, child, gone, ready, signed_in, up
from tests.support.processes import Process, empty_database
from tests.support.waiting import wait_until

__all__ = ["empty_database"]


def test_a_newcomer_gets_a_password_that_works_and_a_second_start_keeps_everything(empty_database):
    with up(empty_database) as stagent:
        password = stagent.says(r"Password +(\S+)").group(1)
        address = stagent.says(ADDRESS).group(1)
        wait_until(lambda: ready(address))
        assert "made 5 demo schedules" in stagent.output
        assert signed_in(address, password)
        children = stagent.children()
        assert len(children) == 3, "web, the desk beside it, scheduler"
        port = address.rstrip("/").rpartition(":")[2]
        with Process("up", "--port", port, **empty_database) as second:
            assert second.end() == 1
            assert f"Port {port} on 127.0.0.1 is taken" in second.output
        stagent.signal(signal.SIGTERM)
        assert stagent.end() == 0
        assert "Scheduler stopped." in stagent.output
        assert gone(children)

    with up(empty_database) as again:
        again.says(ADDRESS)
        assert "Password" not in again.output
        assert "demo" not in again.output
        children = again.children()
        again.signal(signal.SIGKILL)
        wait_until(lambda: gone(children))  # killed without mercy, it leaves nobody behind


def test_who_dies_is_started_again_and_nobody_is_turned_away_meanwhile(empty_database):
    with up(empty_database, "--no-demo", STAGENT_ADMIN_PASSWORD="chosen by me") as stagent:
        address = stagent.says(ADDRESS).group(1)
        wait_until(lambda: ready(address))
        assert "demo" not in stagent.output
        assert "chosen by me" not in stagent.output
        assert signed_in(address, "chosen by me")
        child(stagent, "runscheduler").kill()
        stagent.says(r"scheduler was ended by SIGKILL after \d+ s! It is started again")
        child(stagent, "daphne").kill()
        stagent.says("web was ended by SIGKILL")
        # The port stays open: the request waits there until the next web process takes it.
        assert urllib.request.urlopen(f"{address}healthz", timeout=60).status == 200
        stagent.says(r"(?s)is running.*It is started again.*is running")


def test_nonsense_is_refused_before_anything_is_made(empty_database):
    with Process("up", "--port", "99999", **empty_database) as stagent:
        assert stagent.end() == 1
        assert "99999 is not a port" in stagent.output
        assert "Password" not in stagent.output


def test_without_debug_it_says_that_it_listens_for_a_proxy(empty_database):
    production = {
        "DEBUG": "0",
        "SECRET_KEY": "a key of fifty characters, as the check wants it!!",
        "ALLOWED_HOSTS": "",
    }
    public = {"STAGENT_PUBLIC_URL": "https://stagent.example.org/"}
    with up(empty_database, "--no-demo", **production, **public) as stagent:
        stagent.says(r"Stagent is at https://stagent\.example\.org/")
        address = stagent.says(r"It listens on (http://\S+) for a proxy").group(1)
        stagent.says("ALLOWED_HOSTS is empty")
        wait_until(lambda: ready(address))
