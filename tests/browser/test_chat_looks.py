"""The chat page to eyes and hands: readable in both colours, on a phone, by keyboard, and never fooled."""

import re

import pytest
from playwright.sync_api import Route, expect

from chat.models import Conversation
from stagent.lib import clock
from tests.browser.test_chat import SLOW, answers, say, settled
from tests.browser.test_looks import CONTRAST, NAMELESS
from tests.support.talking import converses

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
RICH = """## Title

A *slanted* and **bold** word, `code`, ~~gone~~ and [a link](https://example.org/a_(b)). Bare: “https://example.org/x”.

1. one
2. two
   - inner

> quoted

| Name | Figure |
|------|-------:|
| a    | 1      |

```python
def f(x):
    return "text"  # why
```
"""
HOSTILE = """<img src=x onerror="document.title='fooled'"><script>document.title='fooled'</script>

![secret](https://evil.example/?q=1) [click](javascript:document.title='fooled') [b](data:text/html,x)

<style>*{display:none}</style> **ok**
"""
SMALL = """() => [...document.querySelectorAll("button, a[href], select, summary, input, textarea")]
    .filter((e) => e.checkVisibility() && !e.closest("p, .prose, .skip, [inert]"))
    .map((e) => [e.ariaLabel ?? e.textContent.trim(), e.getBoundingClientRect()])
    .filter(([, at]) => at.width && (at.width < 40 || at.height < 40))
    .map(([name, at]) => `${name} ${at.width} ${at.height}`)"""
DRAW = """async (text) => {
    const { Markdown } = await import("/static/chat/thread/markdown.js");
    const markdown = new Markdown();
    const kept = [];
    for (let end = 1; end <= text.length; end += 7) {
        markdown.show(text.slice(0, end));
        kept.push(markdown.element.firstElementChild);
    }
    markdown.show(text);
    markdown.element.querySelectorAll(".code-head").forEach((head) => head.remove());
    return { html: markdown.element.innerHTML, first: kept.at(-1) === kept.at(-2) };
}"""


@pytest.fixture
def rich(alice):
    """A conversation with a bit of everything in it; return its address."""
    said = converses(alice, "Show me", RICH, clock.now())
    return f"/c/{said.conversation_id}/"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_everything_can_be_read_against_its_ground(chat, rich, colours):
    page = chat(colours=colours)
    expect(page.locator("#connection-status")).to_have_text("live")
    assert not page.evaluate(CONTRAST)
    page.goto(rich)
    expect(settled(page)).to_have_count(1)
    say(page, "Every weekday at 9, summarise what changed in my workspace")
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    assert not page.evaluate(CONTRAST)
    assert not page.evaluate(NAMELESS)
    page.keyboard.press("Control+k")
    expect(page.locator("#search-results [role=option]")).to_have_count(1)
    assert not page.evaluate(CONTRAST)


def test_a_phone_has_a_drawer_and_a_stop_for_thumbs_and_nothing_scrolls_sideways(chat, rich):
    page = chat(rich, phone=True)
    expect(settled(page)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    side = page.get_by_role("complementary", name="Conversations")
    expect(side).to_be_hidden()
    page.get_by_role("button", name="Conversations", exact=True).click()
    expect(side).to_be_visible()
    side.get_by_role("link", name="New chat").click()
    expect(side).to_be_hidden()
    say(page, SLOW)
    stop = page.get_by_role("button", name="Stop the reply")
    expect(stop).to_be_visible()
    assert stop.bounding_box()["height"] >= 40
    assert page.locator("#message-field").evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)") >= 16
    stop.tap()
    expect(settled(page)).to_have_attribute("data-status", "stopped")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_finger_hits_everything_on_a_phone(chat, rich):
    page = chat(rich, phone=True)
    expect(settled(page)).to_have_count(1)
    assert not page.evaluate(SMALL)
    say(page, "Every weekday at 9, summarise what changed in my workspace")
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    say(page, "And then?")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    assert not page.evaluate(SMALL)
    page.get_by_role("button", name="Conversations", exact=True).tap()
    expect(page.get_by_role("button", name="More for Show me")).to_be_visible()
    assert not page.evaluate(SMALL)


