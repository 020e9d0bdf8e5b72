"""Chance in tests: one seed for the whole run, shown where a test fails and taken from STAGENT_TEST_SEED."""

import os
import random
from collections.abc import Generator

import pytest

VARIABLE = "STAGENT_TEST_SEED"
DRAWN = str(random.SystemRandom().randrange(1_000_000))
SEED = int(os.environ.setdefault(VARIABLE, DRAWN))  # pytest's workers inherit it


def chance(whose: str) -> random.Random:
    """Return chance of one's own: nobody else's draws change it."""
    return random.Random(f"{SEED} {whose}")


def pytest_report_header() -> str:
    return f"chance: {VARIABLE}={SEED}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections.append(("chance", f"{VARIABLE}={SEED} gives the same to every test that draws."))
    return report
