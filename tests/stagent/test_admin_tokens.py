"""Tokens in the console: shown once, and nobody makes one in another's name."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from stagent.api.auth import authenticate
from stagent.lib import clock
from stagent.models import ApiToken

ADD, LIST = "/admin/stagent/apitoken/add/", "/admin/stagent/apitoken/"


@pytest.fixture
def bob(bob):
    bob.user_permissions.add(*Permission.objects.filter(content_type__model="apitoken"))
    return bob


def make(client, user):
    form = {"user": user.pk, "name": "phone", "expires_at_0": "", "expires_at_1": ""}
    return client.post(ADD, form, follow=True)


def test_a_new_token_is_shown_once_and_works(client, alice):
    client.force_login(alice)
    page = make(client, alice).content.decode()
    token = re.search(r"stagent_[\w-]+", page).group()
    assert authenticate(token, now=clock.now()) == alice
    assert token not in client.get(LIST).content.decode()
    assert LogEntry.objects.get().user == alice


def test_who_is_no_superuser_cannot_make_one_in_anothers_name(client, alice, bob):
    client.force_login(bob)
    assert "Select a valid choice" in make(client, alice).content.decode()
    assert not ApiToken.objects.exists()
    make(client, bob)
    assert ApiToken.objects.get().user == bob


def test_who_is_no_superuser_does_not_see_the_tokens_of_others(client, alice, bob):
    theirs, _ = ApiToken.objects.issue(alice, "alice's own", now=clock.now())
    client.force_login(bob)
    assert "alice&#x27;s own" not in client.get(LIST).content.decode()
    assert client.get(f"{LIST}{theirs.pk}/change/", follow=True).request["PATH_INFO"] == "/admin/"


def test_a_revoked_token_says_so_and_opens_nothing(client, alice):
    row, token = ApiToken.objects.issue(alice, "old", now=clock.now())
    client.force_login(alice)
    chosen = {"action": "revoke", "_selected_action": [row.pk]}
    assert "It cannot be undone" in client.post(LIST, chosen).content.decode()
    row.refresh_from_db()
    assert row.revoked_at is None
    answer = client.post(LIST, chosen | {"confirmed": "1"}, follow=True)
    assert "Revoked: 1." in answer.content.decode()
    assert "revoked" in answer.content.decode()
    assert authenticate(token, now=clock.now()) is None


def test_its_name_can_be_changed_but_not_its_user(client, alice, bob):
    row, token = ApiToken.objects.issue(alice, "old", now=clock.now())
    client.force_login(alice)
    form = {"user": bob.pk, "name": "new", "expires_at_0": "", "expires_at_1": ""}
    client.post(f"{LIST}{row.pk}/change/", form)
    row.refresh_from_db()
    assert (row.name, row.user) == ("new", alice)
    assert authenticate(token, now=clock.now()) == alice
