"""HEAD of the API says what GET would say, without a body."""

import pytest
from django.test import Client

from stagent.lib import clock
from tests.support.builders import a_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(alice):
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize("path", ["schedules", "runs?limit=1", "conversations", "status", "schedules/404404"])
def test_a_head_is_answered_like_a_get(client, path):
    a_schedule(clock.now())
    got, headed = client.get(f"/api/{path}"), client.head(f"/api/{path}")
    assert (headed.status_code, headed.content) == (got.status_code, b"")
    told = ("Content-Type", "Content-Length", "ETag")
    assert [headed.headers.get(name) for name in told] == [got.headers.get(name) for name in told]


def test_what_is_known_already_is_not_told_again(client):
    etag = client.head("/api/schedules").headers["ETag"]
    assert client.head("/api/schedules", headers={"if-none-match": etag}).status_code == 304


def test_what_takes_a_post_takes_no_head(client):
    assert client.head("/api/messages/1/stop").status_code == 405


def test_nobody_is_told_more_by_a_head(db):
    assert Client().head("/api/schedules").status_code == 401
