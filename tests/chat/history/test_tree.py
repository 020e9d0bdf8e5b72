"""A conversation is a tree: branches, what stands beside what, and where a branch ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.history.tree import Tree, shown
from chat.models import Conversation
from tests.support.builders import NOON
from tests.support.talking import converses

U, A = "user", "assistant"

#   1 - 2 - 3 - 4
#    \    \ 6
#     5
#   7 - 8
FOREST = Tree({1: (None, U), 2: (1, A), 3: (2, U), 4: (3, A), 5: (1, A), 6: (2, U), 7: (None, U), 8: (7, A)})


@pytest.mark.parametrize(
    ("head", "branch"),
    [(4, [1, 2, 3, 4]), (5, [1, 5]), (6, [1, 2, 6]), (8, [7, 8]), (1, [1]), (None, [7, 8]), (99, [7, 8])],
)
def test_a_branch_leads_from_the_first_message_to_its_head(head, branch):
    assert FOREST.branch(head) == branch


def test_siblings_stand_at_the_same_place_in_order():
    assert FOREST.siblings(2) == FOREST.siblings(5) == [2, 5]
    assert FOREST.siblings(3) == [3, 6]
    assert FOREST.siblings(1) == [1, 7]
    assert FOREST.siblings(4) == [4]


@pytest.mark.parametrize(("message", "tip"), [(1, 6), (2, 6), (3, 4), (4, 4), (5, 5), (7, 8)])
def test_a_branch_is_shown_to_the_latest_that_followed(message, tip):
    assert FOREST.tip(message) == tip


def test_nothing_was_said_yet():
    assert Tree().branch(None) == []


@st.composite
def trees(draw):
    size = draw(st.integers(1, 30))
    parents = [
        draw(st.one_of(st.none(), st.integers(1, pk - 1) if pk > 1 else st.none()))
        for pk in range(1, size + 1)
    ]
    return Tree({pk: (parent, A) for pk, parent in enumerate(parents, 1)})


@given(trees())
def test_whatever_branch_is_chosen_its_message_is_in_it(tree):
    for pk in tree.nodes:
        branch = tree.branch(tree.tip(pk))
        assert pk in branch
        assert branch == sorted(branch)
        assert tree.nodes[branch[0]][0] is None
        assert not [child for child, (parent, _) in tree.nodes.items() if parent == branch[-1]]


def test_a_deep_branch_takes_two_queries(bob, django_assert_num_queries):
    message = converses(bob, "0")
    for number in range(1, 6):
        converses(bob, str(number), conversation_id=str(message.conversation_id), now=NOON)
    conversation = Conversation.objects.get()
    with django_assert_num_queries(2):
        found = shown(conversation)
    assert [each.text for each in found if each.role == U] == list("012345")
