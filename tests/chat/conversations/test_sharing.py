"""A link to a conversation: what it shows, to whom, and that it ends."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from chat.conversations import sharing
from chat.conversations.actions import restore, trash
from chat.models import Share
from stagent.lib import clock
from tests.support.builders import NOON
from tests.support.programs import Program, refusal
from tests.support.talking import begins, converses, says, writes

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(bob):
    """What Bob has said and been answered."""
    return converses(bob, "What *failed*?", "**Nothing**, <script>alert(1)</script>.")


def path_of(share):
    return f"/shared/{sharing.token_of(share)}/"


def shared(owner, message, **more):
    return sharing.share(owner, str(message.conversation_id), now=clock.now(), **more)


def reads(user, path):
    """Let somebody open an address."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client.get(path)


def test_whoever_can_sign_in_reads_what_was_said_and_nothing_to_press(said, bob, charlie):
    answer = reads(charlie, path_of(shared(bob, said)))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "What *failed*?" in page
    assert "<strong>Nothing</strong>, &lt;script&gt;" in page
    assert "Shared by bob" in page
    assert not any(word in page for word in ("<form", "<button", 'href="/admin/', "/c/"))


def test_the_address_is_stored_from_everybody_else(said, bob, charlie):
    answer = reads(charlie, path_of(shared(bob, said)))
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in answer["Cache-Control"]
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert '<meta name="referrer" content="no-referrer">' in answer.content.decode()
    assert '<meta name="robots" content="noindex">' in answer.content.decode()


def test_who_is_not_signed_in_is_asked_to(said, bob):
    path = path_of(shared(bob, said))
    answer = reads(None, path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


def test_every_other_door_stays_shut(said, bob, charlie):
    shared(bob, said)
    for door in ("", "/messages", "/export", "/share"):
        path = f"/conversations/{said.conversation_id}{door}"
        assert refusal(Program(charlie).get(path)) == (404, "conversation_not_found")
    assert reads(charlie, f"/c/{said.conversation_id}/").status_code == 404


def test_what_is_said_later_or_is_not_finished_is_not_shown(said, bob, charlie):
    conversation = str(said.conversation_id)
    place = says(bob, "Unfinished words", conversation_id=conversation)
    writes(begins(place.reply_id), "Half an ans")
    link = shared(bob, said)
    says(bob, "Said later", conversation_id=conversation)
    page = reads(charlie, path_of(link)).content.decode()
    assert "Nothing" in page
    assert not any(words in page for words in ("Unfinished", "Half an ans", "Said later"))


def test_another_branch_is_not_shown_though_it_is_now(said, bob, charlie):
    link = shared(bob, said)
    converses(bob, "Edited", conversation_id=str(said.conversation_id), parent_id="root")
    page = reads(charlie, path_of(link)).content.decode()
    assert "What *failed*?" in page
    assert "Edited" not in page


def test_shared_again_the_same_address_shows_what_is_there_now(said, bob, charlie):
    path = path_of(shared(bob, said))
    converses(bob, "More", "Of it.", conversation_id=str(said.conversation_id))
    assert path_of(shared(bob, said)) == path
    assert "Of it." in reads(charlie, path).content.decode()


def test_taken_back_it_leads_nowhere_and_the_next_has_another_address(said, bob, charlie):
    path = path_of(shared(bob, said))
    sharing.revoke(bob, str(said.conversation_id), now=clock.now())
    gone = reads(charlie, path)
    assert gone.status_code == 404
    assert "does not work" in gone.content.decode()
    assert path_of(shared(bob, said)) != path
    assert reads(charlie, path).status_code == 404
    log = [(each.user, each.change_message.split(" ")[0]) for each in LogEntry.objects.order_by("pk")]
    assert log == [(bob, "Shared"), (bob, "Revoked."), (bob, "Shared")]


def test_it_expires_and_what_has_expired_is_not_revived(said, bob, charlie):
    link = shared(bob, said, expires_at=clock.now() + timedelta(hours=1))
    path = path_of(link)
    assert reads(charlie, path).status_code == 200
    Share.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert reads(charlie, path).status_code == 404
    again = path_of(shared(bob, said))
    assert again != path
    assert (reads(charlie, path).status_code, reads(charlie, again).status_code) == (404, 200)


def test_it_goes_and_comes_with_its_conversation_and_its_owner(said, bob, charlie):
    path = path_of(shared(bob, said))
    trash(bob, str(said.conversation_id), now=NOON)
    assert reads(charlie, path).status_code == 404
    restore(bob, str(said.conversation_id), now=NOON)
    assert reads(charlie, path).status_code == 200
    bob.is_active = False
    bob.save()
    assert reads(charlie, path).status_code == 404


def test_an_address_that_was_not_given_leads_nowhere(said, bob, charlie, settings):
    link = shared(bob, said)
    token = sharing.token_of(link)
    number, _, signed = token.partition("-")
    forged = (f"{number}-{'A' * 43}", f"{int(number) + 1}-{signed}", number, f"0{token}", f"{token}A", "x")
    for each in forged:
        assert reads(charlie, f"/shared/{each}/").status_code == 404, each
    settings.SECRET_KEY = "another key"
    assert reads(charlie, f"/shared/{token}/").status_code == 404


def test_the_api_makes_shows_and_ends_it(said, bob):
    program, path = Program(bob), f"/conversations/{said.conversation_id}"
    assert refusal(program.get(f"{path}/share")) == (404, "share_not_found")
    assert program.get(path).json()["shared"] is False
    made = program.post(f"{path}/share", {}).json()
    assert (made["messages"], made["head_id"], made["expires_at"]) == (2, str(said.pk), None)
    assert program.get(f"{path}/share").json() == made
    assert program.get(path).json()["shared"] is True
    assert reads(bob, urlsplit(made["url"]).path).status_code == 200
    assert program.delete(f"{path}/share").status_code == 204
    assert refusal(program.delete(f"{path}/share")) == (404, "share_not_found")


def test_its_address_begins_as_the_install_is_known(said, bob, settings):
    settings.STAGENT_PUBLIC_URL = "https://agents.example.org/"
    url = Program(bob).post(f"/conversations/{said.conversation_id}/share", {}).json()["url"]
    assert url.startswith("https://agents.example.org/shared/")


def test_a_link_that_would_show_nothing_or_is_over_already_is_not_made(said, bob, charlie):
    past = {"expires_at": "2020-01-01T00:00:00Z"}
    path = f"/conversations/{said.conversation_id}/share"
    assert refusal(Program(bob).post(path, past)) == (422, "validation_error")
    assert refusal(Program(charlie).post(path, {})) == (404, "conversation_not_found")
    place = says(bob, "Not answered yet")
    answer = Program(bob).post(f"/conversations/{place.conversation_id}/share", {})
    assert refusal(answer) == (409, "nothing_to_share")
    assert not Share.objects.exists()
