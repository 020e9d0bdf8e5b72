"""Queued messages in the chat: shown with their reason, sent now, edited, cancelled."""

import re

import pytest
from playwright.sync_api import Page, expect

from agents.models import Approval
from chat.models import Message
from chat.states import MessageStatus
from schedules.models import Schedule
from tests.browser.test_chat import answers, say, settled
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "Talk. [[offline: tokens=2000 delay=40ms]]"
ASKED = "Every weekday at 9, summarise what changed in my workspace"


def is_asked(page: Page):
    """Let the page ask for leave to make a schedule; return the card."""
    say(page, ASKED)
    card = page.get_by_role("region", name="Approval request")
    expect(card.get_by_role("button", name="Allow")).to_be_visible()
    return card


def test_what_waits_for_the_persons_own_answer_says_so_and_leads_to_the_question(chat):
    page = chat()
    card = is_asked(page)
    expect(page.locator("#announcer")).to_have_text(re.compile("Approval request: Allow the agent to create"))
    say(page, "What is scheduled, and when?")
    waiting = answers(page).nth(1)
    expect(waiting).to_contain_text("Waiting for your answer above")
    waiting.get_by_role("button", name="Show request").click()
    expect(card.get_by_role("button", name="Allow")).to_be_focused()
    page.keyboard.press("Enter")
    expect(card).to_contain_text("Allowed.")
    expect(card).to_be_focused()
    expect(settled(page)).to_have_count(2)
    assert Schedule.objects.exists()


def test_what_waits_is_sent_now_and_what_was_being_said_stops(chat):
    page = chat()
    say(page, LONG)
    expect(answers(page)).to_contain_text("5 6 7 8")
    say(page, "What is scheduled, and when?")
    say(page, "And then?")
    expect(answers(page).nth(2).get_by_role("button", name="Cancel")).to_be_visible()
    expect(answers(page).nth(2).get_by_role("button", name="Send now")).to_have_count(0)
    answers(page).nth(1).get_by_role("button", name="Send now").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(settled(page)).to_have_count(3)
    told = [each.status for each in Message.objects.replies().order_by("pk")]
    assert told == [MessageStatus.STOPPED, MessageStatus.COMPLETE, MessageStatus.COMPLETE]


def test_what_waits_is_edited_and_the_earlier_version_is_not_answered(chat):
    page = chat()
    say(page, LONG)
    expect(answers(page)).to_contain_text("5 6 7 8")
    say(page, "What failed?")
    answers(page).nth(1).get_by_role("button", name="Edit").click()
    editor = page.get_by_label("Edit your message")
    expect(editor).to_have_value("What failed?")
    editor.fill("What is scheduled, and when?")
    editor.press("Enter")
    expect(page.get_by_text("2 / 2")).to_be_visible()
    answers(page).nth(1).get_by_role("button", name="Send now").click()
    expect(settled(page)).to_have_count(2)
    expect(answers(page).nth(1)).to_contain_text("schedule")
    edited = Message.objects.get(text="What is scheduled, and when?")
    assert edited.parent == Message.objects.replies().earliest("pk"), (
        "it stands where the earlier version stood"
    )
    withdrawn = Message.objects.replies().get(parent__text="What failed?")
    assert (withdrawn.status, withdrawn.text) == (MessageStatus.STOPPED, "")


def test_a_question_whose_answer_was_stopped_is_not_asked_any_longer(chat):
    page = chat()
    card = is_asked(page)
    page.keyboard.press("Escape")
    expect(card).to_contain_text("Withdrawn")
    expect(card.get_by_role("button")).to_have_count(0)
    assert Approval.objects.get().status == "withdrawn"


def test_a_conversation_that_asks_is_marked_at_the_side_until_it_is_answered(chat):
    page, other = chat(), chat()
    card = is_asked(page)
    row = other.get_by_role("link", name=re.compile("Every weekday at 9.*asks you"))
    expect(row).to_be_visible()
    card.get_by_role("button", name="Decline").click()
    expect(row).to_have_count(0)


def test_what_is_not_sent_yet_is_taken_back_in_front_of_what_was_written_since(chat):
    page = chat()
    expect(page.locator("#connection-status")).to_have_text("live")
    page.context.set_offline(True)
    expect(page.locator("#connection-status")).to_have_text("offline")
    say(page, "One")
    say(page, "Two")
    sent = page.get_by_label("You, sending")
    sent.nth(1).get_by_role("button", name="Cancel").click()
    field = page.get_by_label("Message", exact=True)
    field.fill("Three")
    sent.get_by_role("button", name="Edit").click()
    expect(field).to_have_value("One\n\nThree")
    expect(sent).to_have_count(0)
    page.context.set_offline(False)
    expect(page.locator("#connection-status")).to_have_text("live")
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(1)
    wait_until(lambda: Message.objects.filter(role="user").count() == 1)


def test_what_waits_goes_on_after_a_stop_and_is_stopped_with_a_word(chat):
    page = chat()
    for text in (LONG, LONG, LONG):
        say(page, text)
    expect(answers(page).nth(0)).to_contain_text("5 6 7 8")
    expect(answers(page).nth(2).get_by_role("button", name="Cancel")).to_be_visible()
    page.get_by_role("button", name="Stop the reply").click()
    expect(page.locator(".toast")).to_contain_text("Your next message is answered now.")
    page.get_by_role("button", name="Stop that too").click()
    expect(settled(page)).to_have_count(3)
    expect(answers(page).nth(2)).to_contain_text("Cancelled before it was answered.")
    told = [each.status for each in Message.objects.replies().order_by("pk")]
    assert told == [MessageStatus.STOPPED] * 3
