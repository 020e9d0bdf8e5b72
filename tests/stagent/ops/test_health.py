"""Probes are told the truth: the process answers, and what it needs is there or is named."""

import re
import shutil
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from schedules.models import Scheduler
from stagent.lib import clock
from stagent.lib.processes.outage import DATABASE
from stagent.ops import health


def seen(ago, *, executes=True):
    moment = clock.now() - ago
    Scheduler.objects.create(
        holder=f"scheduler@{ago}", host="here", pid=1, executes=executes, started_at=moment, seen_at=moment
    )


def test_the_process_answers_without_asking_the_database(client):
    answer = client.get("/healthz")  # no `db` fixture: a query would fail this test
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-cache" in answer.headers["cache-control"]


def test_an_install_with_a_scheduler_is_ready(client, db):
    seen(timedelta(seconds=3))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "answers",
        "migrations": "all applied",
        "scheduler": "1 running",
        "next firings": "explained by their rhythms",
        "processes": "every thread and task works",
    }


def test_without_a_scheduler_it_is_not_ready_and_says_why(client, db):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "none has been seen" in answer.json()["scheduler"]


def test_a_scheduler_that_fell_silent_does_not_count(client, db):
    seen(timedelta(minutes=5))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert re.search(r"last seen 3\d\d s ago", answer.json()["scheduler"])


def test_a_scheduler_that_only_ticks_is_pointed_out(client, db):
    seen(timedelta(seconds=1), executes=False)
    assert "none of them executes" in client.get("/readyz").json()["scheduler"]


def test_a_migration_that_was_not_applied_is_named(client, db):
    MigrationRecorder(connection).record_unapplied("stagent", "0001_initial")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "stagent.0001_initial" in answer.json()["migrations"]
    assert "scheduler" not in answer.json()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_named_and_nothing_more_is_told(client, settings, monkeypatch, tmp_path):
    connection.close()
    away = {"NAME": str(tmp_path / "no" / "such" / "folder")}
    if connection.vendor == "postgresql":
        away = {"HOST": str(tmp_path)}  # a socket that nobody listens on
    with monkeypatch.context() as patch:
        for key, value in away.items():
            patch.setitem(connection.settings_dict, key, value)
        answer = client.get("/readyz")
        connection.close()
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": "does not answer"}


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_full_disk_is_named_before_the_scheduler_is_blamed_for_it(client, settings, monkeypatch):
    usage = shutil._ntuple_diskusage(10**9, 10**9, 2**20)
    monkeypatch.setitem(connection.settings_dict, "NAME", "/somewhere/db.sqlite3")
    monkeypatch.setattr(health.shutil, "disk_usage", lambda folder: usage)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "database": "its disk is full"})


@pytest.mark.django_db
def test_a_disk_that_was_full_at_the_last_write_is_named_until_a_write_succeeds(client, monkeypatch):
    seen(timedelta(seconds=3))
    DATABASE.record("Reporting", OperationalError("could not extend file: No space left on device"))
    assert client.get("/readyz").json()["database"] == "its disk is full"
    monkeypatch.setattr(DATABASE, "_quiet_sec", 0)
    DATABASE.worked()
    assert client.get("/readyz").json()["database"] == "answers"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_look(client, path):
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_without_tls_is_answered_in_production(client, db, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/admin/").status_code == 301
    assert client.get(path).status_code in {200, 503}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_by_address_is_answered_and_a_visitor_under_a_strange_name_is_not(client, db, settings, path):
    settings.ALLOWED_HOSTS = ["stagent.example.org"]
    assert client.get(path, headers={"host": "10.0.0.7:8000"}).status_code in {200, 503}
    assert client.get("/admin/login/", headers={"host": "10.0.0.7:8000"}).status_code == 400
    assert client.get(f"/admin/login/?next={path}", headers={"host": "10.0.0.7"}).status_code == 400


async def test_a_probe_by_address_is_answered_by_the_web_as_it_is_served(async_client, settings):
    settings.ALLOWED_HOSTS = ["stagent.example.org"]
    answer = await async_client.get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
