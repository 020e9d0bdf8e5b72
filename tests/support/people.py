"""Who is who in the tests: Alice owns, Bob shares, Charlie is a stranger."""

import pytest
from django.contrib.auth.models import Permission, User

MAY = (
    "view_schedule", "add_schedule", "change_schedule", "run_schedule",
    "view_run", "change_run", "view_firing", "view_slot",
)  # fmt: skip


@pytest.fixture
def alice(db: None) -> User:
    """The operator who owns the install: a superuser."""
    return User.objects.create_superuser("alice", "alice@example.org", "alice's password")


@pytest.fixture
def bob(db: None) -> User:
    """A colleague on the staff: may see and run schedules, but not force them or touch the settings."""
    bob = User.objects.create_user("bob", "bob@example.org", "bob's password", is_staff=True)
    bob.user_permissions.set(Permission.objects.filter(content_type__app_label="schedules", codename__in=MAY))
    return bob


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger: can sign in, may nothing."""
    return User.objects.create_user("charlie", "charlie@example.org", "charlie's password")
