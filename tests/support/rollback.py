"""Tests that commit leave the database as the migrations made it, built-in profiles included.

Django puts that back before the next test that commits, and runs all others before the first of them.
Where several workers share the tests, one that has nothing more to do takes some of the others after it.
"""

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from pytest_django.plugin import blocking_manager_key


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every transactional test put back what the flush at its end takes away."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        if mark and mark.kwargs.get("transaction") and "serialized_rollback" not in mark.kwargs:
            restoring = pytest.mark.django_db(**mark.kwargs, serialized_rollback=True)
            item.add_marker(restoring, append=False)


@pytest.fixture
def transactional_db(django_db_serialized_rollback: None, transactional_db: None) -> None:
    """As pytest-django's, and what the migrations put there stays there."""
    ContentType.objects.clear_cache()  # the flush may have taken the rows that Django remembers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Put it back at once where a test follows that rolls back and would find nothing."""
    yield
    if _commits(item) and nextitem is not None and not _commits(nextitem):
        with item.config.stash[blocking_manager_key].unblock():
            shipped: str = connection._test_serialized_contents  # type: ignore[attr-defined]
            connection.creation.deserialize_db_from_string(shipped)
            connection.close()
        ContentType.objects.clear_cache()


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    marked = mark is not None and mark.kwargs.get("transaction", False)
    return marked or not {"transactional_db", "live_server"}.isdisjoint(getattr(item, "fixturenames", ()))
