"""The chat page in a real browser: said, answered, stopped, edited, asked, with nothing lost on the way."""

import re

import pytest
from playwright.sync_api import Page, expect

from agents.models import Approval
from chat.models import Conversation, Message
from chat.states import MessageStatus
from chat.transitions.deliver import Result, deliver
from schedules.models import Schedule
from stagent.lib import clock
from tests.browser.conftest import NOWHERE
from tests.support.builders import a_schedule, a_waiting_run
from tests.support.talking import converses
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SLOW = "Talk. [[offline: tokens=2000 delay=40ms]]"


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def answers(page: Page):
    return page.get_by_role("article", name="Answer")


def settled(page: Page):
    return page.locator(".message.assistant[data-status]")


def test_a_suggested_prompt_is_answered_as_it_is_said_and_the_answer_stays(chat):
    a_schedule(clock.now(), name="Nightly report")
    page = chat()
    expect(page.get_by_role("heading", name=re.compile("alice"))).to_be_visible()
    expect(page.get_by_text("offline model replies")).to_be_visible()
    page.get_by_role("button", name=re.compile("What is scheduled")).click()
    expect(page.get_by_label("You").get_by_text("What is scheduled, and when?")).to_be_visible()
    expect(answers(page).get_by_role("cell", name="Nightly report")).to_be_visible()
    expect(settled(page)).to_have_attribute("data-status", "complete")
    expect(page).to_have_url(re.compile(r"/c/\d+/$"))
    expect(page.locator("#announcer")).to_have_text(re.compile(r"Reply finished, \d+ words"))
    tool = answers(page).locator("details.tool")
    tool.locator("summary").click()
    expect(tool.get_by_role("heading", name="Result")).to_be_visible()
    expect(answers(page).get_by_text(re.compile(r"first word \d+"))).to_be_visible()
    page.reload()
    expect(answers(page).get_by_role("cell", name="Nightly report")).to_be_visible()
    side = page.get_by_role("navigation", name="Conversations by day")
    expect(side.get_by_role("link", name="What is scheduled, and when?")).to_have_attribute(
        "aria-current", "page"
    )


def test_escape_stops_an_answer_and_what_was_said_stays(chat):
    page = chat()
    say(page, SLOW)
    expect(answers(page)).to_contain_text("5 6 7 8")
    expect(answers(page)).to_have_attribute("aria-busy", "true")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(answers(page).get_by_text("Stopped.")).to_be_visible()
    reply = Message.objects.replies().get()
    assert (reply.status, "5 6 7 8" in reply.text) == (MessageStatus.STOPPED, True)
    expect(page.get_by_role("button", name="Stop the reply")).to_be_hidden()


def test_more_can_be_said_meanwhile_and_be_withdrawn(chat):
    page = chat()
    say(page, SLOW)
    expect(answers(page)).to_contain_text("5 6 7 8")
    say(page, "And then?")
    waiting = answers(page).nth(1)
    expect(waiting).to_contain_text("Waiting for the previous reply")
    waiting.get_by_role("button", name="Cancel").click()
    expect(waiting).to_contain_text("Cancelled before it was answered.")
    assert Message.objects.replies().streaming().count() == 1
    page.get_by_role("button", name="Stop the reply").click()
    expect(settled(page)).to_have_count(2)


def test_an_edited_message_becomes_a_branch_and_one_can_go_back(chat, alice):
    converses(alice, "How many?", "Three.", clock.now())
    page = chat(f"/c/{Conversation.objects.get().pk}/")
    expect(answers(page)).to_contain_text("Three.")
    page.get_by_label("Message", exact=True).press("ArrowUp")
    editor = page.get_by_label("Edit your message")
    expect(editor).to_have_value("How many?")
    editor.fill("What is scheduled, and when?")
    editor.press("Enter")
    expect(answers(page)).to_contain_text("schedule")
    expect(page.get_by_text("2 / 2")).to_be_visible()
    expect(page.get_by_text("Three.")).to_have_count(0)
    page.get_by_role("button", name="Earlier version").click()
    expect(answers(page)).to_contain_text("Three.")
    expect(page.get_by_text("1 / 2")).to_be_visible()
    page.get_by_role("button", name="Answer again").click()
    expect(settled(page).get_by_text("2 / 2")).to_be_visible()
    assert Message.objects.replies().count() == 3


