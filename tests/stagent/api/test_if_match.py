"""PATCH honours If-Match: of two people who edit what both have read, one is told."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from agents.models import Project
from chat.models import Conversation
from schedules.api.schemas.requests import ScheduleChanges
from schedules.models import Schedule, Setting
from schedules.models.slot import Pool
from stagent.api import api
from stagent.lib import clock
from tests.support.builders import NOON, a_profile, a_schedule
from tests.support.mcp_servers import a_server
from tests.support.programs import Program, refusal
from tests.support.talking import converses

DOCUMENT = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))
PATCHED = [path.removeprefix("/api") for path, methods in DOCUMENT["paths"].items() if "patch" in methods]


def a_setting() -> str:
    return "SCHEDULE_MAX_CONCURRENT"


# For each route: what it changes, and two changes of it.
THINGS = {
    "/schedules/{schedule_id}": (
        lambda user: a_schedule(clock.now()).pk, {"name": "Mine"}, {"prompt": "Yours."},
    ),
    "/conversations/{conversation_id}": (
        lambda user: converses(user).conversation_id, {"title": "Mine"}, {"pinned": True},
    ),
    "/mcp-servers/{server_id}": (
        lambda user: a_server().pk, {"name": "Mine"}, {"enabled": False},
    ),
    "/settings/{key}": (lambda user: a_setting(), {"value": 3}, {"value": 4}),
}  # fmt: skip


@pytest.fixture
def program(alice):
    return Program(alice)


@pytest.fixture(params=PATCHED)
def thing(request, alice):
    """Something that PATCH changes: its path, and two changes of it."""
    make, mine, yours = THINGS[request.param]
    return request.param[: request.param.index("{")] + str(make(alice)), mine, yours


@pytest.mark.parametrize("path", PATCHED)
def test_the_document_tells_of_the_header_and_of_412(path):
    methods = DOCUMENT["paths"][f"/api{path}"]
    names = {(parameter["in"], parameter["name"]) for parameter in methods["patch"]["parameters"]}
    assert ("header", "If-Match") in names
    assert methods["patch"]["responses"]["412"]["content"]
    assert "get" in methods, "there is nothing to read the ETag from"


def test_what_was_read_is_changed_once_by_its_etag(program, thing):
    path, mine, yours = thing
    read = program.get(path).headers["ETag"]
    assert read.startswith('"')
    first = program.patch(path, mine, if_match=read)
    assert first.status_code == 200
    now = program.get(path)
    late = program.patch(path, yours, if_match=read)
    assert refusal(late) == (412, "precondition_failed")
    assert program.get(path).json() == now.json()
    assert first.headers["ETag"] == now.headers["ETag"] != read
    assert program.patch(path, yours, if_match=first.headers["ETag"]).status_code == 200


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("*", 200),
        (" * ", 200),
        ("{}", 200),
        ('"another", {}', 200),
        ('{}, "another"', 200),
        ("W/{}", 412),
        ('"another"', 412),
        ('W/{}, "another"', 412),
        ("no tag", 412),
        ("", 412),
    ],
)  # fmt: skip
def test_the_header_is_read_as_rfc_9110_says(program, thing, said, status):
    path, mine, _ = thing
    before = program.get(path)
    answer = program.patch(path, mine, if_match=said.format(before.headers["ETag"]))
    assert answer.status_code == status
    assert (program.get(path).json() == before.json()) == (status == 412)


def test_without_it_the_last_one_wins(program, thing):
    path, mine, yours = thing
    assert program.patch(path, mine).status_code == 200
    assert program.patch(path, yours).status_code == 200


def test_what_is_not_there_is_told_first(program, thing):
    path, mine, _ = thing
    nowhere = f"{path.rpartition('/')[0]}/987654"
    assert program.patch(nowhere, mine, if_match="*").status_code == 404
    assert program.patch(nowhere, mine, if_match='"x"').status_code == 404


def test_whoever_polls_still_gets_304_and_every_change(program, thing):
    path, mine, _ = thing
    read = program.get(path).headers["ETag"]
    assert program.get(path, if_none_match=read).status_code == 304
    after = program.patch(path, mine).headers["ETag"]
    assert program.get(path, if_none_match=read).status_code == 200
    assert program.get(path, if_none_match=after).status_code == 304


def test_what_the_scheduler_writes_is_shown_to_pollers_and_is_no_edit(program):
    schedule = a_schedule(clock.now())
    path = f"/schedules/{schedule.pk}"
    read = program.get(path).headers["ETag"]
    Schedule.objects.filter(pk=schedule.pk).update(firing_count=7, last_fired_at=NOON, failure_streak=2)
    assert program.get(path, if_none_match=read).json()["firing_count"] == 7
    assert program.patch(path, {"name": "Mine"}, if_match=read).status_code == 200


def test_an_answer_that_arrives_is_no_edit_of_a_conversation(program, alice):
    path = f"/conversations/{converses(alice).conversation_id}"
    read = program.get(path).headers["ETag"]
    Conversation.objects.update(answered_at=clock.now(), active_at=clock.now())
    assert program.get(path, if_none_match=read).status_code == 200
    assert program.patch(path, {"title": "Mine"}, if_match=read).status_code == 200


CHANGES = {
    "name": "Other", "key": "other", "prompt": "Other.", "profile": "other", "kind": "heartbeat",
    "status": "paused", "cron": "1 1 * * *", "interval": "90m", "at": "2999-01-01T00:00:00Z",
    "timezone": "Asia/Tokyo", "starts_at": "2998-01-01T00:00:00Z", "ends_at": "2999-06-01T00:00:00Z",
    "jitter_sec": 5, "max_firings": 3, "active_from": "09:00", "active_until": "17:00", "priority": 3,
    "pool": "heavy", "overlap_policy": "queue_one", "misfire_policy": "skip", "misfire_grace_sec": 7,
    "max_retries": 1, "retry_delay_sec": 9, "retry_horizon_sec": 99, "max_turns": 9,
    "max_run_duration_sec": 99, "max_cost_usd": "0.5", "deliver_to_chat": False,
    "webhook_url": "https://example.org/hook", "email": "me@example.org",
}  # fmt: skip
HOURS = {"kind": "heartbeat", "active_from": "08:00", "active_until": "18:00"}
BEFORE = {"active_from": HOURS, "active_until": HOURS}  # what the change needs


@pytest.mark.parametrize("name", ScheduleChanges.model_fields)
def test_every_field_of_a_schedule_is_part_of_its_version(name, program):
    a_profile("other")
    Pool.objects.get_or_create(name="heavy", defaults={"size": 1})
    project = Project.objects.create(slug="p", name="P")
    path = f"/schedules/{a_schedule(clock.now()).pk}"
    assert program.patch(path, BEFORE.get(name, {})).status_code == 200
    read = program.get(path).headers["ETag"]
    value = str(project.pk) if name == "project" else CHANGES[name]
    assert program.patch(path, {name: value}).status_code == 200
    assert refusal(program.patch(path, {"name": "Mine"}, if_match=read))[0] == 412


def test_a_saved_setting_is_cleared_for_its_version_only(program):
    path = f"/settings/{a_setting()}"
    unsaved = program.get(path).headers["ETag"]
    saved = program.patch(path, {"value": 3}, if_match=unsaved).headers["ETag"]
    assert refusal(program.patch(path, {"value": None}, if_match=unsaved))[0] == 412
    assert program.patch(path, {"value": None}, if_match=saved).headers["ETag"] == unsaved
    assert not Setting.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_wins_and_the_other_has_changed_nothing(program, thing):
    path, *changes = thing
    read = program.get(path).headers["ETag"]
    before, start = program.get(path).json(), Barrier(2)

    def change(body):
        start.wait()
        try:
            return program.patch(path, body, if_match=read)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(change, changes))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    won = next(body for body, answer in zip(changes, answers, strict=True) if answer.status_code == 200)
    after = program.get(path).json()
    (name, value), *_ = won.items()
    assert after[name] == value
    lost = next(body for body in changes if body is not won)
    assert all(after[name] == before[name] for name in lost if name not in won)
