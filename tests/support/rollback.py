"""Tests that commit leave the database as the migrations made it, built-in profiles and prices included."""

import pytest
from django.contrib.contenttypes.models import ContentType


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
