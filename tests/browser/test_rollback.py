"""The suite's own promise beside a browser, too: a test that commits takes nothing away from the next one."""

import pytest

from agents.models import Profile

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("time", ["first", "second", "third"])
def test_what_ships_with_the_product_is_there_every_time(django_db_setup, browser, time):
    assert Profile.objects.filter(builtin=True).exists()
    Profile.objects.all().delete()
