"""A new install has groups for common duties, and what an administrator made of them stays."""

import re

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from agents.runtimes import breaker
from schedules.monitoring import detectors
from stagent import default_groups
from stagent.lib import clock
from tests.support.builders import a_running_run, a_schedule
from tests.support.programs import Program


def rights(name):
    return {
        f"{app}.{codename}"
        for app, codename in Group.objects.get(name=name).permissions.values_list(
            "content_type__app_label", "codename"
        )
    }


@pytest.fixture
def dora(db):
    """Somebody on the staff who has what her groups give her."""
    return User.objects.create_user("dora", password="dora's password", is_staff=True)


def test_a_fresh_database_has_the_groups_with_what_they_need(db):
    everything = {
        f"{right.content_type.app_label}.{right.codename}"
        for right in Permission.objects.select_related("content_type")
    }
    ours = {right for right in everything if right.startswith(("agents.", "schedules."))}
    looking = {right for right in ours if ".view_" in right} | {"admin.view_logentry"}
    assert rights("viewer") == looking
    tokens = {right for right in everything if right.endswith("_apitoken")}
    assert rights("operator") == (ours | tokens | {"admin.view_logentry"}) - {
        "schedules.force_run",
        "agents.set_up_mcpserver",
    }
    assert rights("force") == {"schedules.force_run"}


def test_a_viewer_sees_schedules_and_metrics_and_changes_nothing(client, dora):
    dora.groups.add(Group.objects.get(name="viewer"))
    schedule = a_schedule()
    client.force_login(dora)
    for path in ("/metrics", "/api/status", "/admin/schedules/schedule/", "/api/settings"):
        assert client.get(path).status_code == 200, path
    assert Program(dora).post(f"/schedules/{schedule.pk}/pause").status_code == 403
    for path in ("/admin/schedules/schedule/add/", "/admin/auth/user/", "/admin/stagent/apitoken/"):
        assert client.get(path).status_code == 403, path


PAGES = (
    "", "board/", "forecast/", "schedules/schedule/", "schedules/run/", "schedules/firing/",
    "schedules/slot/", "schedules/notice/", "schedules/delivery/", "schedules/setting/",
    "schedules/scheduler/", "agents/approval/", "agents/provider/",
    "agents/profile/", "agents/budget/", "agents/ledgerentry/", "agents/streamrecord/",
)  # fmt: skip


def test_a_viewer_is_offered_no_button_that_would_be_refused(client, dora):
    dora.groups.add(Group.objects.get(name="viewer"))
    now = clock.now()
    run, _ = a_running_run(schedule := a_schedule(now), now)
    breaker.trip("anthropic", "auth_failed", "invalid x-api-key", now)
    detectors.detect(now)
    client.force_login(dora)
    one = (f"schedules/schedule/{schedule.pk}/change/", f"schedules/run/{run.pk}/change/")
    for page in (*PAGES, *one):
        answer = client.get(f"/admin/{page}")
        assert answer.status_code == 200, page
        html = answer.content.decode()
        offered = re.findall(r'formaction="([^"]*)"|<form method="post"[^>]*action="([^"]*)"', html)
        assert {address for both in offered for address in both if address} <= {"/admin/logout/"}, page
        assert "setting-form" not in html, page


def test_an_operator_changes_schedules_but_neither_users_nor_the_cap_s_bounds(client, dora):
    dora.groups.add(Group.objects.get(name="operator"))
    client.force_login(dora)
    for path in (
        "/admin/schedules/schedule/add/",
        "/admin/agents/profile/add/",
        "/admin/stagent/apitoken/add/",
    ):
        assert client.get(path).status_code == 200, path
    for path in ("/admin/auth/user/", "/admin/auth/group/"):
        assert client.get(path).status_code == 403, path
    assert dora.has_perm("schedules.run_schedule")
    assert not dora.has_perm("schedules.force_run")
    dora.groups.add(Group.objects.get(name="force"))
    assert User.objects.get(pk=dora.pk).has_perm("schedules.force_run")


def test_migrating_again_gives_nothing_back_that_was_taken_away(db):
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.remove(Permission.objects.get(codename="view_ledgerentry"))
    Group.objects.get(name="force").delete()
    call_command("migrate", verbosity=0)
    assert "agents.view_ledgerentry" not in rights("viewer")
    assert not Group.objects.filter(name="force").exists()


def test_what_a_later_version_adds_is_granted_as_it_appears(db):
    watch = default_groups._Watch()
    watch.before()
    kind = Permission.objects.get(codename="view_schedule").content_type
    for codename in ("view_something", "change_something"):
        Permission.objects.create(content_type=kind, codename=codename, name=codename)
    watch.after(apps.get_app_config("schedules"))
    assert "schedules.view_something" in rights("viewer")
    assert "schedules.change_something" in rights("operator") - rights("viewer")
