"""The suite's own promise: a test that commits takes nothing away from the next one."""

import pytest

from agents.models import ModelPrice, Profile


@pytest.mark.parametrize("time", ["first", "second", "third"])
@pytest.mark.django_db(transaction=True)
def test_what_ships_with_the_product_is_there_every_time(time):
    assert Profile.objects.filter(builtin=True).exists()
    assert ModelPrice.objects.exists()
    Profile.objects.all().delete()


@pytest.mark.parametrize("time", ["first", "second"])
def test_by_fixture_too(transactional_db, time):
    assert Profile.objects.filter(builtin=True).exists()
    Profile.objects.all().delete()