def test_a_schedule_in_words_is_made_after_one_confirmation(chat):
    page = chat()
    other = chat()
    say(page, "Every weekday at 9, summarise what changed in my workspace")
    card = page.get_by_role("region", name="Approval request")
    expect(card.get_by_text("Next firings")).to_be_visible()
    expect(card.get_by_text("UTC", exact=True)).to_be_visible()
    expect(card.locator("dd").nth(2).locator("span")).to_have_count(3)
    other.get_by_role("link", name=re.compile("Every weekday at 9")).click()
    expect(
        other.get_by_role("region", name="Approval request").get_by_role("button", name="Allow")
    ).to_be_visible()
    assert not Schedule.objects.exists()
    card.get_by_role("button", name="Allow").click()
    expect(card.get_by_text("Allowed.")).to_be_visible()
    expect(settled(page)).to_have_attribute("data-status", "complete")
    assert Schedule.objects.get().cron == "0 9 * * 1-5"
    expect(
        other.get_by_role("region", name="Approval request").get_by_role("button", name="Allow")
    ).to_have_count(0)


def test_a_denied_question_does_nothing(chat):
    page = chat()
    say(page, "Every weekday at 9, summarise what changed in my workspace")
    card = page.get_by_role("region", name="Approval request")
    card.get_by_role("button", name="Decline").click()
    expect(settled(page)).to_have_attribute("data-status", "complete")
    assert not Schedule.objects.exists()


def test_what_a_run_asks_stands_above_everything(chat, alice):
    schedule = a_schedule(clock.now(), name="Nightly", owner=alice)
    _, approval = a_waiting_run(schedule, clock.now())
    page = chat()
    needs = page.get_by_role("region", name="Pending approvals")
    expect(needs.get_by_text("A run waits for your approval")).to_be_visible()
    needs.get_by_role("button", name="Decline").click()
    expect(needs.get_by_text("Declined. The call was not made.")).to_be_visible()
    assert Approval.objects.get(pk=approval.pk).status == "denied"


def test_a_scheduled_result_arrives_unread_and_is_answered_to(chat, alice):
    schedule = a_schedule(clock.now(), name="Nightly report")
    page = chat()
    expect(page.locator("#connection-status")).to_have_text("live")
    card = {
        "type": "result", "schedule_id": str(schedule.pk), "schedule_name": "Nightly report",
        "fired_at": clock.now().replace(hour=7, minute=0).isoformat(), "status": "completed",
        "prompt": "Report.", "report": {"changed": True, "severity": "warning", "body": ""},
    }  # fmt: skip
    result = Result("k1", alice.pk, schedule.pk, "Nightly report", "**Three** runs failed.", card=card)
    deliver(result, now=clock.now())
    link = page.get_by_role("link", name=re.compile("Nightly report.*unread"))
    expect(link).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    link.click()
    expect(answers(page)).to_contain_text(re.compile(r"from Nightly report, fired \d\d:00"))
    expect(answers(page).get_by_text("warning")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("unread"))).to_have_count(0)
    wait_until(lambda: not Conversation.objects.get().unread)
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_count(2)
    assert Message.objects.replies().latest("pk").conversation.schedule_id == schedule.pk


