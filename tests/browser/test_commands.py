"""Commands written into the field: listed while one writes, done with Enter; what is none is said."""

import re

import pytest
from playwright.sync_api import Page, expect

from chat.models import Conversation, Message
from stagent.lib import clock
from tests.browser.test_chat import SLOW, answers, say, settled
from tests.support.talking import converses
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def field(page: Page):
    return page.get_by_label("Message", exact=True)


def offered(page: Page):
    return page.get_by_role("listbox", name="Commands").get_by_role("option")


def marked(page: Page):
    return page.locator("#command-menu [aria-selected=true]")


def test_a_slash_lists_the_commands_and_the_keyboard_leads_through_them(chat):
    page = chat()
    field(page).press_sequentially("/")
    expect(offered(page).first).to_contain_text("/new")
    expect(offered(page).filter(has_text="/rename")).to_have_count(0)  # nothing is there to be renamed
    expect(field(page)).to_have_attribute("role", "combobox")
    expect(page.locator("#announcer")).to_have_text(re.compile(r"^\d+ commands$"))
    page.keyboard.press("ArrowUp")
    expect(marked(page)).to_contain_text("/help")
    page.keyboard.press("ArrowDown")
    expect(marked(page)).to_contain_text("/new")
    marked_id = marked(page).get_attribute("id")
    expect(field(page)).to_have_attribute("aria-activedescendant", marked_id or "")
    field(page).press_sequentially("sched")
    expect(offered(page)).to_have_count(2)
    page.keyboard.press("Escape")
    expect(offered(page)).to_have_count(0)
    expect(field(page)).to_have_value("/sched")
    expect(field(page)).not_to_have_attribute("role", "combobox")
    page.keyboard.press("Escape")
    field(page).press_sequentially("u")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value("Every weekday at 9, summarise what changed in my workspace")
    page.keyboard.type("list my schedules")
    expect(field(page)).to_have_value("Every weekday at 9, list my schedules")


def test_tab_completes_and_what_a_command_takes_is_listed_too(chat):
    page = chat()
    field(page).press_sequentially("/prof")
    page.keyboard.press("Tab")
    expect(field(page)).to_have_value("/profile ")
    expect(offered(page).filter(has_text="Researcher")).to_be_visible()
    field(page).press_sequentially("resea")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Profile")).to_have_value("researcher")
    expect(field(page)).to_have_value("")
    say(page, "/profile nobody")
    expect(page.get_by_text("“nobody” is not on the list")).to_be_visible()
    field(page).press_sequentially("/run")
    page.keyboard.press("Tab")
    expect(field(page)).to_have_value("/runs")
    expect(field(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("You").get_by_text("Which runs were there lately?")).to_be_visible()


def test_commands_do_what_the_buttons_do(chat, alice):
    about = converses(alice, "About the weather", "It rains.", clock.now()).conversation
    page = chat(f"/c/{about.pk}/")
    say(page, "/rename About the rain")
    expect(page.get_by_role("heading", name="About the rain")).to_be_visible()
    say(page, "/pin")
    expect(page.get_by_role("heading", name="Pinned")).to_be_visible()
    with page.expect_download() as download:
        say(page, "/export json")
    assert download.value.suggested_filename.endswith(".json")
    say(page, "/search rain")
    expect(page.get_by_role("combobox", name="Search conversations")).to_have_value("rain")
    expect(page.locator("#search-results [role=option]")).to_have_count(1)
    page.keyboard.press("Escape")
    say(page, "/archive")
    page.get_by_role("button", name="Undo").click()
    say(page, "/shortcuts")
    expect(page.get_by_role("dialog").get_by_text("/export")).to_be_visible()
    page.keyboard.press("Escape")
    say(page, "/new And the sun?")
    expect(page).to_have_url(re.compile(r":\d+/$"))
    expect(field(page)).to_have_value("And the sun?")
    assert Message.objects.count() == 2, "no command was said to anybody"
    kept = Conversation.objects.filter(title="About the rain", pinned=True, archived_at=None)
    wait_until(kept.exists)


def test_an_answer_is_stopped_by_a_command_once_there_is_one(chat):
    page = chat()
    say(page, "/stop")
    expect(page.get_by_text("No reply is running.")).to_be_visible()
    say(page, SLOW)
    expect(answers(page)).to_contain_text("5 6 7 8")
    say(page, "/stop")
    expect(answers(page).get_by_text("Stopped.")).to_be_visible()


def test_words_that_begin_with_a_slash_and_are_no_command_are_said_as_they_are(chat):
    page = chat()
    field(page).press_sequentially("/etc/hosts")
    expect(offered(page)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(settled(page)).to_have_count(1)
    say(page, "/stop the presses")
    expect(settled(page)).to_have_count(2)
    said = Message.objects.filter(role="user").order_by("pk").values_list("text", flat=True)
    assert list(said) == ["/etc/hosts", "/stop the presses"]


def test_on_a_phone_a_command_is_tapped(chat, alice):
    converses(alice, "About the weather", "It rains.", clock.now())
    page = chat(f"/c/{Conversation.objects.get().pk}/", phone=True)
    field(page).tap()
    field(page).press_sequentially("/")
    at = page.locator("#command-menu").evaluate("(e) => e.getBoundingClientRect().toJSON()")
    assert min(at["left"], at["top"], 390 - at["right"]) >= 0
    offered(page).filter(has_text="/forecast").tap()
    expect(page.get_by_label("You").get_by_text("What will the next 48 hours look like?")).to_be_visible()
    expect(offered(page)).to_have_count(0)
