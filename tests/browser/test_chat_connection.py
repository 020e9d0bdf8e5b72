"""The chat page and its connection: broken, slow, doubled, over. Nothing that was written is lost."""

import pytest
from playwright.sync_api import expect

from chat.models import Message
from chat.states import MessageStatus
from tests.browser.conftest import sign_in
from tests.browser.test_chat import SLOW, answers, say, settled
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_reload_in_the_midst_shows_what_was_said_and_goes_on(chat):
    page = chat()
    say(page, "Talk. [[offline: tokens=120 delay=40ms]]")
    expect(answers(page)).to_contain_text("8 9 10")
    page.reload()
    expect(answers(page)).to_contain_text("counting: 5 6 7 8 9 10")
    expect(settled(page)).to_have_attribute("data-status", "complete")
    assert page.locator(".prose").inner_text().split() == Message.objects.replies().get().text.split()


def test_two_windows_show_the_same_as_it_comes(chat):
    page, other = chat(), chat()
    say(page, SLOW)
    expect(answers(page)).to_contain_text("5 6 7")
    other.get_by_role("link", name="Talk.").click()
    expect(answers(other)).to_contain_text("counting: 5 6 7 8")
    expect(answers(other)).to_contain_text("30 31 32")
    other.get_by_role("button", name="Stop the reply").click()
    for window in (page, other):
        expect(settled(window)).to_have_attribute("data-status", "stopped")
    assert page.locator(".prose").inner_text() == other.locator(".prose").inner_text()


def test_what_is_written_offline_is_kept_over_a_reload_and_sent_once(chat):
    page = chat()
    expect(page.locator("#connection-status")).to_have_text("live")
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(1)
    page.context.set_offline(True)
    expect(page.locator("#connection-status")).to_have_text("offline")
    say(page, "What failed lately, and why?")
    expect(page.get_by_text("Will be sent when you are back online")).to_be_visible()
    expect(page.locator("#connection-status")).to_have_text("offline, will send when back")
    assert Message.objects.replies().count() == 1
    page.context.set_offline(False)
    expect(page.locator("#connection-status")).to_have_text("live")
    expect(settled(page)).to_have_count(2)
    page.reload()
    expect(settled(page)).to_have_count(2)
    assert [each.text for each in Message.objects.filter(role="user")] == [
        "What is scheduled, and when?",
        "What failed lately, and why?",
    ]


def test_an_answer_that_went_on_while_one_was_offline_is_caught_up_with(chat):
    page = chat()
    say(page, "Talk. [[offline: tokens=150 delay=30ms]]")
    expect(answers(page)).to_contain_text("5 6 7 8")
    page.context.set_offline(True)
    wait_until(lambda: Message.objects.filter(status=MessageStatus.COMPLETE, role="assistant").exists())
    page.context.set_offline(False)
    expect(settled(page)).to_have_attribute("data-status", "complete")
    assert page.locator(".prose").inner_text().split() == Message.objects.replies().get().text.split()


def test_the_keyboard_stays_in_the_list_that_is_read_anew(chat):
    page = chat()
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(1)
    more = page.get_by_role("button", name="More for What is scheduled")
    more.focus()
    page.context.set_offline(True)
    expect(page.locator("#connection-status")).to_have_text("offline")
    with page.expect_response(lambda response: "/api/conversations?" in response.url) as again:
        page.context.set_offline(False)
    again.value.finished()
    expect(page.locator("#connection-status")).to_have_text("live")
    expect(more).to_be_focused()


def test_a_long_text_goes_another_way(chat):
    page = chat()
    text = "word " * 12_000
    say(page, text + "[[offline: tokens=9]]")
    expect(settled(page)).to_have_attribute("data-status", "complete")
    assert len(Message.objects.get(role="user").text) > 59_000


def test_a_text_that_is_refused_says_why_and_is_not_lost(chat):
    page = chat()
    say(page, "word " * 50_000)
    expect(page.get_by_text("Not sent: Ensure this value has at most 200000 characters")).to_be_visible()
    page.get_by_role("button", name="Edit", exact=True).click()
    assert len(page.get_by_label("Message", exact=True).input_value()) > 200_000
    assert not Message.objects.exists()


def test_drafts_are_kept_for_each_conversation(chat):
    page = chat()
    field = page.get_by_label("Message", exact=True)
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(1)
    field.fill("A thought")
    page.get_by_role("link", name="New chat").click()
    expect(field).to_have_value("")
    field.fill("Another")
    page.get_by_role("link", name="What is scheduled, and when?").click()
    expect(field).to_have_value("A thought")
    page.reload()
    expect(field).to_have_value("A thought")


def test_who_is_signed_out_is_told_and_keeps_the_draft(chat, web, alice):
    page = chat()
    expect(page.locator("#connection-status")).to_have_text("live")
    page.context.clear_cookies()
    page.get_by_label("Message", exact=True).fill("Not lost")
    page.context.set_offline(True)
    expect(page.locator("#connection-status")).to_have_text("offline")
    page.context.set_offline(False)
    banner = page.get_by_role("alert").filter(has_text="You are signed out")
    expect(banner).to_be_visible()
    banner.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_role("heading", name="Sign in to Stagent")).to_be_visible()
    sign_in(page.context, alice, web)
    page.goto("/")
    expect(page.get_by_label("Message", exact=True)).to_have_value("Not lost")
