"""Both databases find the same, take the same numbers, and keep names to one line, at every door."""

import pytest
from django.core.exceptions import ValidationError

from agents.models import Budget, McpServer, Profile, Project
from chat.conversations.search import cut, words_of
from schedules.models import Schedule
from stagent.lib import clock
from stagent.lib.db.sqlite.like import like
from stagent.lib.names import LARGEST_INTEGER, name_fault
from stagent.models import ApiToken
from tests.support.builders import a_profile, a_schedule
from tests.support.programs import Program, refusal
from tests.support.talking import converses

pytestmark = pytest.mark.django_db

NEW = {"prompt": "Report.", "profile": "tester", "cron": "0 9 * * *"}
BAD = ["a\nb", "a\rb", "a\x00b", "a\x07b", "a\u2028b", "a\u0085b", "\u200b", " ", "\u3000", "a\tb"]


@pytest.fixture
def api(alice):
    a_profile()
    return Program(alice)


@pytest.mark.parametrize("name", BAD)
def test_a_name_is_one_line_at_every_door(api, name):
    answer = api.post("/schedules", NEW | {"name": name})
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == ["name"]
    made = a_schedule(clock.now())
    assert list(api.patch(f"/schedules/{made.pk}", {"name": name}).json()["fields"]) == ["name"]
    for row in (
        Schedule(name=name),
        Project(name=name),
        Profile(name=name),
        McpServer(name=name),
        ApiToken(name=name),
    ):
        with pytest.raises(ValidationError) as refused:
            row.clean_fields(exclude={f.name for f in row._meta.fields if f.name != "name"})
        assert list(refused.value.message_dict) == ["name"]


@pytest.mark.parametrize("name", ["Ärger", "日本 🗾", "a-b", "e\u0301", "#1", "👩‍👩‍👧"])
def test_other_names_are_taken(api, name):
    assert name_fault(name) == ""
    assert api.post("/schedules", NEW | {"name": name}).json()["schedule"]["name"] == name


FINDS = [
    ("Ärger", "ärger"), ("ärger", "ÄRGER"), ("STRASSE", "strasse"), ("Straße", "straße"), ("IRMAK", "irmak"),
    ("Ωmega", "ωMEGA"), ("Жар", "жар"), ("100%", "100%"), ("a_b", "a_b"), ("back\\slash", "K\\S"),
    ("e\u0301te", "E\u0301TE"), ("Ünal", "ünal"), ("Straße", "strasse"), ("STRASSE", "straße"),
    ("STRAẞE", "Strasse"), ("Strasse", "STRAẞE"), ("Flusssand", "flußsand"), ("Maß 100%", "mass 100%"),
]  # fmt: skip
MISSES = [("Strase", "straße"), ("100 percent", "100%"), ("axb", "a_b"), ("\u00e9t\u00e9", "ete")]


@pytest.mark.parametrize(
    ("said", "asked", "found"), [(*p, True) for p in FINDS] + [(*p, False) for p in MISSES]
)
def test_search_finds_the_same_on_both_databases(api, alice, said, asked, found):
    a_schedule(clock.now(), name=said)
    converses(alice, said)
    schedules = api._client.get("/api/schedules", {"search": asked}).json()
    conversations = api._client.get("/api/conversations", {"search": asked}).json()
    assert (schedules["count"], conversations["count"]) == (found, found)


@pytest.mark.parametrize(
    ("said", "asked", "marked"),
    [("Die Straße hier", "strasse", "Straße"), ("Die STRASSE", "straße", "STRASSE"), ("Maß", "mass", "Maß")],
)
def test_a_snippet_marks_what_was_found(said, asked, marked):
    found = cut(said, words_of(asked))
    assert [found.text[begin:end] for begin, end in found.marks] == [marked]


def test_names_are_told_apart_alike_on_both_databases(alice):
    a_schedule(clock.now(), name="Straße")
    assert Schedule.objects.filter(name__iexact="STRASSE").count() == 1
    assert Schedule.objects.filter(name__istartswith="stras").count() == 1
    assert Schedule.objects.filter(name__icontains="s_r").count() == 0


def test_like_knows_null_and_escapes():
    assert like(None, "a") is None
    assert like("a", None) is None
    assert like("%\\%", "5%") is True
    assert like("%ss%", "ß") is True
    assert like("%ä%", "x\nÄ\ny") is True


@pytest.mark.parametrize("number", [LARGEST_INTEGER + 1, 2**63, 10**30])
def test_a_number_that_is_too_large_is_named_on_both_databases(api, number):
    answer = api.post("/schedules", NEW | {"name": "x", "max_firings": number})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["max_firings"])
    answer = api.post("/schedules", {**NEW, "name": "x", "cron": None, "interval": f"every {number}m"})
    assert answer.status_code == 422
    with pytest.raises(ValidationError):
        Budget(max_turns=number).clean_fields()


def test_the_largest_number_is_taken(api):
    answer = api.post("/schedules", NEW | {"name": "x", "max_firings": LARGEST_INTEGER})
    assert answer.status_code == 201
