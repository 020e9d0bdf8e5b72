"""Files go with words: once, in one transaction with them, shown, found, exported, and kept when edited."""

from datetime import timedelta

import pytest

from chat import conf
from chat.conversations.actions import trash
from chat.models import Attachment, Message, MessageAttachment
from chat.transitions import ask_again
from chat.transitions.fork import fork
from chat.worker import retention
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async
from stagent.lib.problems import Problem
from tests.chat.transitions.test_accept import at_once
from tests.support.builders import NOON
from tests.support.files import PDF, kept, upload
from tests.support.programs import Program, refusal
from tests.support.sockets import Socket, by_session
from tests.support.talking import converses, says

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(bob):
    return Program(bob)


@pytest.fixture
def path(program):
    return f"/conversations/{program.post('/conversations', {}).json()['id']}/messages"


def test_a_message_shows_its_files_in_the_order_they_were_named(program, path, bob):
    ids = [upload(program, name).json()["id"] for name in ("b.png", "a.png")]
    said = program.post(path, {"text": "Look", "attachments": ids[::-1]}).json()["message"]
    assert [file["id"] for file in said["attachments"]] == ids[::-1]
    assert [file["name"] for file in said["attachments"]] == ["a.png", "b.png"]
    assert Message.objects.get(pk=said["id"]).files == "a.png\nb.png"
    assert program.get(path).json()["items"][0]["attachments"] == said["attachments"]


def test_files_alone_say_enough_and_name_the_conversation(program, path):
    file = upload(program, "whiteboard.png").json()["id"]
    said = program.post(path, {"attachments": [file]}).json()["message"]
    assert said["text"] == ""
    assert program.get(path.removesuffix("/messages")).json()["title"] == "whiteboard.png"
    assert refusal(program.post(path, {"attachments": []})) == (422, "validation_error")


def test_the_same_message_again_gets_the_first_answer(program, path):
    said = {"text": "Look", "client_msg_id": "a", "attachments": [upload(program).json()["id"]]}
    first, again = program.post(path, said).json(), program.post(path, said).json()
    assert again["duplicate"]
    assert (again["message_id"], again["message"]) == (first["message_id"], first["message"])
    assert MessageAttachment.objects.count() == 1


def test_a_file_goes_once(program, path):
    said = {"text": "Look", "attachments": [upload(program).json()["id"]]}
    assert program.post(path, said).status_code == 202
    answer = program.post(path, said)
    assert refusal(answer) == (409, "attachment_used")
    assert answer.json()["fields"]["attachments"]
    assert Message.objects.count() == 2, "nothing is stored of what is refused"


def test_an_edited_message_keeps_its_files(program, path):
    file = upload(program).json()["id"]
    first = program.post(path, {"text": "Look", "attachments": [file]}).json()
    other = upload(program, "other.png").json()["id"]
    beside = {"text": "Look again", "parent_id": "root", "attachments": [file, other]}
    edited = program.post(path, beside).json()["message"]
    assert edited["siblings"] == [first["message_id"], edited["id"]]
    assert [each["id"] for each in edited["attachments"]] == [file, other]
    below = beside | {"parent_id": edited["id"]}
    assert refusal(program.post(path, below)) == (409, "attachment_used")


def test_it_does_not_go_into_another_conversation(program, bob):
    file = kept(bob)
    says(bob, attachments=[str(file.pk)])
    with pytest.raises(Problem, match="another message"):
        says(bob, attachments=[str(file.pk)])


def test_somebody_elses_file_does_not_exist(program, path, alice):
    theirs = kept(alice)
    for nobody in (str(theirs.pk), "0", "", "x", "9" * 30):
        answer = program.post(path, {"text": "Look", "attachments": [nobody]})
        assert refusal(answer) == (404, "attachment_not_found")
    assert not Message.objects.exists()
    theirs.refresh_from_db()
    assert theirs.sent_at is None


def test_too_many_and_too_much_are_refused(program, path, bob, monkeypatch):
    ids = [str(kept(bob).pk) for _ in range(3)]
    monkeypatch.setattr("chat.conf.MAX_FILES", 2)
    assert "attachments" in program.post(path, {"text": "x", "attachments": ids}).json()["fields"]
    monkeypatch.setattr("chat.conf.MAX_SENT_BYTES", Attachment.objects.first().size)
    assert "can have at most" in program.post(path, {"text": "x", "attachments": ids[:2]}).json()["message"]
    assert not Message.objects.exists()


