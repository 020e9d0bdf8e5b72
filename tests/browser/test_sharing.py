"""A link to a conversation in a real browser: made, read by somebody else, taken back."""

import re

import pytest
from playwright.sync_api import expect

from chat.models import Share
from tests.browser.test_chat import answers, say, settled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("phone", [False, True])
def test_a_link_is_made_read_and_taken_back(chat, phone):
    page = chat(phone=phone, colours="dark" if phone else "light")
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(1)
    page.get_by_role("button", name="More for this conversation").click()
    page.get_by_role("menuitem", name="Share a link…").click()
    dialog = page.get_by_role("dialog", name="Share a link")
    expect(dialog.get_by_role("button", name="Create link")).to_be_focused()
    dialog.get_by_label("Link expiry").select_option("for a week")
    dialog.get_by_role("button", name="Create link").press("Enter")
    link = dialog.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile("/shared/"))
    expect(dialog).to_contain_text("It shows 2 messages")
    expect(dialog).to_contain_text("It expires")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    reader = chat(link.input_value(), phone=phone)
    expect(reader.get_by_text("Shared by alice")).to_be_visible()
    expect(reader.get_by_text("What is scheduled, and when?").last).to_be_visible()
    assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="More for this conversation").click()
    page.get_by_role("menuitem", name="Share a link…").click()
    expect(dialog.get_by_label("Link", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Revoke link").click()
    expect(dialog.get_by_role("button", name="Create link")).to_be_visible()
    assert not Share.objects.exists()
    expect(answers(page)).to_have_count(1)
