"""However much there is, a page costs the same few questions to the database."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.builders import NOON
from tests.support.programs import Program
from tests.support.talking import converses


@pytest.fixture
def program(bob):
    found = Program(bob)
    found.get("/conversations")  # notes that the token is used, which is done once a minute
    return found


def queries_of(program, path):
    """Return how many queries an answer takes."""
    with CaptureQueriesContext(connection) as asked:
        assert program.get(path).json()["count"]
    return len(asked)


@pytest.mark.parametrize("path", ["/conversations", "/conversations?search=failed"])
def test_a_list_takes_as_many_queries_for_many_as_for_one(program, bob, path):
    converses(bob)
    one = queries_of(program, path)
    for minute in range(10):
        converses(bob, f"What failed at {minute}?", now=NOON + timedelta(minutes=minute))
    assert queries_of(program, path) == one <= 6


def test_a_deep_branch_takes_as_many_queries_as_a_short_one(program, bob):
    message = converses(bob)
    path = f"/conversations/{message.conversation_id}/messages"
    short = queries_of(program, path)
    for number in range(10):
        converses(bob, str(number), conversation_id=str(message.conversation_id))
    assert queries_of(program, path) == short <= 7