def test_another_answer_is_about_the_same_files(bob):
    reply = converses(bob, attachments=[str(kept(bob).pk)])
    again = ask_again(bob, str(reply.pk), now=NOON)
    assert Message.objects.get(pk=again.reply_id).parent.files == "shot.png"


def test_a_conversation_is_found_by_the_name_of_a_file(program, bob):
    reply = converses(bob, "Look at it", attachments=[str(kept(bob, "Budget 2027.pdf", PDF).pk)])
    (row,) = program.get("/conversations?search=budget look").json()["items"]
    assert row["snippet"]["message_id"] == str(reply.parent_id)
    assert row["snippet"]["text"] == "Budget 2027.pdf Look at it"


def test_an_export_names_the_files(program, bob):
    ids = [str(kept(bob).pk), str(kept(bob, "a`b.txt", b"hi").pk)]
    reply = converses(bob, "", attachments=ids)
    path = f"/conversations/{reply.conversation_id}/export"
    told = b"".join(program.get(path).streaming_content).decode()
    assert "> Attached `shot.png` (image/png, " in told
    assert "> Attached `a'b.txt` (text/plain, 2 bytes)" in told
    tree = b"".join(program.get(f"{path}?format=json").streaming_content).decode()
    assert '"name":"shot.png"' in tree


WRONG = ({"attachments": "5"}, {"attachments": [5]}, {"attachments": {}}, {"attachments": ["1"] * 101})


@pytest.mark.django_db(transaction=True)
async def test_files_go_over_the_socket(bob, reply_worker):
    file = await db_sync_to_async(kept, bob, now=clock.now())  # what is older, the desk throws away
    async with Socket(await db_sync_to_async(by_session, bob)) as page:
        for wrong in WRONG:
            await page.says("send", text="x", client_msg_id="w", **wrong)
            assert "attachments" in (await page.hears("error"))["fields"]
        await page.says("send", client_msg_id="e", attachments=[])
        assert "text" in (await page.hears("error"))["fields"]
        place = await page.asks("", attachments=[str(file.pk)])
        assert await page.asks("", attachments=[str(file.pk)]) == place | {"duplicate": True}
        await page.says("send", text="x", client_msg_id="b", attachments=[str(file.pk)])
        assert (await page.hears("error", client_msg_id="b"))["code"] == "attachment_used"
        await page.hears("final", message_id=place["reply_id"])
    reply = await db_sync_to_async(lambda: Message.objects.get(pk=place["reply_id"]))
    assert f"You gave me 1 file: `shot.png` (image/png, {file.size} bytes)." in reply.text


def test_the_limits_fit_into_what_providers_take():
    assert conf.MAX_FILE_BYTES["image"] * 4 / 3 <= 5 * 2**20
    assert conf.MAX_SENT_BYTES * 4 / 3 < 30 * 2**20


def test_a_fork_has_the_files_too_and_keeps_them_alone(program, bob):
    file = kept(bob)
    reply = converses(bob, "Look", attachments=[str(file.pk)])
    made = fork(bob, str(reply.conversation_id), None, now=NOON)
    rows = program.get(f"/conversations/{made.pk}/messages").json()["items"]
    assert [each["id"] for each in rows[0]["attachments"]] == [str(file.pk)]
    trash(bob, str(reply.conversation_id), now=NOON)
    assert retention.prune(NOON + timedelta(days=31))
    assert program.get(f"/attachments/{file.pk}").status_code == 200
    said = {"text": "Again", "parent_id": "root", "attachments": [str(file.pk)]}
    assert program.post(f"/conversations/{made.pk}/messages", said).status_code == 202


def test_who_reads_a_shared_conversation_is_told_of_files_and_gets_none(program, alice, bob, client):
    file = kept(bob)
    reply = converses(bob, "", attachments=[str(file.pk)])
    link = program.post(f"/conversations/{reply.conversation_id}/share", {}).json()["url"]
    client.force_login(alice)
    page = client.get(link).content.decode()
    assert "Attached: shot.png" in page
    assert "/api/attachments" not in page
    assert client.get(f"/api/attachments/{file.pk}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_several_that_send_a_file_at_once_one_does(bob):
    file = str(kept(bob).pk)
    conversations = [str(converses(bob, str(number)).conversation_id) for number in range(4)]

    def send(number):
        try:
            return says(bob, "Look", conversation_id=conversations[number], attachments=[file])
        except Problem as problem:
            return problem.code

    got = at_once(send)
    assert got.count("attachment_used") == 3
    assert MessageAttachment.objects.count() == 1
