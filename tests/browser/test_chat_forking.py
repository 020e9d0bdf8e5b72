"""A conversation goes on from a message in another one, at a click, by keyboard, on a phone."""

import re

import pytest
from playwright.sync_api import expect

from chat.models import Conversation, Message
from stagent.lib import clock
from tests.browser.test_chat import answers, say, settled
from tests.browser.test_commands import field
from tests.support.talking import converses

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def said(alice) -> str:
    """Two questions with their answers; return the address."""
    first = converses(alice, "One?", "1", clock.now())
    inside = str(first.conversation_id)
    converses(alice, "Two?", "2", clock.now(), conversation_id=inside)
    return f"/c/{inside}/"


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_it_goes_on_from_an_answer_in_another_conversation(chat, said, phone):
    page = chat(said, phone=phone)
    answers(page).first.get_by_role("button", name="More for this message").click()
    page.get_by_role("menuitem", name="Fork from here").click()
    expect(page.get_by_role("heading", name="One? (fork)")).to_be_visible()
    expect(settled(page)).to_have_count(1)
    expect(page).not_to_have_url(re.compile(f"{said}$"))
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(2)
    fork = Conversation.objects.get(title="One? (fork)")
    assert fork.messages.count() == 4
    page.go_back()
    expect(page.get_by_role("heading", name="One?", exact=True)).to_be_visible()
    expect(answers(page)).to_have_count(2)


def test_who_presses_twice_has_one_fork_and_finds_it_at_the_side(chat, said):
    page = chat(said)
    more = answers(page).nth(1).get_by_role("button", name="More for this message")
    more.press("Enter")
    page.keyboard.press("ArrowUp")
    page.get_by_role("menuitem", name="Fork from here").evaluate("(item) => { item.click(); item.click(); }")
    expect(page.get_by_role("heading", name="One? (fork)")).to_be_visible()
    expect(field(page)).to_be_focused()
    side = page.get_by_role("navigation", name="Conversations by day")
    expect(side.get_by_role("link", name="One? (fork)")).to_have_count(1)
    say(page, "/fork")
    expect(page.get_by_role("heading", name="One? (fork)")).to_be_visible()
    expect(side.get_by_role("link", name="One? (fork)")).to_have_count(2)


def test_words_that_a_fork_ends_with_are_answered_at_a_press(chat, said):
    page = chat(said)
    last = page.get_by_role("article", name="You").nth(1)
    last.hover()
    expect(last.get_by_role("button", name="Answer")).to_have_count(0)
    last.get_by_role("button", name="More for this message").click()
    page.get_by_role("menuitem", name="Fork from here").click()
    expect(page.get_by_role("heading", name="One? (fork)")).to_be_visible()
    answer = page.get_by_role("article", name="You").nth(1).get_by_role("button", name="Answer")
    answer.click()
    expect(settled(page)).to_have_count(2)
    expect(answer).to_have_count(0)
    assert Message.objects.latest("pk").conversation.title == "One? (fork)"
