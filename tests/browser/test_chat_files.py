"""Files on the chat page: by button, paste and drop; with progress, taken back, sent, looked at, kept."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from chat.models import Attachment, Conversation, Message
from stagent.lib import clock
from tests.browser.test_chat import answers, say, settled
from tests.support.files import kept, png
from tests.support.talking import converses

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOT: FilePayload = {"name": "shot.png", "mimeType": "image/png", "buffer": png(640, 400)}
NOTES: FilePayload = {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# Notes\n\nBuy milk."}
# What a clipboard and a hand that drags hold, made by the page itself.
CARRY = """([kind, target]) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 64;
    return new Promise((done) => canvas.toBlob((blob) => {
        const held = new DataTransfer();
        held.items.add(new File([blob], "held.png", { type: "image/png" }));
        const event = kind === "paste"
            ? new ClipboardEvent("paste", { clipboardData: held, bubbles: true, cancelable: true })
            : new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true });
        document.querySelector(target).dispatchEvent(event);
        done();
    }));
}"""


def attach(page: Page, *files: FilePayload) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(list(files))


def chips(page: Page):
    return page.get_by_role("list", name="Files to send").get_by_role("listitem")


def sent(page: Page):
    return page.get_by_role("list", name="Files", exact=True)


def test_files_are_picked_taken_back_sent_and_still_there_after_a_reload(chat):
    page = chat()
    attach(page, SHOT, NOTES, {"name": "other.txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(chips(page)).to_have_count(3)
    expect(chips(page).nth(1)).to_contain_text("notes.md")
    expect(chips(page).nth(1)).to_contain_text("18 bytes")
    expect(chips(page).first.locator("img")).to_be_visible()
    page.get_by_role("button", name="Remove other.txt").click()
    expect(page.get_by_role("button", name="Remove notes.md")).to_be_focused()
    say(page, "Look at this")
    expect(chips(page)).to_have_count(0)
    expect(answers(page)).to_contain_text("You gave me 2 files: shot.png (image/png")
    expect(settled(page)).to_have_count(1)
    page.reload()
    picture = sent(page).get_by_role("img", name="shot.png")
    expect(picture).to_have_js_property("naturalWidth", 640)
    with page.expect_download() as download:
        sent(page).get_by_role("link", name="notes.md").click()
    assert Path(download.value.path()).read_bytes() == NOTES["buffer"]
    picture.click()
    expect(page.get_by_role("dialog", name="shot.png").get_by_role("img")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="shot.png")).to_have_count(0)
    expect(sent(page).get_by_role("link", name="shot.png")).to_be_focused()
    assert Message.objects.get(role="user").files == "shot.png\nnotes.md"


@pytest.mark.parametrize(("kind", "target"), [("paste", "#message-field"), ("drop", "#content")])
def test_a_picture_alone_is_pasted_or_dropped_and_sent(chat, kind, target):
    page = chat()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    page.evaluate(CARRY, [kind, target])
    expect(chips(page)).to_contain_text("held.png")
    page.get_by_role("button", name="Send").click()
    expect(answers(page)).to_contain_text("You gave me 1 file: held.png (image/png")
    expect(page.get_by_role("heading", name="held.png", exact=True)).to_be_visible()


def test_what_is_dragged_over_the_page_is_shown_where_to_go(chat):
    page = chat()
    drop = page.get_by_text("Drop files to attach them")
    page.evaluate(CARRY, ["dragenter", "#content"])
    expect(drop).to_be_visible()
    page.evaluate(CARRY, ["dragleave", "#content"])
    expect(drop).to_be_hidden()


def test_sending_waits_for_what_is_under_way(chat):
    page = chat()
    held = []
    page.route("**/api/attachments", lambda route: held.append(route))  # noqa: PLW0108 - a method of a list has no place for a mark
    attach(page, SHOT)
    expect(page.get_by_role("progressbar", name="Uploading shot.png")).to_be_visible()
    say(page, "Look")
    expect(page.get_by_text("The message is sent when the uploads finish.")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value("Look")
    assert not Message.objects.exists()
    held.pop().continue_()
    expect(answers(page)).to_contain_text("You gave me 1 file")
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_what_cannot_be_reached_is_tried_again_and_holds_the_words_back(chat):
    page = chat()
    page.route("**/api/attachments", lambda route: route.abort("internetdisconnected"))
    attach(page, SHOT)
    expect(chips(page).get_by_role("alert")).to_have_text("The server cannot be reached right now.")
    say(page, "Look")
    expect(page.get_by_text("A file could not be uploaded")).to_be_visible()
    page.unroute("**/api/attachments")
    page.get_by_role("button", name="Try again: shot.png").click()
    expect(chips(page)).to_contain_text("KB" if len(SHOT["buffer"]) >= 1024 else "bytes")
    page.get_by_label("Message", exact=True).press("Enter")
    expect(answers(page)).to_contain_text("You gave me 1 file")


def test_what_is_empty_or_one_too_many_is_told_at_once(chat):
    page = chat()
    attach(page, {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""})
    expect(chips(page).get_by_role("alert")).to_have_text("This file is empty.")
    page.get_by_role("button", name="Remove empty.txt").click()
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    attach(page, *[NOTES | {"name": f"{number}.md"} for number in range(12)])
    expect(chips(page)).to_have_count(10)
    expect(page.get_by_text("At most 10 files per message")).to_be_visible()


def test_a_picture_that_is_too_large_is_made_smaller_on_the_way(chat):
    page = chat()
    page.set_input_files("#file", [SHOT | {"buffer": png(2400, 1200) + b"\0" * 4_000_000}])
    expect(chips(page)).to_contain_text("shot.jpg")
    expect(chips(page).locator("progress")).to_be_hidden()
    kept_one = Attachment.objects.get()
    assert (kept_one.media_type, kept_one.width, kept_one.height) == ("image/jpeg", 2000, 1000)


def test_files_stay_with_the_draft_of_their_conversation(chat, alice):
    other = converses(alice, "Elsewhere", "Yes.", clock.now())
    page = chat()
    attach(page, NOTES)
    expect(chips(page)).to_contain_text("18 bytes")
    page.get_by_role("link", name=re.compile("Elsewhere")).click()
    expect(page).to_have_url(re.compile(rf"/c/{other.conversation_id}/"))
    expect(chips(page)).to_have_count(0)
    page.goto("/")
    expect(chips(page)).to_contain_text("notes.md")
    say(page, "Here")
    expect(answers(page)).to_contain_text("You gave me 1 file")


def test_an_edited_message_keeps_its_files_and_a_phone_has_room(chat, alice):
    ids = [str(kept(alice, f"{number}.png", png(900, 500), clock.now()).pk) for number in range(3)]
    converses(alice, "Compare", "Done.", clock.now(), attachments=ids)
    page = chat(f"/c/{Conversation.objects.get().pk}/", phone=True, colours="dark")
    expect(sent(page).get_by_role("img")).to_have_count(3)
    page.get_by_role("button", name="Edit and send again").click()
    page.get_by_label("Edit your message").fill("Compare them again")
    page.get_by_label("Edit your message").press("Enter")
    expect(answers(page)).to_contain_text("You gave me 3 files: 0.png")
    expect(sent(page).get_by_role("img")).to_have_count(3)
    attach(page, SHOT, NOTES)
    expect(chips(page).nth(1)).to_contain_text("18 bytes")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = page.get_by_role("button", name="Attach files").bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 40