def test_with_the_side_closed_the_conversation_has_the_whole_width(chat):
    page = chat()
    page.get_by_role("button", name="Close the sidebar").press("Enter")
    expect(page.get_by_role("button", name="Conversations", exact=True)).to_be_focused()
    assert page.get_by_role("main").bounding_box()["width"] == page.viewport_size["width"]
    page.reload()
    page.get_by_role("button", name="Conversations", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Close the sidebar")).to_be_focused()


def test_with_reduced_motion_nothing_slides_or_fades_in(chat, rich):
    page = chat(rich, phone=True)
    page.emulate_media(reduced_motion="reduce")
    moving = "document.getAnimations().map((each) => each.animationName ?? each.transitionProperty)"
    page.get_by_role("button", name="Conversations", exact=True).tap()
    page.get_by_role("button", name="More for Show me").tap()
    expect(page.get_by_role("menu")).to_be_visible()
    assert page.evaluate(moving) == []


def test_each_text_runs_as_its_letters_do(chat, alice):
    hebrew = "שלום עולם"
    said = converses(alice, hebrew, f"{hebrew}\n\n> {hebrew}\n\n1. {hebrew}\n\nAnd English.", clock.now())
    page = chat(f"/c/{said.conversation_id}/")
    runs = "(e) => getComputedStyle(e).direction"
    assert page.get_by_label("You").get_by_text(hebrew).evaluate(runs) == "rtl"
    prose = answers(page).locator(".prose")
    for tag in ("p >> nth=0", "blockquote p", "li"):
        assert prose.locator(tag).evaluate(runs) == "rtl", tag
    assert prose.get_by_text("And English.").evaluate(runs) == "ltr"


def test_a_very_long_text_of_a_person_shows_its_beginning_and_unfolds(chat, alice):
    said = converses(alice, "line\n" * 400 + "the end", "I read it.", clock.now())
    page = chat(f"/c/{said.conversation_id}/")
    bubble = page.get_by_label("You").locator(".bubble")
    bubble.get_by_role("button", name="Show all").click()
    assert bubble.bounding_box()["height"] > 4000
    bubble.get_by_role("button", name="Show less").click()
    assert bubble.bounding_box()["height"] < 500


def test_what_is_written_before_the_page_is_ready_is_kept(chat):
    page = chat()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/chat/page/app.js", hold)
    page.goto("/", wait_until="commit")
    field = page.get_by_label("Message", exact=True)
    field.fill("Early")
    held[0].continue_()
    expect(page.locator("#connection-status")).to_have_text("live")
    expect(field).to_have_value("Early")


def test_all_of_it_can_be_done_by_keyboard(chat, rich):
    page = chat()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#search-results [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/c/\d+/$"))
    page.get_by_role("button", name="More for Show me").press("Enter")
    expect(page.get_by_role("menuitem", name="Pin")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="More for Show me")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.get_by_role("button", name="Archive")).to_be_focused()
    page.keyboard.press("Control+Shift+O")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(page.get_by_label("You").locator(".bubble")).to_have_text("one\ntwo", use_inner_text=True)
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_enter_that_belongs_to_the_input_method_sends_nothing(chat):
    page = chat()
    field = page.get_by_label("Message", exact=True)
    field.fill("にほん")
    press = (
        "(e) => e.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', keyCode: 229, bubbles: true}))"
    )
    field.evaluate(press)
    expect(field).to_have_value("にほん")
    assert not Conversation.objects.exists()


def test_a_streaming_answer_looks_as_it_will_when_it_is_finished(chat, rich):
    page = chat(rich)
    expect(settled(page)).to_have_count(1)
    drawn = page.evaluate(DRAW, RICH)
    assert drawn["first"], "closed blocks are made once"
    final = page.locator(".prose").evaluate("""(prose) => {
        const copy = prose.cloneNode(true);
        copy.querySelectorAll(".code-head").forEach((head) => head.remove());
        copy.querySelectorAll("pre span").forEach((span) => span.replaceWith(span.textContent));
        copy.querySelectorAll("pre").forEach((pre) => pre.removeAttribute("data-language"));
        copy.normalize();
        return copy.innerHTML;
    }""")
    assert plain(drawn["html"]) == plain(final)


def plain(html: str) -> str:
    """Leave out blanks between elements and the marks of languages."""
    return re.sub(r"\s*\n\s*|(?<=>)\s+(?=<)", "", re.sub(r' class="language-\w+"', "", html)).strip()


def test_hostile_markdown_runs_nothing_and_fetches_nothing(chat, alice):
    said = converses(alice, "Be evil", HOSTILE, clock.now())
    page = chat()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    drawn = page.evaluate(DRAW, HOSTILE)["html"]
    assert not re.search("<img|<script|javascript:", drawn)
    assert 'href="data:' not in drawn
    page.goto(f"/c/{said.conversation_id}/")
    expect(answers(page)).to_contain_text("ok")
    assert not answers(page).locator("img, script, style, [href^='javascript:']").count()
    assert not [url for url in asked if "evil.example" in url]
    assert "fooled" not in page.title()
