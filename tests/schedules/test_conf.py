"""Environment, then the admin, then the default; nonsense is named once and ignored."""

import logging

import pytest

from schedules import conf
from schedules.models import Setting

pytestmark = pytest.mark.django_db
KEY = "SCHEDULE_MAX_CONCURRENT"


@pytest.fixture(autouse=True)
def nobody_was_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "_warned", set())
    monkeypatch.delenv(KEY, raising=False)


def value() -> conf.Value:
    return next(value for value in conf.in_force() if value.key.name == KEY)


def test_the_defaults_are_those_of_the_specification() -> None:
    assert conf.load() == conf.Conf(
        max_concurrent=2,
        max_run_duration_sec=1200,
        chat_pressure_delay_sec=30,
        chat_pressure_max_delay_sec=300,
        lease_ttl_sec=60,
        default_max_turns=50,
        metrics_retention_days=30,
        max_overflow=8,
    )


def test_the_admin_beats_the_default_and_the_environment_beats_both(monkeypatch: pytest.MonkeyPatch) -> None:
    Setting.objects.create(key=KEY, value="3")
    assert (value().value, value().source) == (3, "admin")
    monkeypatch.setenv(KEY, "4")
    assert (value().value, value().source) == (4, "environment")


def test_a_change_works_at_the_next_look() -> None:
    Setting.objects.create(key=KEY, value="3")
    assert conf.load().max_concurrent == 3
    Setting.objects.update(value="5")
    assert conf.load().max_concurrent == 5


@pytest.mark.parametrize("nonsense", ["abc", "0", "-1", "2.5", "1e9", "99999999"])
def test_nonsense_is_ignored_with_one_warning_that_names_it_and_the_default(
    nonsense: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(KEY, nonsense)
    with caplog.at_level(logging.WARNING):
        assert conf.load().max_concurrent == conf.load().max_concurrent == 2
    (warning,) = [record.getMessage() for record in caplog.records if KEY in record.getMessage()]
    assert repr(nonsense) in warning
    assert "default is 2" in warning


def test_nonsense_in_the_environment_leaves_the_admins_value_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Setting.objects.create(key=KEY, value="3")
    monkeypatch.setenv(KEY, "many")
    assert (value().value, value().source, value().ignored) == (3, "admin", "environment: 'many'")


def test_empty_is_not_nonsense(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv(KEY, "  ")
    assert conf.load().max_concurrent == 2
    assert not caplog.records
