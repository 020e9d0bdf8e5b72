"""Folders on the page: made from a conversation's menu, opened at the side, searched in."""

import re

import pytest
from playwright.sync_api import Page, expect

from chat.models import Conversation
from stagent.lib import clock
from tests.browser.test_chat import say, settled
from tests.support.talking import converses
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def talks(alice) -> None:
    for title in ("First thing", "Second thing"):
        converses(alice, title, "A brown fox.", clock.now())


def listed(page: Page):
    return page.get_by_role("navigation", name="Conversations by day").get_by_role("link")


def folder(page: Page):
    return page.get_by_label("Folder", exact=True)


def move(page: Page, title: str) -> None:
    page.get_by_role("button", name=f"More for {title}").press("Enter")
    page.get_by_role("menuitem", name=re.compile("^Move to a")).press("Enter")


def test_a_conversation_moves_to_a_folder_by_keyboard_and_the_side_shows_that_folder(chat, talks):
    page = chat()
    expect(listed(page)).to_have_count(2)
    expect(folder(page)).to_be_hidden()
    move(page, "First thing")
    expect(page.get_by_label("Name of the new folder")).to_be_focused()
    page.keyboard.type("Work")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="More for First thing")).to_be_focused()
    expect(folder(page)).to_be_visible()
    folder(page).select_option("Work")
    expect(listed(page)).to_have_text(["First thing"])
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(1)
    expect(listed(page)).to_have_count(2)  # what begins in a folder lies in it
    wait_until(lambda: Conversation.objects.filter(folder="Work").count() == 2)
    folder(page).select_option("All folders")
    expect(listed(page)).to_have_count(3)


def test_the_last_one_that_leaves_a_folder_takes_it_along(chat, talks):
    Conversation.objects.filter(title="First thing").update(folder="Work")
    page = chat()
    folder(page).select_option("Work")
    expect(listed(page)).to_have_text(["First thing"])
    page.get_by_role("button", name="More for First thing").click()
    page.get_by_role("menuitem", name="Move to another folder").click()
    page.get_by_role("button", name="Remove from Work").click()
    expect(folder(page)).to_be_hidden()
    expect(listed(page)).to_have_count(2)


def test_a_search_keeps_to_a_folder(chat, talks):
    Conversation.objects.filter(title="First thing").update(folder="Work")
    page = chat()
    expect(folder(page)).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("brown fox")
    found = page.locator("#search-results [role=option]")
    expect(found).to_have_count(2)
    page.get_by_label("Search in folder").select_option("Work")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("First thing")


def test_on_a_phone_a_folder_is_picked_for_the_conversation_that_is_shown(chat, talks):
    Conversation.objects.filter(title="First thing").update(folder="Work")
    second = Conversation.objects.get(title="Second thing")
    page = chat(f"/c/{second.pk}/", phone=True)
    page.get_by_role("button", name="More for this conversation").tap()
    page.get_by_role("menuitem", name="Move to a folder").tap()
    dialog = page.get_by_role("dialog", name="Move to a folder")
    button = dialog.get_by_role("button", name="Work")
    assert button.evaluate("(e) => e.offsetHeight >= 40 && e.getBoundingClientRect().right <= innerWidth")
    button.tap()
    expect(dialog).to_be_hidden()
    wait_until(lambda: Conversation.objects.filter(folder="Work").count() == 2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
