"""Nonsense in the set-up is refused at start, with a hint."""

import pytest
from django.core.checks.registry import registry

from stagent import checks


def faults():
    looks = (checks.check_data_folder, checks.check_executor, checks.check_redis)
    return [fault.id for look in looks for fault in look()]


def test_they_are_asked_at_start():
    assert {checks.check_data_folder, checks.check_executor, checks.check_redis} <= set(
        registry.registered_checks
    )


def test_a_plain_install_has_no_fault():
    assert faults() == []


def test_a_data_folder_that_cannot_be_written_is_a_fault(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "gone"
    assert faults() == ["stagent.E001"]


@pytest.mark.parametrize("address", ["localhost:6379", "http://localhost", "redis://"])
def test_a_doorbell_without_an_address_is_a_fault(settings, address):
    settings.REDIS_URL = address
    assert faults() == ["stagent.E002"]


@pytest.mark.parametrize(
    "address", ["redis://localhost", "rediss://:secret@cache:6380/1", "unix:///run/redis.sock"]
)
def test_every_kind_of_redis_address_is_taken(settings, address):
    settings.REDIS_URL = address
    assert faults() == []


@pytest.mark.sqlite
def test_workers_need_postgresql(settings):
    settings.STAGENT_EXECUTOR = "procrastinate"
    assert faults() == ["stagent.E005"]


def test_an_executor_that_there_is_not_is_a_fault(settings):
    settings.STAGENT_EXECUTOR = "celery"
    assert faults() == ["stagent.E004"]


@pytest.mark.postgres
def test_workers_need_their_extra(settings, monkeypatch):
    settings.STAGENT_EXECUTOR = "procrastinate"
    assert faults() == []
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    assert "stagent.E006" in faults()  # and E003 where Redis is named: it is the same extra
