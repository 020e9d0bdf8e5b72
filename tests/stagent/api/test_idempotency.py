"""A POST with an Idempotency-Key is carried out once, whichever it is and however often it is sent."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, connections
from django.test import Client

from schedules.models import Run, Schedule
from schedules.services.cancel_run import cancel
from stagent.api import api as the_api
from stagent.api import idempotency
from stagent.lib import clock
from stagent.models import ApiToken, IdempotencyKey
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler, a_waiting_run
from tests.support.files import png
from tests.support.programs import Program, refusal
from tests.support.talking import begins, converses, says

NEW = {"name": "Report", "prompt": "Report.", "interval": "every 5m"}
BODIES = {  # of every POST that takes a key
    "/schedules": NEW,
    "/schedules/preview": {"cron": "0 9 * * *"},
    "/schedules/{schedule_id}/pause": {"reason": "a rest"},
    "/schedules/{schedule_id}/resume": None,
    "/schedules/{schedule_id}/execute": {"reason": "now"},
    "/runs/{run_id}/cancel": {"reason": "enough"},
    "/runs/{ended_id}/retry": None,
    "/approvals/{approval_id}/answer": {"decision": "allow"},
    "/conversations": {"title": "Notes"},
    "/conversations/{conversation_id}/restore": None,
    "/conversations/{conversation_id}/messages": {"text": "Hello"},
    "/conversations/{conversation_id}/fork": {},
    "/conversations/{conversation_id}/share": {},
    "/messages/{streaming_id}/stop": None,
    "/messages/{message_id}/retry": None,
    "/attachments": SimpleUploadedFile,
    "/mcp-servers": {"slug": "git", "name": "Git", "command": "npx"},
}
WITHOUT = {"/api/mcp-servers/{server_id}/test"}  # they make nothing, and take too long for a transaction
NAMES = {"ended_id": "run_id", "streaming_id": "message_id"}


@pytest.fixture
def api(alice):
    return Program(alice)


@pytest.fixture
def ids(alice):
    now = clock.now()
    ended = a_queued_run(a_schedule(now, name="Over"), now)
    cancel(ended.pk, reason="enough", now=now)
    a_scheduler(now)
    run, _ = a_running_run(a_schedule(now), now)
    _, approval = a_waiting_run(a_schedule(now, name="Asks"), now)
    reply, streaming = converses(alice, now=now), says(alice, now=now)
    begins(streaming.reply_id, now=now)
    return {
        "schedule_id": run.schedule_id, "run_id": run.pk, "approval_id": approval.pk,
        "conversation_id": reply.conversation_id, "message_id": reply.pk,
        "streaming_id": streaming.reply_id, "ended_id": ended.pk,
    }  # fmt: skip


def rows():
    """How many rows there are of everything, but for tokens and keys."""
    ours = ("schedules", "agents", "chat", "admin")
    models = [model for model in apps.get_models() if model._meta.app_label in ours]
    return {model._meta.label: model._default_manager.count() for model in models}


def send(api, path, body, **headers):
    if body is SimpleUploadedFile:
        shot = SimpleUploadedFile("shot.png", png(), "image/png")
        dashed = {name.replace("_", "-"): value for name, value in headers.items()}
        return api._client.post(f"/api{path}", {"file": shot}, headers=dashed)
    return api.post(path, body, **headers)


def test_every_post_takes_a_key_and_is_tried_here():
    document = the_api.get_openapi_schema(path_prefix="/api/")
    posts = {path for path, methods in document["paths"].items() if "post" in methods}
    tried = set()
    for path in BODIES:
        for name, real in NAMES.items():
            path = path.replace(name, real)  # noqa: PLW2901
        tried.add(f"/api{path}")
    assert tried == posts - WITHOUT
    for path in posts:
        names = [each["name"] for each in document["paths"][path]["post"]["parameters"]]
        assert names.count("Idempotency-Key") == (path not in WITHOUT), path


@pytest.mark.parametrize("path", BODIES)
def test_the_same_request_gets_the_first_answer_and_makes_nothing(api, ids, path):
    body, path = BODIES[path], path.format(**ids)
    first = send(api, path, body, idempotency_key="key")
    assert first.status_code < 300, first.content
    before = rows()
    again = send(api, path, body, idempotency_key="key")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers.get("Location") == first.headers.get("Location")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert rows() == before


@pytest.mark.parametrize("path", BODIES)
def test_another_request_with_the_key_is_refused(api, ids, path):
    assert api.post("/conversations", {"title": "First"}, idempotency_key="key").status_code == 201
    before = rows()
    answer = send(api, path.format(**ids), BODIES[path], idempotency_key="key")
    assert refusal(answer) == (422, "idempotency_key_reused")
    assert answer.json()["fields"] == {"Idempotency-Key": idempotency.REUSED}
    assert rows() == before


def test_the_body_and_the_query_make_a_request(api, ids):
    assert api.post("/schedules", NEW, idempotency_key="k").status_code == 201
    assert api.post("/schedules", NEW | {"name": "Other"}, idempotency_key="k").status_code == 422
    spelled = json.dumps(dict(reversed(NEW.items())), indent=2)
    headers = {"Idempotency-Key": "k"}
    again = api._client.post("/api/schedules", spelled, content_type="application/json", headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert Schedule.objects.filter(name="Report").count() == 1


def test_an_upload_is_known_by_its_bytes(api, alice):
    other = SimpleUploadedFile("shot.png", png(5, 5), "image/png")
    assert send(api, "/attachments", SimpleUploadedFile, idempotency_key="k").status_code == 201
    answer = api._client.post("/api/attachments", {"file": other}, headers={"Idempotency-Key": "k"})
    assert refusal(answer) == (422, "idempotency_key_reused")


def test_a_key_is_its_users_own(api, bob):
    first = api.post("/conversations", {"title": "Mine"}, idempotency_key="k").json()
    other = Program(bob).post("/conversations", {"title": "Mine"}, idempotency_key="k")
    assert other.status_code == 201
    assert other.json()["id"] != first["id"]


def test_a_refusal_leaves_the_key_free(api):
    wrong = NEW | {"interval": "now and then"}
    assert api.post("/schedules", wrong, idempotency_key="k").status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert api.post("/schedules", NEW, idempotency_key="k").status_code == 201


def test_a_stranger_is_told_to_sign_in_and_leaves_nothing(db):
    answer = Program(None).post("/conversations", {}, idempotency_key="k")
    assert refusal(answer) == (401, "not_authenticated")
    assert not IdempotencyKey.objects.exists()


def test_a_session_still_needs_its_csrf_token(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    headers = {"Idempotency-Key": "k"}
    answer = client.post("/api/conversations", "{}", content_type="application/json", headers=headers)
    assert refusal(answer) == (403, "csrf_failed")


@pytest.mark.parametrize("key", ["k" * 201, "a\udcff"])
def test_a_key_that_cannot_be_stored_is_named(api, key):
    answer = api.post("/conversations", {}, idempotency_key=key)
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == ["Idempotency-Key"]


def test_a_crash_before_the_answer_is_kept_leaves_neither_key_nor_thing(api):
    def breaks(execute, sql, *rest):
        if sql.startswith('UPDATE "stagent_idempotencykey"'):
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, *rest)

    with connection.execute_wrapper(breaks):
        answer = api.post("/schedules", NEW, idempotency_key="k")
    assert refusal(answer) == (503, "database_unavailable")
    assert not Schedule.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert api.post("/schedules", NEW, idempotency_key="k").status_code == 201


def test_after_a_day_a_key_is_free_again_and_old_ones_go(api, alice):
    old = clock.now() - idempotency.KEPT_FOR - timedelta(seconds=1)
    for number in range(30):
        IdempotencyKey.objects.create(user=alice, key=f"k{number}", request_digest="x", created_at=old)
    assert api.post("/conversations", {}, idempotency_key="k29").status_code == 201
    assert IdempotencyKey.objects.count() == 30 - idempotency.PRUNED_AT_ONCE
    assert IdempotencyKey.objects.get(key="k29").created_at > old


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/schedules", "/conversations", "/schedules/{}/execute?queue=true"])
def test_many_at_once_are_one(alice, path):
    now = clock.now()
    a_scheduler(now)
    schedule = a_schedule(now, name="Wanted")
    _, secret = ApiToken.objects.issue(alice, "clicker", now=now)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k"}
    body = json.dumps(NEW) if path == "/schedules" else "{}"
    before = Schedule.objects.count()

    def click(_):
        try:
            client = Client(headers=headers)
            return client.post(f"/api{path.format(schedule.pk)}", body, content_type="application/json")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(click, range(6)))
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1, answers
    assert answers[0].status_code < 300
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert IdempotencyKey.objects.count() == 1
    assert Schedule.objects.count() - before == (path == "/schedules")
    assert Run.objects.count() == ("execute" in path)
