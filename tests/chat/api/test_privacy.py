"""Conversations are their owner's only: for everybody else they do not exist, whatever they may otherwise."""

import pytest
from django.test import Client

from chat.models import Conversation, Message
from stagent.api import api
from tests.support.programs import Program, refusal
from tests.support.talking import converses

DOORS = [
    ("GET", "/conversations/{conversation}"),
    ("PATCH", "/conversations/{conversation}", {"title": "Mine now"}),
    ("PATCH", "/conversations/{conversation}", {"head_id": "{message}"}),
    ("DELETE", "/conversations/{conversation}"),
    ("POST", "/conversations/{conversation}/restore"),
    ("POST", "/conversations/{conversation}/fork", {"message_id": "{message}"}),
    ("GET", "/conversations/{conversation}/messages"),
    ("GET", "/conversations/{conversation}/messages?branch=all"),
    ("POST", "/conversations/{conversation}/messages", {"text": "Hi"}),
    ("GET", "/conversations/{conversation}/export"),
    ("GET", "/conversations/{conversation}/export?format=json"),
    ("GET", "/conversations/{conversation}/share"),
    ("POST", "/conversations/{conversation}/share", {"expires_at": "2036-12-24T00:00:00Z"}),
    ("DELETE", "/conversations/{conversation}/share"),
    ("GET", "/messages/{message}"),
    ("GET", "/messages/{message}/events"),
    ("POST", "/messages/{message}/stop"),
    ("POST", "/messages/{message}/retry"),
]


def knocks(user, ids, method, path, body=None):
    program, path = Program(user), path.format(**ids)
    filled = {name: value.format(**ids) for name, value in body.items()} if body else None
    ask = {"GET": program.get, "DELETE": program.delete}
    if method in ask:
        return ask[method](path)
    return {"PATCH": program.patch, "POST": program.post}[method](path, filled)


@pytest.fixture
def ids(bob):
    message = converses(bob, "A secret", "Kept")
    return {"conversation": str(message.conversation_id), "message": str(message.pk)}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: " ".join(door[:2]))
@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_nobody_else_finds_it_superusers_included(request, who, door, ids):
    before = list(Conversation.objects.values()), list(Message.objects.values())
    answer = knocks(request.getfixturevalue(who), ids, *door)
    status, code = refusal(answer)
    assert status == 404
    assert code in {"conversation_not_found", "message_not_found"}
    assert "secret" not in answer.content.decode()
    assert (list(Conversation.objects.values()), list(Message.objects.values())) == before


@pytest.mark.parametrize("number", ["0", "abc", "99999999999999999999999", "-1", "١"])
def test_what_is_no_id_is_not_found_by_its_owner_either(bob, number, ids):
    nobody = dict.fromkeys(ids, number)
    for door in DOORS:
        if "head_id" not in str(door):
            assert refusal(knocks(bob, nobody, *door))[0] == 404


def test_the_doors_are_all_that_there_are():
    told = [path.removeprefix("/api") for path in api.get_openapi_schema(path_prefix="/api/")["paths"]]
    ours = {path for path in told if "/{conversation_id}" in path or "/{message_id}" in path}
    known = {door[1].partition("?")[0].replace("{", "").replace("}", "") for door in DOORS}
    assert {path.replace("_id", "").replace("{", "").replace("}", "") for path in ours} == known


def test_a_list_shows_ones_own_only(alice, bob, ids):
    assert Program(alice).get("/conversations").json() == {"items": [], "count": 0, "next": None}
    assert Program(alice).get("/conversations?search=secret").json()["count"] == 0
    assert Program(bob).get("/conversations?search=secret").json()["count"] == 1


def test_nothing_is_told_to_nobody(ids):
    for door in DOORS:
        assert refusal(knocks(None, ids, *door)) == (401, "not_authenticated")


def test_a_session_shows_its_token_to_change_things(bob, ids):
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    path = f"/api/conversations/{ids['conversation']}"
    assert client.get(path).status_code == 200
    assert refusal(client.delete(path)) == (403, "csrf_failed")
    assert client.get(path).status_code == 200


def test_ones_own_branch_does_not_end_in_somebody_elses_words(alice, bob, ids):
    mine = converses(alice).conversation_id
    answer = Program(alice).patch(f"/conversations/{mine}", {"head_id": ids["message"]})
    assert refusal(answer) == (404, "message_not_found")
    said = {"text": "Hi", "parent_id": ids["message"]}
    assert refusal(Program(alice).post(f"/conversations/{mine}/messages", said))[0] == 404
