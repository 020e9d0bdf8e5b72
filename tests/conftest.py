"""What every test may use; each part of `tests.support` says what it gives."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.support.seed",
    "tests.support.clocks",
    "tests.support.coroutines",
    "tests.support.reply_workers",
    "tests.support.mcp_servers",
    "tests.support.requirements",
    "tests.support.outages",
    "tests.support.pages",
    "tests.support.people",
    "tests.support.ports",
    "tests.support.mailbox",
    "tests.support.rollback",
]

settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("quick"), max_examples=1000)
settings.register_profile("repeatable", parent=settings.get_profile("quick"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
