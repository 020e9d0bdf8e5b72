"""Default groups: `viewer` reads, `operator` runs the install, `force` exceeds the cap.

A migration creates them once. Later migrations grant only their own new permissions, so an administrator's
changes and deletions are kept.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.apps import AppConfig, apps
from django.db import DatabaseError
from django.db.models.signals import post_migrate, pre_migrate

OURS = {"agents", "schedules"}
FORCE = "force_run"
SET_UP = "set_up_mcpserver"  # runs commands of one's choice on the machine: the administrator's alone


def _can_view(app: str, codename: str) -> bool:
    return codename == "view_logentry" or (app in OURS and codename.startswith("view_"))


def _can_operate(app: str, codename: str) -> bool:
    """Everything except users, groups, forcing and commands; of tokens, only one's own."""
    return codename == "view_logentry" or (app in OURS | {"stagent"} and codename not in (FORCE, SET_UP))


def _can_force(app: str, codename: str) -> bool:
    return (app, codename) == ("schedules", FORCE)


GROUPS: dict[str, Callable[[str, str], bool]] = {
    "viewer": _can_view,
    "operator": _can_operate,
    "force": _can_force,
}


def grant(groups: Iterable[Any], permissions: Iterable[Any]) -> None:
    """Grant each group its share of these permissions."""
    rights = [(right.content_type.app_label, right.codename, right) for right in permissions]
    for group in groups:
        wanted = GROUPS[group.name]
        group.permissions.add(*[right for app, codename, right in rights if wanted(app, codename)])


class _Watch:
    """The permissions before a migration: only new ones are granted."""

    def __init__(self) -> None:
        self._known: set[int] | None = None

    def before(self, **kwargs: Any) -> None:
        """Store the existing permissions; before the first migration there is no table."""
        try:
            self._known = set(_permissions().values_list("pk", flat=True))
        except DatabaseError:
            self._known = set()

    def after(self, app_config: AppConfig, **kwargs: Any) -> None:
        """Grant the app's new permissions, which Django has just created."""
        if self._known is None:
            return  # a flush, which migrates nothing
        new = _permissions().filter(content_type__app_label=app_config.label).exclude(pk__in=self._known)
        grant(apps.get_model("auth", "Group").objects.filter(name__in=GROUPS), new)


def _permissions() -> Any:
    return apps.get_model("auth", "Permission").objects.select_related("content_type")


_watch = _Watch()


def connect() -> None:
    """Connect to the migration signals, after `django.contrib.auth`, which creates the permissions."""
    pre_migrate.connect(_watch.before, dispatch_uid="duties")
    post_migrate.connect(_watch.after, dispatch_uid="duties")
