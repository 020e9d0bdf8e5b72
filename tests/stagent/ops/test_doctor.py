"""The doctor names what does not work, and its exit code tells a script."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from agents.models import LiveStream, Provider
from schedules.models import Delivery, Scheduler
from stagent.lib import clock
from stagent.ops.doctor import checks as doctor
from stagent.ops.health import Level
from tests.support.builders import a_running_run, a_schedule

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 8, 7, 0, tzinfo=UTC)


@pytest.fixture
def a_scheduler(db):
    now = clock.now()
    return Scheduler.objects.create(holder="scheduler@here", host="here", pid=1, started_at=now, seen_at=now)


def examine(capsys):
    """Return the exit code, and the report by part."""
    try:
        call_command("doctor", no_color=True)
        code = 0
    except SystemExit as left:
        code = left.code
    lines = capsys.readouterr().out.splitlines()
    return code, {line[6:17].strip(): (line[:4].strip(), line[19:]) for line in lines}


def test_a_healthy_install_gets_an_exit_code_of_zero(a_scheduler, capsys):
    code, report = examine(capsys)
    assert code == 0
    assert {level for level, _ in report.values()} == {"ok"}
    assert "offline model" in report["provider"][1]
    assert ("wal" if connection.vendor == "sqlite" else "read committed") in report["mode"][1]


def test_no_scheduler_is_a_failure(capsys):
    code, report = examine(capsys)
    assert code == 1
    assert report["scheduler"] == ("FAIL", "none has been seen; manage.py runscheduler")


def test_a_missing_migration_is_a_failure_and_nothing_else_is_asked(capsys):
    MigrationRecorder(connection).record_unapplied("stagent", "0001_initial")
    code, report = examine(capsys)
    assert code == 1
    assert "1 not applied, stagent.0001_initial" in report["migrations"][1]
    assert "leases" not in report


def test_a_provider_that_cannot_be_reached_is_a_failure(a_scheduler, capsys, settings, unused_port):
    settings.ANTHROPIC_BASE_URL = f"http://127.0.0.1:{unused_port}"
    code, report = examine(capsys)
    assert code == 1
    assert report["provider"][0] == "FAIL"
    assert f"127.0.0.1:{unused_port}, without a key" in report["provider"][1]


@pytest.mark.parametrize("url", ["nonsense", "http://", "http://here:99999", "ftp://here"])
def test_an_address_of_a_provider_that_is_none_is_called_so(settings, url):
    settings.ANTHROPIC_BASE_URL = url
    finding = doctor.provider(NOW)
    assert finding.level == "FAIL"
    assert finding.detail == "ANTHROPIC_BASE_URL is not the address of a server"


def test_the_key_itself_is_never_printed(capsys, settings, unused_port):
    settings.ANTHROPIC_BASE_URL = f"http://127.0.0.1:{unused_port}"
    settings.ANTHROPIC_API_KEY = "sk-very-secret"
    call = doctor.provider(NOW)
    assert "with a key" in call.detail
    assert "sk-very-secret" not in call.detail


def test_a_setting_that_is_ignored_is_a_warning_not_a_failure(a_scheduler, capsys, monkeypatch):
    monkeypatch.setenv("SCHEDULE_MAX_CONCURRENT", "abc")
    code, report = examine(capsys)
    assert code == 0
    assert report["settings"] == ("warn", "ignored: SCHEDULE_MAX_CONCURRENT (environment: 'abc')")


def test_an_open_breaker_is_a_warning():
    Provider.objects.create(name="anthropic", open_until=NOW + timedelta(minutes=5), opened_at=NOW)
    finding = doctor.breakers(NOW)
    assert (finding.level, finding.detail) == (Level.WARN, "open: anthropic until 07:05:00 UTC")


def test_a_lapsed_lease_that_nobody_reaped_is_a_failure():
    run, _ = a_running_run()
    assert doctor.stale_leases(run.lease_expires_at).level == Level.OK
    finding = doctor.stale_leases(run.lease_expires_at + timedelta(minutes=1))
    assert finding.level == Level.FAIL
    assert f"runs {run.pk}" in finding.detail


def test_streams_left_behind_are_a_warning():
    LiveStream.objects.create(
        key="message:1",
        holder="web@here",
        token="1" * 32,
        ttl_sec=30,
        started_at=NOW,
        expires_at=NOW - timedelta(hours=2),
    )
    assert doctor.stale_leases(NOW).level == Level.WARN


@pytest.mark.sqlite
def test_a_clock_that_was_set_back_is_noticed_by_what_was_written_down(a_scheduler):
    assert doctor.clocks(clock.now()).level == Level.OK
    assert doctor.clocks(clock.now() - timedelta(hours=1)).level == Level.FAIL


def test_an_unknown_zone_is_a_failure(settings):
    assert doctor.zones(NOW).level == Level.OK
    settings.TIME_ZONE = "Europe/Atlantis"
    finding = doctor.zones(NOW)
    assert finding.level == Level.FAIL
    assert "Europe/Atlantis" in finding.detail
    settings.TIME_ZONE = "UTC"


def test_a_look_that_fails_is_a_finding_and_the_others_go_on(a_scheduler, capsys, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "gone"
    code, report = examine(capsys)
    assert code == 1
    assert "FileNotFoundError" in report["data folder"][1]
    assert report["scheduler"][0] == "ok"


def test_who_is_told_of_trouble_is_said_without_the_address(a_scheduler, capsys, settings):
    assert "nobody is told" in examine(capsys)[1]["notices"][1]
    settings.STAGENT_NOTIFY_EMAIL = "ops@example.org"
    settings.STAGENT_NOTIFY_WEBHOOK = "https://hooks.example.org/a-secret"
    assert examine(capsys)[1]["notices"] == ("ok", "told by email and webhook")
    settings.STAGENT_NOTIFY_WEBHOOK = "hooks.example.org"
    assert examine(capsys)[1]["notices"][0] == "warn"


def test_news_that_did_not_arrive_are_a_warning(a_scheduler, capsys):
    now, late = clock.now(), {"status": "pending", "attempts": 3, "last_error": "It answered 500"}
    common = {"kind": "warning", "channel": "webhook", "target": "https://x", "next_attempt_at": now}
    common |= {"schedule": a_schedule()}
    Delivery.objects.create(created_at=now, **common)
    assert examine(capsys)[1]["deliveries"][0] == "ok"
    Delivery.objects.create(created_at=now, **common | late)
    code, report = examine(capsys)
    says = "0 failed within a day, 1 to be tried again; the last, by webhook: It answered 500"
    assert (code, report["deliveries"]) == (0, ("warn", says))