def test_a_schedule_that_paused_itself_is_resumed_where_it_says_so(chat, alice):
    schedule = a_schedule(clock.now(), name="Weary", owner=alice)
    Schedule.objects.filter(pk=schedule.pk).update(status="paused", paused_reason="3 failures in a row.")
    card = {"type": "self_pause", "schedule_name": "Weary", "reason": "3 failures in a row."}
    deliver(Result("k1", alice.pk, schedule.pk, "Weary", "Weary paused itself.", card=card), now=clock.now())
    page = chat(f"/c/{Conversation.objects.get().pk}/")
    expect(page.get_by_role("heading", name="Weary paused itself")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Resumed. The schedule fires")).to_be_visible()
    assert Schedule.objects.get().status == "active"
    page.reload()
    expect(page.get_by_text("The schedule is not paused any more.")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)


def test_where_no_conversation_is_the_page_says_so_and_another_one_can_be_begun(chat):
    page = chat(NOWHERE)
    expect(page.get_by_role("heading", name="Conversation not found")).to_be_visible()
    expect(page).to_have_url(re.compile(r":\d+/$"))
    say(page, "What is scheduled, and when?")
    expect(settled(page)).to_have_attribute("data-status", "complete")
    expect(page.get_by_role("heading", name="Conversation not found")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/c/\d+/$"))


def test_a_failed_answer_says_why_and_is_asked_for_again(chat):
    page = chat()
    say(page, "Talk. [[offline: refusal]]")
    expect(answers(page)).to_contain_text("The model declined")
    answers(page).get_by_role("button", name="Retry", exact=True).click()
    expect(answers(page).get_by_text("2 / 2")).to_be_visible()
    say(page, "Talk. [[offline: tokens=5 stop=max_tokens]]")
    expect(page.get_by_role("button", name="Continue")).to_be_visible()


def test_one_who_reads_above_is_left_there_and_can_jump_to_the_end(chat, alice):
    said = converses(alice, "Tell me all", "A paragraph.\n\n" * 60, clock.now())
    page = chat(f"/c/{said.conversation_id}/")
    expect(settled(page)).to_have_count(1)
    say(page, SLOW)
    expect(answers(page).nth(1)).to_contain_text("5 6 7")
    scroll = page.locator("#scroll")
    scroll.hover()
    page.mouse.wheel(0, -3000)
    jump = page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    wait_until(lambda: scroll.evaluate("(e) => e.scrollTop") == 0)  # a wheel rolls on for a while
    grown = scroll.evaluate("(e) => e.scrollHeight")
    wait_until(lambda: scroll.evaluate("(e) => e.scrollHeight") > grown)
    assert scroll.evaluate("(e) => e.scrollTop") == 0
    jump.press("Enter")
    expect(jump).to_be_hidden()
    expect(page.get_by_role("region", name="Messages")).to_be_focused()
    page.keyboard.press("Escape")


def test_a_conversation_longer_than_a_page_of_the_list_is_shown_whole(chat, alice):
    said = converses(alice, "Word 0", "Answer 0", clock.now())
    for number in range(1, 4):
        converses(
            alice, f"Word {number}", f"Answer {number}", clock.now(), conversation_id=said.conversation_id
        )
    page = chat("/")
    page.route(
        re.compile(r"/api/conversations/\d+/messages"),
        lambda route: route.continue_(
            url=f"{route.request.url}{'&' if '?' in route.request.url else '?'}limit=3"
        ),
    )
    page.goto(f"{page.url.rstrip('/')}/c/{said.conversation_id}/")
    expect(settled(page)).to_have_count(4)
    expect(answers(page)).to_have_text([re.compile(f"Answer {number}") for number in range(4)])


def test_conversations_are_found_renamed_pinned_and_thrown_away_with_undo(chat, alice):
    converses(alice, "First thing", "The **quick** brown fox.", clock.now())
    converses(alice, "Second thing", "Nothing.", clock.now())
    page = chat()
    page.keyboard.press("Control+k")
    page.keyboard.type("brown fox")
    option = page.locator("#search-results [role=option]")
    expect(option).to_have_count(1)
    expect(option.locator("mark").first).to_have_text("brown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="First thing", level=1)).to_be_visible()
    page.get_by_role("button", name="More for First thing").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Title").fill("Foxes")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="More for Foxes").click()
    page.get_by_role("menuitem", name="Pin").click()
    expect(page.get_by_role("region", name="Pinned").get_by_role("link", name="Foxes")).to_be_visible()
    page.get_by_role("button", name="More for Second thing").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("link", name="Second thing")).to_have_count(0)
    expect(page.get_by_role("link", name="Foxes")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("link", name="Second thing")).to_be_visible()
    assert Conversation.objects.filter(deleted_at=None).count() == 2


def test_a_search_leads_to_the_message_in_the_archive_too(chat, alice):
    said = converses(alice, "First thing", "The quick brown fox.", clock.now())
    converses(alice, "More", "A paragraph.\n\n" * 60, clock.now(), conversation_id=str(said.conversation_id))
    Conversation.objects.update(archived_at=clock.now())
    page = chat()
    page.keyboard.press("Control+k")
    page.keyboard.type("brown fox")
    option = page.get_by_role("option", name=re.compile("First thing.*in the archive"))
    expect(option).to_be_visible()
    page.keyboard.press("Enter")
    expect(answers(page).nth(0)).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()


def test_the_conversation_that_is_shown_has_its_menu_at_its_title(chat, alice):
    said = converses(alice, "First thing", "Nothing.", clock.now())
    page = chat(f"/c/{said.conversation_id}/", phone=True)
    more = page.get_by_role("button", name="More for this conversation")
    more.tap()
    page.get_by_role("menuitem", name="Rename").tap()
    page.get_by_label("Title").fill("Foxes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Foxes", level=1)).to_be_visible()
    more.tap()
    with page.expect_download() as file:
        page.get_by_role("menuitem", name="Export as Markdown").tap()
    assert file.value.suggested_filename.endswith(".md")
    more.tap()
    page.get_by_role("menuitem", name="Archive").tap()
    page.get_by_role("button", name="Undo").tap()
    wait_until(lambda: Conversation.objects.get().archived_at is None)
    page.get_by_role("link", name="New chat").tap()
    expect(page.get_by_role("heading", name="New conversation", level=1)).to_be_visible()


def test_a_conversation_is_marked_as_unread_again(chat, alice):
    converses(alice, "First thing", "Nothing.", clock.now())
    Conversation.objects.update(read_at=clock.now())
    page = chat()
    page.get_by_role("button", name="More for First thing").click()
    page.get_by_role("menuitem", name="Mark as unread").click()
    expect(page.get_by_role("link", name=re.compile("First thing.*unread"))).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\) "))
