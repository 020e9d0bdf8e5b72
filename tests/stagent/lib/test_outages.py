"""A database that is away is one line for each process and one at its end, whoever meets it."""

import logging

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from stagent.lib.log.filters import drop_outage_records
from stagent.lib.processes import outage as module
from stagent.lib.processes.outage import DATABASE, DatabaseOutage, IsolatedSteps, Outage, Outages
from stagent.middleware.database_unavailable import DatabaseUnavailable

AWAY = OperationalError("connection refused")
FULL = OperationalError("database or disk is full")
REFUSED = "OperationalError: connection refused"
RETRIES = "Stagent retries; the next line follows when it can write again."
log = logging.getLogger("test")


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def database(now, monkeypatch):
    one = DatabaseOutage(lambda: now[0])
    one.process = "the scheduler"
    monkeypatch.setattr(module, "DATABASE", one)
    return one


def test_fifteen_activities_that_meet_it_are_one_line_and_one_at_the_end(database, now, caplog):
    caplog.set_level(logging.INFO)
    activities = [Outage(log, f"Activity {number}", lambda: now[0]) for number in range(15)]
    for _ in range(100):
        for activity in activities:
            activity.failed(AWAY)
        now[0] += 0.5
    database.worked()  # too soon
    now[0] += 5
    for activity in activities:
        activity.worked()
    for _ in range(3):
        database.worked()
    assert caplog.messages == [
        f"The database does not answer the scheduler ({REFUSED}; first met by: Activity 0). {RETRIES}",
        "The database works again for the scheduler after 1500 failures in 55.0 s.",
    ]
    assert not any(activity.count for activity in activities)


def test_a_full_disk_is_named_also_where_the_database_was_away_before(database, caplog):
    for error in [AWAY, FULL, InterfaceError("closed"), FULL]:
        Outage(log, "Writing").failed(error)
    assert [message[:36] for message in caplog.messages] == [
        "The database does not answer the sch",
        "The disk of the database is full for",
    ]
    assert (database.is_full, database.is_active) == (True, True)


def test_another_error_of_an_activity_is_told_beside_and_ends_beside(database, now, caplog):
    caplog.set_level(logging.INFO)
    activity = Outage(log, "Renewing", lambda: now[0])
    for error in [AWAY, ValueError("b"), AWAY]:
        activity.failed(error)
    now[0] += 2
    activity.worked()
    assert [message.split("(")[0].strip() for message in caplog.messages] == [
        "The database does not answer the scheduler",
        "Renewing failed",
        "Renewing works again after 3 failures in 2.0 s.",
    ]


def test_an_outage_of_which_nothing_was_heard_for_a_minute_begins_anew(database, now, caplog):
    database.record("A request", AWAY)
    now[0] += 61
    assert not database.is_active
    database.record("A request", AWAY)
    assert len(caplog.messages) == 2


def test_errors_of_the_driver_itself_are_of_the_database_too(database, caplog):
    psycopg = pytest.importorskip("psycopg")
    Outage(log, "The wake-up listener").failed(psycopg.OperationalError("server closed the connection"))
    Outage(log, "The wake-up listener").failed(psycopg.errors.DiskFull("could not extend file"))
    assert [message[:36] for message in caplog.messages] == [
        "The database does not answer the sch",
        "The disk of the database is full for",
    ]
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("said", ["no such table: x", 'near "x": syntax error', "no such column: y"])
def test_a_wrong_statement_is_no_outage(database, caplog, said):
    Outage(log, "Reaping").failed(OperationalError(said))
    assert caplog.messages[0].startswith("Reaping failed")
    assert not database.is_active


def a_record(error=None, args=()):
    info = (type(error), error, None) if error else None
    return logging.LogRecord("django.request", logging.ERROR, "x.py", 1, "It broke: %r", args or ("x",), info)


def test_records_about_the_outage_are_counted_and_left_out():
    wrapped = RuntimeError("a write failed")
    wrapped.__cause__ = AWAY
    before = DATABASE.count
    assert not drop_outage_records(a_record(AWAY))
    assert not drop_outage_records(a_record(wrapped))
    assert not drop_outage_records(a_record(args=(AWAY,)))
    assert DATABASE.count == before + 3
    assert drop_outage_records(a_record(RuntimeError("broken")))
    assert drop_outage_records(a_record())


def test_outages_by_name_are_told_once_each_and_forgotten_when_over(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "QUIET_SEC", 0.0)
    outages = Outages(log)
    for _ in range(5):
        outages.failed("Run 1", RuntimeError("a"))
        outages.failed("Run 2", RuntimeError("b"))
    outages.worked("Run 1")
    outages.worked("Run 3")
    assert [message[:12] for message in caplog.messages] == ["Run 1 failed", "Run 2 failed", "Run 1 works "]
    assert list(outages._known) == ["Run 2"]


def test_the_parts_of_a_pass_are_tried_each_on_its_own_for_a_while(db):
    def fails(error):
        raise error

    parts, done = IsolatedSteps(Outages(log)), []
    parts.run("one", lambda: fails(RuntimeError("a")), 0)
    parts.run("two", lambda: fails(AWAY), 0)
    parts.run("three", lambda: done.append(3), 0)
    assert done == [3]
    with pytest.raises(OperationalError, match="refused"):
        parts.raise_first_error()
    impatient = IsolatedSteps(Outages(log), retry_sec=-1)
    impatient.run("one", lambda: fails(AWAY), 0)
    impatient.run("two", lambda: done.append(4), 0)
    assert done == [3]


def test_a_page_says_that_the_database_is_away_or_full_and_when_to_come_back(caplog):
    page = DatabaseUnavailable(lambda request: HttpResponse())
    request = RequestFactory().get("/admin/")
    for error, words in [(AWAY, "does not answer"), (FULL, "disk of the database is full")]:
        answer = page.process_exception(request, error)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert words in answer.content.decode()
    assert page.process_exception(request, RuntimeError("a fault of ours")) is None


def breaks(request):
    raise AWAY


urlpatterns = [path("page", breaks)]


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_that_the_database_failed_answers_503_and_all_of_them_are_one_line(client, caplog):
    for _ in range(3):
        assert client.get("/page").status_code == 503
    (told,) = [record.getMessage() for record in caplog.records if drop_outage_records(record)]
    assert "first met by: GET /page" in told
