"""A conversation lies in one folder or in none; a folder is there while something lies in it."""

import pytest

from chat.models import Conversation
from chat.transitions import fork
from tests.support.builders import NOON
from tests.support.programs import Program, refusal
from tests.support.talking import converses


@pytest.fixture
def program(bob):
    return Program(bob)


@pytest.fixture
def filed(program, bob):
    """Three conversations, by their titles; the first two lie in a folder."""
    ids = {title: str(converses(bob, title).conversation_id) for title in ("One", "Two", "Three")}
    for title in ("One", "Two"):
        program.patch(f"/conversations/{ids[title]}", {"folder": "Work"})
    return ids


def folders(program):
    return {row["name"]: row["count"] for row in program.get("/chat/folders").json()["items"]}


def titles(program, query):
    return {row["title"] for row in program.get(f"/conversations?{query}").json()["items"]}


def test_a_folder_lists_what_lies_in_it(program, filed):
    assert folders(program) == {"Work": 2}
    assert titles(program, "folder=Work") == {"One", "Two"}
    assert titles(program, "") == {"One", "Two", "Three"}
    assert titles(program, "folder=Play") == set()


def test_a_search_keeps_to_a_folder(program, filed, bob):
    converses(bob, "One more")
    assert titles(program, "search=one") == {"One", "One more"}
    assert titles(program, "search=one&folder=Work") == {"One"}


def test_a_folder_that_is_there_keeps_its_spelling(program, filed):
    moved = program.patch(f"/conversations/{filed['Three']}", {"folder": "  work "}).json()
    assert moved["folder"] == "Work"
    assert folders(program) == {"Work": 3}


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_what_is_taken_out_of_a_folder_lies_in_none_and_an_empty_folder_is_gone(program, filed, nothing):
    for title in ("One", "Two"):
        row = program.patch(f"/conversations/{filed[title]}", {"folder": nothing}).json()
        assert row["folder"] is None
    assert folders(program) == {}


def test_what_is_put_away_is_not_counted_and_what_is_thrown_away_is_not_there(program, filed):
    program.patch(f"/conversations/{filed['One']}", {"archived": True})
    assert folders(program) == {"Work": 1}
    assert titles(program, "folder=Work&archived=true") == {"One"}
    program.delete(f"/conversations/{filed['One']}")
    program.delete(f"/conversations/{filed['Two']}")
    assert folders(program) == {}


def test_folders_are_ones_own(program, filed, alice, bob):
    converses(alice, "Hers")
    Conversation.objects.filter(owner=alice).update(folder="WORK")
    program.patch(f"/conversations/{filed['Three']}", {"folder": "work"})
    assert folders(program) == {"Work": 3}
    assert folders(Program(alice)) == {"WORK": 1}


def test_a_name_too_long_is_refused_and_a_fork_lies_where_its_origin_does(program, filed, bob):
    wrong = program.patch(f"/conversations/{filed['One']}", {"folder": "x" * 61})
    assert refusal(wrong) == (422, "validation_error")
    assert wrong.json()["fields"].keys() == {"folder"}
    assert fork(bob, filed["One"], None, now=NOON).folder == "Work"
