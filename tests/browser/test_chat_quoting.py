"""What was said, put to further use: quoted in the field, its code wrapped, copied and downloaded."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from stagent.lib import clock
from tests.browser.test_chat import answers, settled
from tests.browser.test_commands import field
from tests.support.talking import converses

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LINE = "print('" + "on and " * 40 + "on')"
FILES = f"```python\n{LINE}\n```\n\n```dockerfile\nFROM scratch\n```\n\n~~~\na\n~~~"
ANSWER = f"First **this**.\n\nThen that.\n\n{FILES}"
SELECT = """(element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
}"""


@pytest.fixture
def said(alice) -> str:
    """A short conversation whose answer has code in it; return its address."""
    return f"/c/{converses(alice, 'Show me.', ANSWER, clock.now()).conversation_id}/"


def select(page: Page, first: str) -> None:
    page.locator(first).first.evaluate(SELECT)


def quote_button(page: Page):
    return page.get_by_role("button", name="Quote", exact=True)


def test_a_selected_piece_is_quoted_below_what_is_written_already(chat, said):
    page = chat(said)
    field(page).fill("About this:")
    expect(quote_button(page)).to_be_hidden()
    select(page, ".assistant .answer-text p")
    quote_button(page).click()
    expect(field(page)).to_have_value("About this:\n\n> First this.\n\n")
    expect(field(page)).to_be_focused()
    expect(quote_button(page)).to_be_hidden()
    page.keyboard.type("Why?")
    expect(field(page)).to_have_value("About this:\n\n> First this.\n\nWhy?")


def test_what_reaches_over_two_messages_or_lies_elsewhere_is_not_offered_to_be_quoted(chat, said):
    page = chat(said)
    select(page, ".assistant .answer-text p")
    expect(quote_button(page)).to_be_visible()
    select(page, "#thread")
    expect(quote_button(page)).to_be_hidden()
    select(page, ".assistant .answer-text p")
    expect(quote_button(page)).to_be_visible()
    select(page, "#title")
    expect(quote_button(page)).to_be_hidden()


def test_a_whole_message_is_quoted_from_its_menu_by_keyboard(chat, said):
    page = chat(said)
    more = answers(page).get_by_role("button", name="More for this message")
    more.press("Enter")
    page.keyboard.press("Enter")
    quoted = "\n".join(f"> {line}".rstrip() for line in ANSWER.split("\n"))
    expect(field(page)).to_have_value(f"{quoted}\n\n")
    expect(field(page)).to_be_focused()


def test_on_a_phone_the_menu_of_a_message_quotes_what_is_selected_in_it(chat, said):
    page = chat(said, phone=True)
    expect(settled(page)).to_have_count(1)
    select(page, ".assistant .answer-text p:nth-of-type(2)")
    button = quote_button(page)
    expect(button).to_be_visible()
    assert button.evaluate("(e) => e.getBoundingClientRect().right <= innerWidth && e.offsetHeight >= 40")
    answers(page).get_by_role("button", name="More for this message").tap()
    page.get_by_role("menuitem", name="Quote").tap()
    expect(field(page)).to_have_value("> Then that.\n\n")


def test_code_stays_wrapped_for_whoever_wants_it_so(chat, said):
    page = chat(said)
    code = page.locator(".code").first
    wide = "(e) => e.querySelector('pre').scrollWidth > e.querySelector('pre').clientWidth"
    assert code.evaluate(wide)
    code.get_by_role("button", name="Wrap long lines").press("Enter")
    assert not code.evaluate(wide)
    for _ in range(2):
        wraps = page.get_by_role("button", name="Wrap long lines")
        expect(wraps).to_have_count(3)
        assert {each.get_attribute("aria-pressed") for each in wraps.all()} == {"true"}
        page.reload()
    wraps.first.click()
    page.reload()
    expect(wraps.first).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_code_is_downloaded_under_a_name_for_its_language(chat, said, phone):
    page = chat(said, phone=phone)
    buttons, found = page.get_by_role("button", name="Download code"), []
    expect(buttons).to_have_count(3)
    for button in buttons.all():
        with page.expect_download() as download:
            button.press("Enter")
        found.append((download.value.suggested_filename, Path(download.value.path()).read_text()))
    assert [name for name, _ in found] == ["code.py", "Dockerfile", "code.txt"]
    assert [text for _, text in found] == [f"{LINE}\n", "FROM scratch\n", "a\n"]
