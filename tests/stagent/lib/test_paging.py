"""A page of a long list: the right rows, without sorting whole ones."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from schedules.models import Schedule
from stagent.lib.db.paging import bounded_count, slice_by_keys
from stagent.lib.web.admin import ConsoleAdmin
from tests.support.builders import a_schedule
from tests.support.pages import Reader
from tests.support.programs import Program

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/schedule/"


@pytest.fixture
def named() -> list[str]:
    return [a_schedule(name=name).name for name in "DBAEC"]


def test_a_stretch_is_what_a_slice_would_be(named: list[str]) -> None:
    rows = Schedule.objects.order_by("-name")
    for first, last in ((0, 2), (1, 4), (3, 9), (7, 9)):
        assert list(slice_by_keys(rows, first, last)) == list(rows[first:last])


def test_what_is_narrowed_to_few_is_looked_for_once(named: list[str]) -> None:
    rows = Schedule.objects.order_by("-name")
    found, many = bounded_count(rows.filter(name__in="ACE"), 4)
    with CaptureQueriesContext(connection) as asked:
        assert ([each.name for each in found], many) == (["E", "C", "A"], 3)
    assert 'id" IN (' in asked[0]["sql"]


@pytest.mark.parametrize("rows", [Schedule.objects.all(), Schedule.objects.filter(name__in="ABCDE")])
def test_of_many_no_more_are_counted_than_are_to_be(named: list[str], rows: QuerySet[Schedule]) -> None:
    found, many = bounded_count(rows.order_by("-name"), 4)
    assert ([each.name for each in found], many) == (["E", "D", "C", "B", "A"], 4)


def test_a_list_of_the_console_shows_each_row_on_one_page(
    alice: User, client: Client, named: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConsoleAdmin, "list_per_page", 2)
    reader, seen = Reader(client, alice), []
    for number in range(3):
        reader.opens(f"{LIST}?p={number + 1}&o=-1")
        seen += [schedule.name for schedule in reader.answer.context["cl"].result_list]
    assert seen == sorted(named, reverse=True)


@pytest.mark.parametrize("of_what", ["the console", "the API"])
def test_what_is_sorted_are_keys_and_not_prompts(
    alice: User, client: Client, named: list[str], of_what: str
) -> None:
    reader, program = Reader(client, alice), Program(alice)
    with CaptureQueriesContext(connection) as asked:
        reader.opens(f"{LIST}?q=e") if of_what == "the console" else program.get("/schedules?offset=1")
    of_schedules = [
        query["sql"] for query in asked if re.search('SELECT.* FROM "schedules_schedule"', query["sql"])
    ]
    whole = [sql for sql in of_schedules if '"schedules_schedule"."prompt",' in sql]
    assert whole
    assert not [sql for sql in whole if "LIMIT" in sql]


@pytest.mark.sqlite  # PostgreSQL prefers to sort what is small
def test_schedules_are_listed_by_name_from_an_index() -> None:
    plan = Schedule.objects.order_by("name", "pk").values_list("pk")[:50].explain()
    assert "schedule_by_name" in plan
    assert "TEMP B-TREE" not in plan
