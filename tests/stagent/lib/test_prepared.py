"""A prepared query says and does what the ORM does, and is built once."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Count, F
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from agents.models import Transcript
from schedules.models import Run, Schedule, Slot
from stagent.lib.db.prepared import Param, Select, Tuples, Update, UpdateReturning
from stagent.lib.db.rows_by_key import SelectByKeys
from tests.support.builders import NOON, a_running_run, a_schedule

pytestmark = pytest.mark.django_db

BY_NAME = Select(Schedule.objects.filter(name=Param("name", Schedule.name)))


def test_a_prepared_select_returns_what_the_orm_returns() -> None:
    schedule = a_schedule(name="Nightly", max_cost_usd=Decimal("1.2500"), starts_at=NOON)
    (read,) = BY_NAME(name="Nightly")
    asked = Schedule.objects.get(pk=schedule.pk)
    assert vars(read) | {"_state": None} == vars(asked) | {"_state": None}
    assert (read._state.adding, read._state.db) == (False, "default")
    assert BY_NAME(name="Nobody") == []
    assert BY_NAME.first(name="Nobody") is None


def test_a_column_that_was_left_out_is_read_when_it_is_asked_for() -> None:
    a_schedule(name="Nightly", prompt="Look around.")
    read = Select(Schedule.objects.filter(name=Param("name", Schedule.name)).only("name")).first(
        name="Nightly"
    )
    assert read
    assert read.get_deferred_fields() >= {"prompt", "cron"}
    assert read.prompt == "Look around."


def test_what_is_related_is_read_with_it_and_is_what_the_orm_returns() -> None:
    run, _ = a_running_run()
    wanted = Run.objects.select_related("schedule__profile", "requested_by")
    with CaptureQueriesContext(connection) as asked:
        read = Select(wanted.filter(pk=Param("id", Run.id))).first(id=run.pk)
        assert read
        assert read.schedule
        assert read.schedule.profile.slug
        assert read.requested_by is None
    assert len(asked) == 1
    expected = wanted.get(pk=run.pk)
    for mine, theirs in (
        (read, expected),
        (read.schedule, expected.schedule),
        (read.schedule.profile, expected.schedule.profile),
    ):
        assert vars(mine) | {"_state": None} == vars(theirs) | {"_state": None}


def test_rows_by_their_keys_come_in_the_order_of_the_keys_and_are_those_of_the_orm() -> None:
    first, second = a_schedule(name="First"), a_schedule(name="Second")
    by_key = SelectByKeys(Schedule.objects.select_related("profile"))
    read = by_key([second.pk, 0, first.pk])
    assert [row.pk for row in read] == [second.pk, first.pk]
    asked = Schedule.objects.select_related("profile").get(pk=second.pk)
    assert vars(read[0]) | {"_state": None} == vars(asked) | {"_state": None}
    assert by_key([]) == []
    assert read[0].profile is read[1].profile  # both are only shown


def test_a_stretch_and_a_count_are_those_of_the_orm_filtered_or_not() -> None:
    for name in "dbca":
        a_schedule(name=name)
    by_key = SelectByKeys(Schedule.objects.all())
    for rows in (Schedule.objects.all(), Schedule.objects.filter(name__gt="b"), Schedule.objects.none()):
        for first, last in ((0, 50), (1, 3), (2, 2), (9, 12)):
            assert by_key(by_key.keys(rows, first, last)) == list(rows[first:last])
        assert by_key.count(rows) == rows.count()


def test_rows_that_may_be_changed_share_nothing() -> None:
    a_schedule(name="First")
    a_schedule(name="Second")
    first, second = Select(Schedule.objects.select_related("profile"))()
    assert first.profile is not second.profile
    assert first.profile == second.profile


def test_columns_and_counts_are_read_as_the_driver_has_them() -> None:
    a_schedule(name="First")
    a_schedule(name="Second")
    counted = Tuples(Schedule.objects.order_by().values_list("status").annotate(Count("pk")))
    assert [tuple(row) for row in counted()] == [("active", 2)]


def test_a_prepared_update_counts_the_rows_that_believed() -> None:
    run, claimed = a_running_run()
    hand = Update(
        Transcript.objects.filter(
            pk=Param("id", Transcript.id), writer_token=Param("old", Transcript.writer_token)
        ),
        writer_token=Param("new", Transcript.writer_token),
    )
    token = uuid.uuid4()
    assert hand(id=run.transcript_id, old=token, new=None) == 0
    assert hand(id=run.transcript_id, old=claimed.token, new=token) == 1
    assert Transcript.objects.get(pk=run.transcript_id).writer_token == token


def test_an_update_may_return_the_rows_as_they_are_now() -> None:
    run, _ = a_running_run()
    later = UpdateReturning(
        Run.objects.filter(pk=Param("id", Run.id)),
        attempt=F("attempt") + 1,
        report=Param("report", Run.report),
        lease_expires_at=Param("until", Run.lease_expires_at),
    )
    (now,) = later.rows(id=run.pk, report={"changed": True}, until=NOON + timedelta(hours=1))
    run.refresh_from_db()
    assert (run.attempt, run.report, run.lease_expires_at) == (
        2,
        {"changed": True},
        NOON + timedelta(hours=1),
    )
    assert vars(now) | {"_state": None} == {name: getattr(run, name) for name in vars(now)} | {"_state": None}
    assert later.rows(id=0, report=None, until=NOON) == []


def test_it_is_built_once_and_its_values_may_stand_in_it_twice() -> None:
    slots = Select(Slot.objects.filter(pool=Param("pool", Slot.pool), number__lte=Param("most", Slot.number)))
    with CaptureQueriesContext(connection) as said:
        slots(pool="default", most=1)
        slots(pool="default", most=2)
    first, second = (query["sql"] for query in said)
    assert first.replace("1", "2") == second.replace("1", "2")
    assert slots._statement is slots._statement


def test_a_value_that_is_missing_is_said_before_anything_is_done() -> None:
    with pytest.raises((KeyError, ProgrammingError), match="name"):  # by Django, or by psycopg
        BY_NAME(title="Nightly")


def test_what_the_database_refuses_is_said_in_djangos_words() -> None:
    run, _ = a_running_run()
    rename = Update(Run.objects.filter(pk=Param("id", Run.id)), token=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        rename(id=run.pk)
    run.refresh_from_db()
    assert run.token is not None


def test_nothing_is_asked_in_a_transaction_that_is_broken() -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            BY_NAME(name="Nightly")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="constants are spelled out on SQLite only")
def test_a_constant_that_cannot_be_spelled_out_is_refused() -> None:
    schedule = a_schedule(name="50%s of 'all'")
    spelled = Select(Schedule.objects.filter(name="50%s of 'all'", pk=Param("id", Schedule.id)))
    assert spelled(id=schedule.pk) == [schedule]
    with pytest.raises(TypeError, match="pass it"):
        Select(Schedule.objects.filter(avg_duration_ms=0.5))()


@pytest.mark.django_db(transaction=True)
def test_threads_that_compile_a_query_at_once_all_get_the_same_sql():
    for _ in range(20):
        query = Select(
            Run.objects.select_related("schedule__profile").filter(pk=Param("id", Run.id)).order_by()
        )
        start = threading.Barrier(8)

        def compiled(query=query, start=start):
            start.wait()
            return query._statement._sql

        with ThreadPoolExecutor(8) as threads:
            assert len({future.result() for future in [threads.submit(compiled) for _ in range(8)]}) == 1
