"""Files over HTTP: uploaded, looked at, thrown away; what they are is told by their bytes."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chat import conf
from chat.conversations import attachments
from chat.conversations.actions import trash
from chat.conversations.file_types import name_of
from chat.models import Attachment, Content, MessageAttachment
from chat.states import FileKind
from chat.worker import retention
from tests.support.builders import NOON
from tests.support.files import PDF, kept, png, upload
from tests.support.programs import Program, refusal
from tests.support.talking import converses

DAY = timedelta(days=1)


@pytest.fixture
def program(bob):
    return Program(bob)


def test_a_file_is_stored_and_told_by_what_it_is(program):
    answer = upload(program, "shot.txt", png(30, 20))
    assert answer.status_code == 201
    row = answer.json()
    assert (row["name"], row["kind"], row["media_type"]) == ("shot.txt", "image", "image/png")
    assert (row["width"], row["height"], row["size"]) == (30, 20, len(png(30, 20)))
    assert bytes(Content.objects.get().data) == png(30, 20)


@pytest.mark.parametrize(
    ("name", "data", "kind", "disposition"),
    [
        ("a.png", png(), "image/png", "inline"),
        ("page.html", b"<script>alert(1)</script>", "text/plain; charset=utf-8", "attachment"),
        ("drawing.svg", b"<svg onload='alert(1)'/>", "text/plain; charset=utf-8", "attachment"),
        ("r\u00e9sum\u00e9.pdf", PDF, "application/pdf", "attachment"),
    ],
)
def test_a_file_is_handed_out_so_that_it_can_do_nothing(program, name, data, kind, disposition):
    answer = program.get(f"/attachments/{upload(program, name, data).json()['id']}")
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, data, kind)
    assert answer["Content-Disposition"].startswith(disposition)
    assert "filename" in answer["Content-Disposition"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer["Content-Security-Policy"].endswith("sandbox")
    assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "file_empty"),
        (b"PK\x03\x04\x00\x00", 415, "file_kind_unsupported"),
        (b"\xff\xfe\x00h", 415, "file_kind_unsupported"),
        ("caf\u00e9".encode("latin-1"), 415, "file_kind_unsupported"),
        (b"\x89PNG\r\n\x1a\n", 415, "file_kind_unsupported"),
        (png(8001, 1), 413, "file_too_large"),
        (b"x" * (conf.MAX_FILE_BYTES[FileKind.TEXT] + 1), 413, "file_too_large"),
        (png() + b"\0" * conf.MAX_FILE_BYTES[FileKind.IMAGE], 413, "file_too_large"),
        (b"%PDF-" + b"x" * conf.MAX_FILE_BYTES[FileKind.PDF], 413, "file_too_large"),
    ],
)
def test_what_is_not_taken_is_refused_in_words(program, data, status, code):
    answer = upload(program, "it", data)
    assert refusal(answer) == (status, code)
    assert answer.json()["fields"]["file"]
    assert not Attachment.objects.exists()


def test_an_upload_without_a_file_names_the_field(program):
    answer = program.upload("/attachments", {"other": SimpleUploadedFile("a", b"x")})
    assert refusal(answer) == (422, "validation_error")
    assert "file" in answer.json()["fields"]
    assert refusal(program.post("/attachments", {"file": "x"}))[0] == 422


def test_an_upload_that_breaks_off_is_no_fault_of_ours(bob):
    client = Client()
    client.force_login(bob)
    answer = client.generic("POST", "/api/attachments", b"x", "multipart/form-data")
    assert refusal(answer) == (400, "malformed_upload")


def test_a_session_shows_its_token_to_upload(bob):
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    answer = client.post("/api/attachments", {"file": SimpleUploadedFile("a.png", png())})
    assert refusal(answer) == (403, "csrf_failed")
    assert refusal(upload(Program(None))) == (401, "not_authenticated")
    assert not Attachment.objects.exists()


def test_there_is_room_for_so_much_of_each_person(program, alice, monkeypatch):
    monkeypatch.setattr(conf, "MAX_STORED_BYTES", len(png()) + 5)
    kept(alice)
    first = upload(program)
    assert refusal(upload(program)) == (409, "file_quota_exceeded")
    assert program.delete(f"/attachments/{first.json()['id']}").status_code == 204
    assert upload(program).status_code == 201


@pytest.mark.parametrize("who", ["alice", "charlie"])
def test_nobody_else_finds_it_superusers_included(request, bob, who):
    path = f"/attachments/{kept(bob).pk}"
    stranger = Program(request.getfixturevalue(who))
    assert refusal(stranger.get(path)) == (404, "attachment_not_found")
    assert refusal(stranger.delete(path)) == (404, "attachment_not_found")
    assert refusal(Program(None).get(path))[0] == 401
    assert Attachment.objects.exists()


@pytest.mark.parametrize("nothing", ["0", "x", "9" * 30, "-1"])
def test_what_is_no_id_is_not_found(program, nothing):
    assert refusal(program.get(f"/attachments/{nothing}")) == (404, "attachment_not_found")


def test_what_was_sent_stays_until_its_conversation_goes(program, bob):
    sent = kept(bob)
    reply = converses(bob, "Look", attachments=[str(sent.pk)])
    assert refusal(program.delete(f"/attachments/{sent.pk}")) == (409, "attachment_sent")
    trash(bob, str(reply.conversation_id), now=NOON)
    assert retention.prune(NOON + 29 * DAY)
    assert Content.objects.count() == 1
    assert retention.prune(NOON + 31 * DAY)
    assert not Attachment.objects.exists()
    assert not Content.objects.exists()
    assert not MessageAttachment.objects.exists()


def test_many_files_go_bit_by_bit(bob, monkeypatch):
    monkeypatch.setattr(retention, "FILES", 2)
    ids = [str(kept(bob, f"{number}.png").pk) for number in range(5)]
    trash(bob, str(converses(bob, "Look", attachments=ids).conversation_id), now=NOON)
    left = []
    while not retention.prune(NOON + 31 * DAY, seconds=0):
        left.append(Attachment.objects.count())
    assert left[:3] == [3, 1, 0]


def test_what_was_never_sent_goes_after_a_while(bob):
    sent = kept(bob)
    converses(bob, "Look", attachments=[str(sent.pk)])
    for _ in range(retention.FILES + 1):
        kept(bob, "forgotten.png")
    assert retention.prune(NOON + conf.UNSENT_RETENTION)
    assert Attachment.objects.count() == retention.FILES + 2
    assert retention.prune(NOON + conf.UNSENT_RETENTION + timedelta(seconds=1))
    assert Attachment.objects.get() == sent


def test_files_go_with_their_owner(bob):
    sent = kept(bob)
    converses(bob, "Look", attachments=[str(sent.pk)])
    kept(bob)
    bob.delete()
    assert not Attachment.objects.exists()
    assert not Content.objects.exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("C:\\temp\\a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("two\nlines\u202e.png", "twolines.png"),
        ("", "file"),
        (f"{'x' * 300}.tar.gz", f"{'x' * 196}….gz"),
    ],
)
def test_a_name_is_one_line_without_folders(given, shown):
    assert name_of(given) == shown


def test_no_bytes_are_read_for_what_is_only_listed(bob, django_assert_num_queries):
    reply = converses(bob, "Look", attachments=[str(kept(bob).pk)])
    with django_assert_num_queries(1) as asked:
        assert len(attachments.of_messages([reply.parent_id])[reply.parent_id]) == 1
    assert "chat_content" not in asked.captured_queries[0]["sql"]
