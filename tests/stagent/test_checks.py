"""Nonsense in the set-up is refused at start, with a hint."""

import pytest
from django.core.checks.registry import registry

from stagent import checks


def faults():
    return [fault.id for fault in [*checks.check_data_folder(), *checks.check_redis()]]


def test_they_are_asked_at_start():
    assert {checks.check_data_folder, checks.check_redis} <= set(registry.registered_checks)


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
