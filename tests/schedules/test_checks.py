"""What would make schedules fire wrongly or silently is said at start."""

import shutil
from typing import Any

import pytest
from django.core.checks.registry import registry
from django.db import connection

from schedules import checks
from stagent.lib.db import settings as database
from tests.support.builders import a_schedule
from tests.support.processes import Process, empty_database

__all__ = ["empty_database"]

CONSOLE = {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}


def faults() -> dict[str | None, str]:
    return {fault.id: f"{fault.msg} {fault.hint}" for fault in checks.check_settings()}


def faults_within(*databases: str) -> dict[str | None, str]:
    found = checks.check_database(databases=databases or None)
    return {fault.id: f"{fault.msg} {fault.hint}" for fault in found}


def test_they_are_asked_at_start():
    assert {checks.check_settings, checks.check_database} <= set(registry.registered_checks)


@pytest.mark.django_db
def test_a_plain_install_has_no_fault():
    assert faults() == {}
    assert faults_within("default") == {}


def test_a_zone_that_does_not_exist_is_a_fault_with_a_suggestion(settings):
    settings.TIME_ZONE = "Europe/Berln"
    assert "Europe/Berlin" in faults()["schedules.E001"]


@pytest.mark.parametrize("missing", ["transaction_mode", "init_command"])
def test_a_sqlite_database_without_its_promises_is_a_fault(settings, monkeypatch, missing):
    options = {name: value for name, value in database.SQLITE_OPTIONS.items() if name != missing}
    monkeypatch.setitem(settings.DATABASES, "other", {"ENGINE": database.SQLITE, "OPTIONS": options})
    assert list(faults()) == ["schedules.E002"]


def test_a_misspelt_setting_is_named_with_what_was_meant(monkeypatch):
    monkeypatch.setenv("SCHEDULE_MAX_CONCURENT", "5")
    assert "Did you mean SCHEDULE_MAX_CONCURRENT?" in faults()["schedules.W001"]


@pytest.mark.parametrize("address", ["hooks.example.org", "ftp://hooks.example.org"])
def test_a_webhook_for_notices_that_is_no_address_is_said(settings, address):
    settings.STAGENT_NOTIFY_WEBHOOK = address
    assert list(faults()) == ["schedules.W004"]


def test_notices_by_mail_need_an_address_and_a_server(settings):
    settings.STAGENT_NOTIFY_EMAIL = "ops"
    assert "'ops' is not a mail address" in faults()["schedules.W005"]
    settings.STAGENT_NOTIFY_EMAIL = "ops@example.org"
    assert faults() == {}
    settings.MAILERS = CONSOLE
    assert "EMAIL_HOST" in faults()["schedules.W006"]


@pytest.mark.parametrize("address", ["stagent.example.org", "ftp://stagent.example.org", "https://"])
def test_a_public_address_that_is_none_is_said(settings, address):
    settings.STAGENT_PUBLIC_URL = address
    assert list(faults()) == ["schedules.W002"]


@pytest.mark.parametrize("address", ["https://stagent.example.org", "http://10.0.0.4:8000/"])
def test_a_public_address_may_have_a_port(settings, address):
    settings.STAGENT_PUBLIC_URL = address
    assert faults() == {}


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_journal_that_is_not_wal_is_a_fault(tmp_path):
    name = connection.settings_dict["NAME"]
    connection.close()
    # A copy of its own: the mode can only be changed while nobody else has the file open.
    connection.settings_dict["NAME"] = shutil.copy(name, tmp_path / "copy.sqlite3")
    try:
        connection.cursor().execute("PRAGMA journal_mode=DELETE")
        assert list(faults_within("default")) == ["schedules.E003"]
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name


@pytest.mark.django_db
def test_mail_that_only_reaches_the_log_is_said_where_somebody_waits_for_it(settings: Any):
    settings.MAILERS = CONSOLE
    a_schedule(name="Quiet")
    assert faults_within("default") == {}
    a_schedule(name="Mailed", email="alice@example.org")
    assert "EMAIL_HOST" in faults_within("default")["schedules.W003"]


def test_the_database_is_left_alone_unless_it_may_be_asked():
    assert faults_within() == {}  # no database mark: a query would fail this test


def test_an_install_without_tables_can_be_checked(empty_database):
    with Process("check", "--database", "default", **empty_database) as check:
        assert check.end() == 0, check.output
