"""An answer in its parts: thoughts, words and calls in order, the same before and after a reload."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from agents.protocol.events import ThinkingDelta, ToolFinished, ToolStarted, TurnStarted
from chat.models import Message
from chat.transitions import Claim, claim
from stagent.lib import clock
from stagent.lib.processes.process_id import holder_id
from tests.browser.test_chat import answers, settled
from tests.support import talking
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ORDER = """(parts) => [...parts.children].map((part) => [part.classList[0], part.querySelector(
    ".prose, .tool-name, .thinking-text")?.textContent.trim()])"""


@pytest.fixture
def held(alice) -> Claim:
    """A reply that the test writes by its own hand, as a worker would."""
    with transaction.atomic():  # the web process would be quicker
        place = talking.says(alice, "What failed?", clock.now())
        reply = Message.objects.select_related("conversation", "profile").get(pk=place.reply_id)
        return claim(reply, holder=holder_id("web"), now=clock.now(), ttl=timedelta(minutes=10))


def writes(held: Claim, *happened) -> None:
    talking.writes(held, *happened, now=clock.now())


def at(held: Claim) -> str:
    return f"/c/{Message.objects.get(pk=held.message_id).conversation_id}/"


def parts_on(page: Page) -> list[list[str]]:
    return answers(page).locator(".parts").evaluate(ORDER)


WHOLE = [
    ["thinking", "Which runs does that mean?"],
    ["answer-text", "Let me look."],
    ["tool", "list runs"],
    ["thinking", "There is none."],
    ["answer-text", "None failed."],
]


def test_a_call_stands_between_the_words_before_and_after_it(chat, held):
    page = chat(at(held))
    writes(held, ThinkingDelta(1, "Which runs does "), ThinkingDelta(1, "that mean?"))
    expect(page.locator(".thinking summary")).to_have_text("Thinking")
    writes(held, "Let me ", "**look**.", ToolStarted(1, "c1", "list_runs", {"status": "failed"}))
    tool = page.locator("details.tool")
    expect(tool).to_have_attribute("data-state", "running")
    expect(answers(page)).to_contain_text("Working")
    assert parts_on(page) == WHOLE[:3]
    page.reload()
    expect(tool).to_have_attribute("data-state", "running")
    assert parts_on(page) == WHOLE[:3]
    writes(held, ToolFinished("c1", "list_runs", is_error=False, result="[]", duration_ms=7))
    expect(tool).to_have_attribute("data-state", "done")
    writes(held, ThinkingDelta(2, "There is none."), "\n\n*None* ", "failed.")
    expect(answers(page)).to_contain_text("None failed.")
    assert parts_on(page) == WHOLE
    talking.ends(held.message_id, held.token, clock.now())
    expect(settled(page)).to_have_count(1)
    assert parts_on(page) == WHOLE
    page.reload()
    expect(settled(page)).to_have_count(1)
    assert parts_on(page) == WHOLE
    expect(answers(page).locator(".answer-text em")).to_have_text("None")


def test_a_thought_is_folded_opens_by_hand_and_by_key_and_is_there_after_a_reload(chat, held):
    page = chat(at(held))
    writes(held, ThinkingDelta(1, "Which runs "))
    fold = page.locator(".thinking summary")
    thought = page.get_by_role("region", name="Thoughts")
    expect(fold).to_be_visible()
    expect(thought).to_be_hidden()
    fold.press("Enter")
    expect(thought).to_have_text("Which runs ")
    writes(held, ThinkingDelta(1, "are they?"), "Some.")
    expect(fold).to_have_text(re.compile("^Thought for "))
    expect(thought).to_have_text("Which runs are they?")
    talking.ends(held.message_id, held.token, clock.now())
    expect(settled(page)).to_have_count(1)
    expect(thought).to_be_visible()
    page.reload()
    expect(settled(page)).to_have_count(1)
    expect(thought).to_be_hidden()
    fold.click()
    expect(thought).to_have_text("Which runs are they?")
    fold.press("Space")
    expect(thought).to_be_hidden()


def test_a_thought_that_broke_off_is_not_shown_beside_the_one_that_took_its_place(chat, held):
    page = chat(at(held))
    writes(held, TurnStarted(1), ThinkingDelta(1, "It may be that"))
    expect(page.locator("details.thinking")).to_have_count(1)
    writes(held, TurnStarted(1), ThinkingDelta(1, "There is none."), "None failed.")
    expect(answers(page).locator(".parts")).to_contain_text("None failed.")
    assert parts_on(page) == [["thinking", "There is none."], ["answer-text", "None failed."]]


def test_a_call_shows_no_secret_not_even_within_an_address(chat, held):
    page = chat(at(held))
    given = {"url": "https://example.org/?a=1&api_key=hidden1#top", "headers": {"Authorization": "hidden2"}}
    writes(held, ToolStarted(1, "c1", "http_get", given))
    tool = page.locator("details.tool")
    expect(tool.locator(".intent")).to_have_text("https://example.org/?a=1&api_key=•••#top")
    tool.locator("summary").click()
    expect(tool.locator("pre")).to_contain_text("api_key=•••#top")
    expect(tool).not_to_contain_text("hidden")


def test_who_is_silent_for_long_is_asked_about_and_heard_again(chat, held):
    page = chat()
    page.clock.install()
    page.goto(at(held))
    writes(held, "One moment.")
    expect(answers(page)).to_contain_text("One moment.")
    page.clock.fast_forward(18_000)
    expect(answers(page)).not_to_contain_text("No update for a while")
    page.clock.fast_forward(6_000)
    expect(answers(page)).to_contain_text("No update for a while. Checking…")
    writes(held, " Here it is.")
    expect(answers(page)).to_contain_text("One moment. Here it is.")
    expect(answers(page)).not_to_contain_text("No update for a while")


def test_an_end_that_nobody_told_is_found_by_looking_again(chat, held):
    """The news and the last frames are lost on the way; the page's own look finds what they said."""
    page = chat()
    deaf: list[bool] = []
    page.route_web_socket("**/ws/chat/", lambda line: through(line, lambda said: None if deaf else said))
    page.clock.install()
    page.goto(at(held))
    writes(held, "Half")
    expect(answers(page)).to_contain_text("Half")
    deaf.append(True)
    writes(held, " and whole.")
    talking.ends(held.message_id, held.token, clock.now())
    page.clock.fast_forward(24_000)
    expect(settled(page)).to_have_attribute("data-status", "complete")
    expect(answers(page)).to_contain_text("Half and whole.")


