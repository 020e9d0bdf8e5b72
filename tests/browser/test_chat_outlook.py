"""Below the field stands what the next question would have the model read, and what that costs."""

import re

import pytest
from playwright.sync_api import Page, expect

from agents.models import Profile
from stagent.lib import clock
from tests.browser.test_chat import say, settled
from tests.browser.test_commands import field
from tests.support.files import png
from tests.support.talking import converses

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TOLD = re.compile(r"^about [\d,.k]+ tokens · \$0$")


def told(page: Page):
    return page.locator("#context-estimate")


def tokens(page: Page) -> float:
    expect(told(page)).to_have_text(re.compile("^about "))
    number, thousands = re.findall(r"([\d,.]+)(k?) tokens", told(page).inner_text())[0]
    return float(number.replace(",", "")) * (1000 if thousands else 1)


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_it_counts_what_was_said_and_what_is_written(chat, alice, phone):
    said = converses(alice, "One", "y" * 7000, clock.now())
    page = chat(phone=phone)
    expect(told(page)).to_have_text(TOLD)
    fresh = tokens(page)
    field(page).fill("y" * 3500)
    assert tokens(page) == fresh + 1000
    field(page).fill("")
    page.goto(f"/c/{said.conversation_id}/")
    expect(told(page)).to_have_text(TOLD)
    before = tokens(page)
    assert before > fresh + 2000
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shown = told(page).inner_text()
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(2)
    expect(told(page)).not_to_have_text(shown)
    assert tokens(page) > before


def test_it_counts_files_before_they_are_sent(chat):
    page = chat()
    expect(told(page)).to_have_text(TOLD)
    before = tokens(page)
    page.set_input_files("#file", [{"name": "shot.png", "mimeType": "image/png", "buffer": png()}])
    expect(page.locator(".file-chip progress")).to_be_hidden()
    assert tokens(page) == before + 1600
    page.get_by_role("button", name="Remove shot.png").click()
    assert tokens(page) == before


def test_it_knows_who_is_picked_and_warns_when_it_is_nearly_too_much(chat, alice):
    Profile.objects.create(slug="bare", name="Bare", tools=[])
    page = chat()
    expect(told(page)).to_have_text(TOLD)
    usual = tokens(page)
    shown = told(page).inner_text()
    page.get_by_label("Profile").select_option("Bare")
    expect(told(page)).not_to_have_text(shown)
    assert tokens(page) < usual
    field(page).fill("y" * 400_000)
    expect(told(page)).to_contain_text("nearly full, soon the oldest words are left out")
    expect(page.locator("#announcer")).to_have_text(re.compile("^This conversation is long"))
    field(page).fill("")
    expect(told(page)).to_have_text(TOLD)
