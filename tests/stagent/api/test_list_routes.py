"""Every list of the API is read to its end by `next`, each row once."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from agents import live_streams
from agents.models import LedgerEntry, StandingApproval
from agents.states import Activity
from chat.models import Conversation
from schedules.models import Firing, Schedule
from stagent.api import api as product
from stagent.lib import clock
from stagent.lib.api import listing
from stagent.lib.db.paging import slice_keys
from stagent.lib.db.rows_by_key import SelectByKeys
from tests.support.builders import a_profile, a_schedule, a_waiting_run
from tests.support.mcp_servers import a_server
from tests.support.programs import Program, refusal
from tests.support.talking import converses, says

pytestmark = pytest.mark.django_db

DOCUMENT = json.loads(json.dumps(product.get_openapi_schema(path_prefix="/api/")))
WITHOUT = {  # lists that no cursor goes on in
    "/schedules/{schedule_id}/next": "computed from the clock; `count` says how many",
    "/forecast": "a simulation, made anew at each request",
    "/forecast/stagger": "a simulation, made anew at each request",
    "/runs/{run_id}/events": "numbered without gaps: `after` is its cursor, as on the socket",
    "/messages/{message_id}/events": "numbered without gaps: `after` is its cursor, as on the socket",
}


def shown_by(operation):
    """Return the properties of what an operation answers."""
    content = operation["responses"].get("200", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["schemas"].get(name, schema).get("properties", {})


LISTS = {
    path.removeprefix("/api"): methods["get"]
    for path, methods in DOCUMENT["paths"].items()
    if "get" in methods and shown_by(methods["get"]).get("items", {}).get("type") == "array"
}
PAGED = sorted(LISTS.keys() - WITHOUT.keys())


@pytest.fixture
def install(alice: User) -> dict[str, str]:
    """Three and more of everything that is listed; returns the ids that paths name."""
    for number in range(3):
        now = clock.now() + timedelta(seconds=number)
        schedule = a_schedule(now, name=f"Schedule {number}")
        a_waiting_run(schedule, now)
        StandingApproval.objects.create(
            place=f"schedule:{schedule.pk}", tool="send", user_id=alice.pk, given_by=alice, given_at=now
        )
        place = says(alice, f"Said {number}", now)
        for word in ("More", "Still more"):
            says(alice, word, now, conversation_id=str(place.conversation_id))
        Conversation.objects.filter(pk=place.conversation_id).update(folder=f"Folder {number}")
        live_streams.record(f"message:{number}", started_at=now, ended_at=now, reason="completed")
        a_server(slug=f"server-{number}")
        a_profile(f"profile-{number}", model=f"model-{number}")
        LedgerEntry.objects.create(at=now, activity=Activity.CHAT_TURN, user_id=alice.pk)
        Firing.objects.create(schedule=schedule, kind="manual", outcome="fired", nominal_at=now, due_at=now)
    Firing.objects.update(schedule=schedule)
    return {"schedule_id": str(schedule.pk), "conversation_id": str(place.conversation_id)}


@pytest.fixture
def api(alice, settings):
    settings.ANTHROPIC_API_KEY = "a key"  # offline there is one model
    return Program(alice)


def test_the_lists_are_found():
    growing = {"/schedules", "/runs", "/firings", "/ledger", "/conversations/{conversation_id}/messages"}
    assert growing < set(PAGED)
    assert WITHOUT.keys() <= LISTS.keys()


@pytest.mark.parametrize("path", PAGED)
def test_every_list_declares_its_cursor(path):
    names = {parameter["name"] for parameter in LISTS[path]["parameters"]}
    assert {"limit", "offset", "cursor"} <= names
    assert {"items", "count", "next"} <= shown_by(LISTS[path]).keys()


def names(rows):
    return [row.get("id") or row.get("key") or row.get("slug") or row["name"] for row in rows]


@pytest.mark.parametrize("path", PAGED)
def test_page_by_page_is_the_whole_list(path, api, install):
    path = path.format(**install)
    whole = api.get(f"{path}?limit=500").json()
    assert whole["next"] is None
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"{path}?limit=1&cursor={cursor}").json()
        assert page["count"] == whole["count"]
        seen += page["items"]
        cursor = page["next"]
    assert names(seen) == names(whole["items"])
    assert len(seen) == whole["count"]
    assert len(seen) >= 3


@pytest.mark.parametrize("path", PAGED)
def test_a_cursor_of_another_list_is_refused(path, api, install):
    other = "/runs" if path != "/runs" else "/ledger"
    for cursor in ("x", api.get(f"{other}?limit=1").json()["next"]):
        answer = api.get(f"{path.format(**install)}?cursor={cursor}")
        assert refusal(answer) == (422, "validation_error")
        assert list(answer.json()["fields"]) == ["cursor"]


def test_a_row_that_is_deleted_while_its_page_is_read_does_not_end_the_list(api, install, monkeypatch):
    for path, model in (("/schedules", Schedule), ("/ledger", LedgerEntry)):
        ids = names(api.get(path).json()["items"])

        def looked_up(rows, first, last, model=model):
            found = slice_keys(rows, first, last)
            model.objects.filter(pk=found[0]).delete()
            return found

        with monkeypatch.context() as patch:
            patch.setattr(listing, "slice_keys", looked_up)
            patch.setattr(SelectByKeys, "keys", staticmethod(looked_up))
            page = api.get(f"{path}?limit=2").json()
        rest = api.get(f"{path}?cursor={page['next']}").json()
        assert names(page["items"] + rest["items"]) == ids[1:]


def test_messages_go_on_in_their_branch_whatever_is_shown_and_arrives(api, alice):
    place = says(alice, "First")
    path = f"/conversations/{place.conversation_id}"
    first = api.get(f"{path}/messages?limit=2").json()
    assert len(first["items"]) == 2
    other = says(alice, "Other", conversation_id=str(place.conversation_id), parent_id="root")
    assert api.get(path).json()["head_id"] == str(other.reply_id)
    later = says(alice, "Second", conversation_id=str(place.conversation_id), parent_id=str(place.reply_id))
    api.patch(path, {"head_id": str(other.reply_id)})
    rest = api.get(f"{path}/messages?cursor={first['next']}").json()
    assert names(rest["items"]) == [str(later.message_id), str(later.reply_id)]
    assert rest["next"] is None
    both = api.get(f"{path}/messages?branch=all").json()
    assert both["count"] == 6


def test_a_cursor_of_another_conversation_or_branch_is_refused(api, alice):
    mine, other = says(alice, "Mine"), converses(alice, "Other")
    path = f"/conversations/{mine.conversation_id}/messages"
    cursor = api.get(f"{path}?limit=1").json()["next"]
    wrong = (f"/conversations/{other.conversation_id}/messages?", f"{path}?branch=all&")
    for each in wrong:
        assert refusal(api.get(f"{each}cursor={cursor}")) == (422, "validation_error")


def test_the_ledger_shows_ones_own_and_all_to_who_may_see_spending(api, alice, bob):
    now = clock.now()
    for user, model in ((alice, "a"), (bob, "b")):
        LedgerEntry.objects.create(
            at=now, activity=Activity.RUN_TURN, user_id=user.pk, model=model, run_id=7, cost_usd="0.25",
            detail={"reason": "private"},
        )  # fmt: skip
    LedgerEntry.objects.create(at=now, activity=Activity.CHAT_TURN, cost_usd=None, model="c")
    own = Program(bob).get("/ledger").json()
    assert [row["model"] for row in own["items"]] == ["b"]
    assert (own["count"], own["items"][0]["cost_usd"], own["items"][0]["run_id"]) == (1, 0.25, "7")
    assert "private" not in json.dumps(own)
    assert Program(bob).get(f"/ledger?user_id={alice.pk}").json()["items"] == []
    assert [row["model"] for row in api.get("/ledger").json()["items"]] == ["c", "b", "a"]
    assert api.get("/ledger?activity=chat_turn").json()["items"][0]["cost_usd"] is None
    assert api.get("/ledger?run_id=7&model=a").json()["count"] == 1
    assert api.get(f"/ledger?until={now:%Y-%m-%dT%H:%M:%SZ}").json()["count"] == 0
    assert Program(None).get("/ledger").status_code == 401