def test_a_frame_that_is_lost_is_asked_for_again(chat, held):
    page = chat()
    lost: list[str] = []
    hellos: list[str] = []

    def lose_one(said: str) -> str | None:
        if "two" in said and not lost:
            lost.append(said)
            return None
        return said

    def listen(line) -> None:
        through(line, lose_one, lambda said: hellos.append(said) if '"hello"' in said else None)

    page.route_web_socket("**/ws/chat/", listen)
    page.goto(at(held))
    writes(held, "One")
    expect(answers(page)).to_contain_text("One")
    writes(held, " two")
    wait_until(
        lambda: page.wait_for_timeout(50) or lost
    )  # on a slow machine, the page may have asked already
    writes(held, " three")
    expect(answers(page)).to_contain_text("One two three")
    assert len(hellos) == 2, "one at the beginning, one for what was lost"


def test_what_came_otherwise_than_it_was_stored_is_read_anew(chat, held):
    page = chat()
    page.route_web_socket(
        "**/ws/chat/", lambda line: through(line, lambda said: said.replace("failed", "fooled"))
    )
    page.goto(at(held))
    writes(held, "None failed.")
    expect(answers(page)).to_contain_text("None fooled.")
    with page.expect_response("**/messages") as again:
        talking.ends(held.message_id, held.token, clock.now())
        expect(settled(page)).to_have_count(1)
    assert again.value.ok
    expect(answers(page)).to_contain_text("None failed.")
    expect(answers(page)).not_to_contain_text("fooled")


def through(line, change, overhear=lambda said: None) -> None:
    """Let a socket through, with what the server says changed, or with None left out."""
    server = line.connect_to_server()

    def to_page(said: str) -> None:
        if (kept := change(said)) is not None:
            line.send(kept)

    def to_server(said: str) -> None:
        overhear(said)
        server.send(said)

    server.on_message(to_page)
    line.on_message(to_server)
