"""Conversations are found by what was said in them, with the place where it stands."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.conversations import search
from chat.conversations.search import cut, words_of
from chat.models import Conversation
from tests.support.builders import NOON
from tests.support.programs import Program
from tests.support.talking import converses


@pytest.fixture
def find(bob):
    program = Program(bob)

    def ask(words):
        return program.get(f"/conversations?search={words}").json()["items"]

    return ask


def marked(snippet):
    return [snippet["text"][begin:end] for begin, end in snippet["marks"]]


def test_a_conversation_is_found_by_any_of_its_messages(find, bob):
    found = converses(bob, "What failed?", "The nightly backup, at three.")
    converses(bob, "Hello")
    (row,) = find("BACKUP")
    assert row["id"] == str(found.conversation_id)
    assert row["snippet"]["message_id"] == str(found.pk)
    assert row["snippet"]["text"] == "The nightly backup, at three."
    assert marked(row["snippet"]) == ["backup"]


def test_every_word_is_needed_in_one_message(find, bob):
    converses(bob, "Backup", "Nightly.")
    both = converses(bob, "Is the nightly one a backup?")
    assert [row["id"] for row in find("backup+nightly")] == [str(both.conversation_id)]


def test_words_in_quotes_belong_together(find, bob):
    converses(bob, "backup nightly")
    found = converses(bob, "nightly backup")
    assert [row["id"] for row in find('"nightly+backup"')] == [str(found.conversation_id)]


def test_a_title_is_found_too(find, bob):
    found = converses(bob, "Hello")
    Conversation.objects.filter(pk=found.conversation_id).update(title="Release notes")
    (row,) = find("release")
    assert row["snippet"] == {"message_id": None, "text": "Release notes", "marks": [[0, 7]]}


def test_the_newest_message_is_shown(find, bob):
    first = converses(bob, "backup, first")
    second = converses(bob, "backup, second", conversation_id=str(first.conversation_id))
    (row,) = find("backup")
    assert row["snippet"]["message_id"] == str(second.parent_id)


def test_case_does_not_matter_beyond_ascii(find, bob):
    converses(bob, "Wo ist der Ärger?")
    assert len(find("ÄRGER")) == len(find("ärger")) == len(find("Ärger")) == 1


@pytest.mark.parametrize("words", ["100%25", "a_b", "'", "%5C", '"', "(", ".*"])
def test_signs_are_looked_for_as_they_are(find, bob, words):
    converses(bob, "Nothing of that kind")
    assert find(words) == []


def test_per_cent_is_found_as_itself(find, bob):
    found = converses(bob, "It is 100% done")
    converses(bob, "1000 are done")
    assert [row["id"] for row in find("100%25")] == [str(found.conversation_id)]


def test_what_is_put_away_or_thrown_away_is_not_found(find, bob):
    first, second = converses(bob, "backup one"), converses(bob, "backup two")
    Conversation.objects.filter(pk=first.conversation_id).update(archived_at=NOON)
    Conversation.objects.filter(pk=second.conversation_id).update(deleted_at=NOON)
    assert find("backup") == []


def test_the_latest_come_first_and_the_list_can_be_paged(find, bob):
    said = [converses(bob, f"backup {n}", now=NOON + timedelta(minutes=n)).conversation_id for n in range(3)]
    assert [row["id"] for row in find("backup")] == [str(pk) for pk in reversed(said)]
    answer = Program(bob).get("/conversations?search=backup&limit=1&offset=1").json()
    assert (answer["items"][0]["id"], answer["count"]) == (str(said[1]), 3)


def test_snippets_of_a_page_are_one_question(bob):
    for number in range(5):
        converses(bob, f"backup {number}")
    conversations = list(Conversation.objects.all())
    with CaptureQueriesContext(connection) as asked:
        assert len(search.snippets(conversations, ["backup"])) == 5
    assert len(asked) == 1


def test_a_snippet_is_cut_around_the_first_match():
    snippet = cut("x " * 100 + "the\n\nneedle " + "y " * 200, ["NEEDLE"])
    assert len(snippet.text) < 170
    assert snippet.text.startswith("…x x")
    assert snippet.text.endswith("…")
    ((begin, end),) = snippet.marks
    assert snippet.text[begin:end] == "needle"


def test_marks_count_characters():
    snippet = cut("🐘🐘 needle", ["needle"])
    assert snippet.marks == [(3, 9)]


def test_words_are_read_as_people_type_them():
    assert words_of('  a  "b c" a d') == ["a", "b c", "d"]
    assert words_of('"') == ['"']
    assert words_of(" ") == []
    assert len(words_of(" ".join(map(str, range(50))))) == search.MOST_WORDS
