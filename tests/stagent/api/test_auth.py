"""Programs come in by a token, people by their session."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from stagent.api.auth import authenticate
from stagent.lib.db import deferred_writes
from stagent.models import ApiToken

NOW = datetime(2026, 4, 8, 7, 0, tzinfo=UTC)


@pytest.fixture
def token(alice):
    return ApiToken.objects.issue(alice, "script", now=NOW)[1]


def test_a_token_stands_for_its_user(alice, token):
    assert authenticate(token, now=NOW) == alice


def test_the_token_itself_is_kept_nowhere(token):
    row = ApiToken.objects.get()
    assert token.startswith("stagent_")
    assert token not in str(row.__dict__)


@pytest.mark.parametrize("wrong", ["", "x", "stagent_", "ü" * 5000, "a\x00b"])
def test_anything_else_stands_for_nobody(token, wrong):
    assert authenticate(wrong, now=NOW) is None


def test_a_revoked_token_opens_nothing(token):
    assert ApiToken.objects.all().revoke(NOW) == 1
    assert authenticate(token, now=NOW) is None


def test_a_token_expires_at_its_moment(alice):
    _, token = ApiToken.objects.issue(alice, "guest", now=NOW, expires_at=NOW + timedelta(hours=1))
    assert authenticate(token, now=NOW + timedelta(minutes=59)) == alice
    assert authenticate(token, now=NOW + timedelta(hours=1)) is None


def test_a_user_who_left_takes_their_tokens_along(alice, token):
    alice.is_active = False
    alice.save()
    assert authenticate(token, now=NOW) is None


def test_use_is_noted_once_a_minute(token, django_assert_num_queries):
    deferred_writes._writes.set(None)  # a request that a test module began while it was imported
    with django_assert_num_queries(4):  # two of them the savepoint of the note
        authenticate(token, now=NOW)
    with django_assert_num_queries(1):
        authenticate(token, now=NOW + timedelta(seconds=59))
    assert ApiToken.objects.get().last_used_at == NOW
    authenticate(token, now=NOW + timedelta(seconds=60))
    assert ApiToken.objects.get().last_used_at == NOW + timedelta(seconds=60)


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True)


pytestmark = pytest.mark.urls("tests.stagent.a_door")
ROOM = "/api/room"


def test_a_program_needs_no_csrf_token(browser, token):
    answer = browser.post(ROOM, headers={"authorization": f"Bearer {token}"})
    assert answer.json() == {"user": "alice", "auth": "alice"}


def test_a_session_may_look_and_with_its_csrf_token_change(browser, alice):
    browser.force_login(alice)
    assert browser.get(ROOM).status_code == 200
    refused = browser.post(ROOM)
    assert refused.status_code == 403
    assert "X-CSRFToken" in refused.json()["detail"]
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.post(ROOM, headers={"x-csrftoken": "a" * 32}).json()["user"] == "alice"


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_nobody_is_told_so_whatever_they_want(db, browser, method):
    assert getattr(browser, method)(ROOM).status_code == 401


def test_a_bad_token_does_not_fall_through_to_the_session(browser, alice):
    browser.force_login(alice)
    answer = browser.get(ROOM, headers={"authorization": "Bearer stagent_wrong"})
    assert answer.status_code == 401
    assert "unknown, expired or revoked" in answer.json()["detail"]


def test_both_doors_stand_in_the_openapi_document(browser):
    schemes = browser.get("/api/openapi.json").json()["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
