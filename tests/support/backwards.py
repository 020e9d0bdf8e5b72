"""`pytest -p tests.support.backwards …`: the tests in reverse, so those that commit before all others."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.reverse()
