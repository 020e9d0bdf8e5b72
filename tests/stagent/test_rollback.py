"""The suite's own promise: a test that commits takes nothing away from the next one."""

import os
import subprocess
import sys

import pytest

from agents.models import Profile


@pytest.mark.parametrize("time", ["first", "second", "third"])
@pytest.mark.django_db(transaction=True)
def test_what_ships_with_the_product_is_there_every_time(time):
    assert Profile.objects.filter(builtin=True).exists()
    Profile.objects.all().delete()


@pytest.mark.parametrize("time", ["first", "second"])
def test_by_fixture_too(transactional_db, time):
    assert Profile.objects.filter(builtin=True).exists()
    Profile.objects.all().delete()


@pytest.mark.django_db
def test_one_that_rolls_back_finds_it_too():
    assert Profile.objects.filter(builtin=True).exists()


@pytest.mark.sqlite
def test_those_that_roll_back_may_come_last(tmp_path):
    options = ("-p", "tests.support.backwards", "-k", "not come_last", f"--basetemp={tmp_path}/files")
    surroundings = os.environ | {"STAGENT_TEST_DIR": str(tmp_path), "PYTEST_XDIST_WORKER": "backwards"}
    command = (sys.executable, "-m", "pytest", "-q", *options, __file__)
    told = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    assert "6 passed" in told.stdout
