"""A list that is read page by page by its cursor repeats no row and leaves none out while rows arrive."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest

from stagent.lib import clock
from tests.support.builders import a_queued_run, a_schedule
from tests.support.programs import Program, refusal
from tests.support.talking import converses

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(alice):
    return Program(alice)


def arrives(alice, number):
    now = clock.now() + timedelta(seconds=number)
    a_queued_run(a_schedule(now, name=f"Schedule {number:02}"), now)
    converses(alice, f"Said {number}", now=now)


@pytest.mark.parametrize("path", ["/runs", "/schedules", "/conversations"])
def test_each_row_comes_once_while_others_arrive(api, alice, path):
    for number in range(9):
        arrives(alice, number)
    before = [row["id"] for row in api.get(path).json()["items"]]
    seen, cursor, more = [], "", 50
    while cursor is not None:
        page = api.get(f"{path}?limit=2&cursor={cursor}").json()
        seen += [row["id"] for row in page["items"]]
        cursor, more = page["next"], more + 1
        if more < 55:
            arrives(alice, more)
    assert len(seen) == len(set(seen))
    assert [row for row in seen if row in before] == before


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "bnVsbA", "W251bGwsbnVsbF0", "é", "WyJhIiwxXQ"])
def test_a_cursor_that_is_none_is_named(api, alice, cursor):
    arrives(alice, 1)
    answer = api._client.get("/api/runs", {"cursor": cursor})
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == ["cursor"]


def as_cursor(*values):
    return urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/schedules", ["\ud800", 1]),
        ("/schedules", ["\x00", 1]),
        ("/schedules", ["a", True]),
        ("/schedules", ["a", 1.9]),
        ("/schedules", [5, 1]),
        ("/schedules", [{}, 1]),
        ("/runs", ["0001-01-01T00:00:00+14:00", 1]),
        ("/runs", ["9999-12-31T23:59:59-14:00", 1]),
        ("/runs", ["2026-11-24", 1]),
    ],
)
def test_a_cursor_with_what_no_row_can_have_is_refused(api, alice, path, values):
    for number in range(2):
        arrives(alice, number)
    real = api.get(f"{path}?limit=1").json()["next"]
    name = json.loads(urlsafe_b64decode(real + "=" * (-len(real) % 4)))[0]
    assert refusal(api.get(f"{path}?cursor={as_cursor(name, *values)}")) == (422, "validation_error")


def test_a_cursor_of_another_list_is_refused(api, alice):
    for number in range(2):
        arrives(alice, number)
    cursor = api.get("/runs?limit=1").json()["next"]
    for path in ("/firings", "/schedules", "/conversations"):
        assert refusal(api.get(f"{path}?cursor={cursor}")) == (422, "validation_error")


def test_the_last_page_has_no_next(api, alice):
    arrives(alice, 1)
    assert api.get("/runs").json()["next"] is None
    assert api.get("/settings?cursor=x").status_code == 422
