"""“Always allow” in a real browser: asked once, done from then on, listed, taken back."""

import pytest
from playwright.sync_api import expect

from agents.models import StandingApproval
from tests.browser.test_chat import say, settled
from tests.support.builders import a_profile

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOK = "Look. [[offline: turns=2 tool=list_files]]"


@pytest.mark.parametrize("phone", [False, True])
def test_a_tool_is_always_allowed_here_until_that_is_taken_back(chat, phone):
    a_profile("careful", tools=["list_files"], permissions={"list_files": "ask"})
    page = chat(phone=phone, colours="dark" if phone else "light")
    page.get_by_label("Profile").select_option("careful")
    say(page, LOOK)
    card = page.get_by_role("region", name="Approval request")
    expect(card.get_by_role("button", name="Allow once")).to_be_visible()
    card.get_by_role("button", name="Always allow").click()
    expect(card).to_contain_text("Always allowed in this conversation.")
    expect(card.get_by_role("button", name="Revoke")).to_be_focused()
    expect(settled(page)).to_have_count(1)
    say(page, LOOK)
    expect(settled(page)).to_have_count(2)
    expect(card).to_have_count(1)
    for _ in range(2):  # as it was heard, and as it is read again
        calls = page.locator("details.tool")
        expect(calls.last).to_contain_text("without asking")
        calls.last.locator("summary").click()
        expect(calls.last).to_contain_text("Allowed automatically: alice always allows it in")
        expect(calls.first.locator(".standing-approval")).to_be_hidden()
        page.reload()
    expect(settled(page)).to_have_count(2)
    page.get_by_role("button", name="More for this conversation").click()
    page.get_by_role("menuitem", name="Always allowed…").click()
    dialog = page.get_by_role("dialog", name="Always allowed")
    expect(dialog).to_contain_text("Called without asking in this conversation.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dialog.get_by_role("button", name="Revoke list files").click()
    expect(dialog).to_contain_text("Tools that need approval ask every time")
    assert not StandingApproval.objects.exists()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="More for this conversation")).to_be_focused()
    say(page, LOOK)
    expect(card.last.get_by_role("button", name="Allow once")).to_be_visible()


def test_a_slip_is_taken_back_where_it_happened(chat):
    a_profile("careful", tools=["list_files"], permissions={"list_files": "ask"})
    page = chat()
    page.get_by_label("Profile").select_option("careful")
    say(page, LOOK)
    card = page.get_by_role("region", name="Approval request")
    card.get_by_role("button", name="Always allow").click()
    card.get_by_role("button", name="Revoke").click()
    expect(card).to_contain_text("Allowed once. The tool will ask again.")
    expect(card).to_be_focused()
    assert not StandingApproval.objects.exists()
