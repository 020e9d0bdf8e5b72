"""Whatever goes wrong under /api/, a program is told in one form."""

import pytest
from django.db import OperationalError
from django.test import Client

from schedules.models import Schedule
from stagent.lib.problems import from_schema_errors
from tests.support.programs import Program, refusal


@pytest.fixture
def api(alice):
    return Program(alice)


def test_a_body_that_is_no_json_is_malformed(api):
    for body in ("{bad", "", "{'a': 1}", "\xff", "[" * 100_000, "1" * 10_000):
        answer = api._client.post("/api/schedules", body, "application/json")
        wanted = (422, "validation_error") if not body else (400, "malformed_json")
        assert refusal(answer) == wanted, body[:20]
    assert not Schedule.objects.exists()


def test_a_body_that_is_said_to_be_something_else_is_told_what_to_be(api):
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        answer = api._client.post("/api/schedules", "name=a", kind)
        assert refusal(answer) == (415, "unsupported_media_type"), kind
        assert "application/json" in answer.json()["message"]


def test_an_address_that_does_not_exist(api):
    for path in ("/nothing", "/", "/schedules/", "/runs/1/nothing"):
        assert refusal(api.get(path)) == (404, "not_found"), path


def test_a_method_that_is_not_taken_names_those_that_are(api):
    answer = api._client.put("/api/schedules", "{}", "application/json")
    assert refusal(answer) == (405, "method_not_allowed")
    assert {method.strip() for method in answer.headers["allow"].split(",")} == {"GET", "POST"}


def test_a_huge_body_is_too_large(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert refusal(api.post("/schedules", {"prompt": "x" * 2000})) == (413, "request_too_large")


def test_a_foreign_host_is_told_in_our_form_too(api):
    assert refusal(api.get("/schedules", host="evil.example")) == (400, "bad_request")


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_is_logged_and_says_nothing_of_itself(api, monkeypatch, settings, caplog, debug):
    settings.DEBUG = debug
    monkeypatch.setattr("schedules.api.schedules.paginate", lambda *_, **__: 1 / 0)
    answer = api.get("/schedules")
    assert refusal(answer) == (500, "internal_error")
    assert "division" not in answer.content.decode()
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_does_not_answer_is_no_fault_of_the_request(api, monkeypatch):
    def locked(*_, **__):
        raise OperationalError("database is locked")

    monkeypatch.setattr("schedules.api.schedules.paginate", locked)
    answer = api.get("/schedules")
    assert refusal(answer) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    "said", ["database or disk is full", "could not extend file: No space left on device"]
)
def test_a_full_disk_is_called_by_its_name(api, monkeypatch, said):
    def full(*_, **__):
        raise OperationalError(said)

    monkeypatch.setattr("schedules.api.schedules.paginate", full)
    assert refusal(api.get("/schedules")) == (503, "database_full")


def test_a_bad_token_is_told_so(db):
    answer = Client(headers={"authorization": "Bearer stagent_wrong"}).get("/api/schedules")
    assert refusal(answer) == (401, "not_authenticated")
    assert "unknown, expired or revoked" in answer.json()["message"]


def test_errors_keep_the_headers_that_protect_the_page(api):
    headers = api.get("/nothing").headers
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_pages_elsewhere_keep_their_own_errors(client, db):
    assert client.get("/nothing").headers["content-type"].startswith("text/html")
    assert "json" not in client.get("/apiary").headers["content-type"]


def test_the_first_fault_of_each_field_is_told():
    faults = [
        {"loc": ("a",), "type": "x", "msg": "Value error, Wrong"},
        {"loc": ("a",), "type": "y", "msg": "Also wrong"},
        {"loc": ("items", 0, "b"), "type": "missing", "msg": "Field required"},
    ]
    assert from_schema_errors(faults).fields == {"a": "Wrong.", "items.0.b": "This field is required."}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"max_turns": 0}, {"max_turns": "Must be at least 1."}),
        ({"max_turns": 10_001}, {"max_turns": "Must be at most 10000."}),
        ({"max_turns": "many"}, {"max_turns": "Expected a whole number."}),
        ({"max_cost_usd": "NaN"}, {"max_cost_usd": "Expected a number."}),
        ({"name": ["A"]}, {"name": "Expected text."}),
        ({"name": ""}, {"name": "Enter some text."}),
        ({"kind": "cron"}, {"kind": "Must be one of 'scheduled' or 'heartbeat'."}),
        ({"deliver_to_chat": "perhaps"}, {"deliver_to_chat": "Expected true or false."}),
        ({"active_from": "25:00"}, {"active_from": "Expected a time of day, for example 09:30."}),
        (
            {"at": "tomorrow"},
            {"at": "Expected an ISO 8601 timestamp, for example 2026-12-01T09:00:00+01:00."},
        ),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(client, alice, body, said):
    client.force_login(alice)
    whole = {"name": "A", "prompt": "Report.", "interval": "1h"} | body
    answer = client.post("/api/schedules", whole, content_type="application/json")
    assert (answer.status_code, answer.json()["fields"]) == (422, said)


def test_a_request_that_is_too_large_is_told_what_fits(client, alice):
    client.force_login(alice)
    whole = {"name": "A", "prompt": "x" * 3_000_000, "interval": "1h"}
    answer = client.post("/api/schedules", whole, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (413, "request_too_large")
    assert "2.5 MiB" in answer.json()["message"]
