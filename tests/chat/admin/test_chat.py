"""The chat in the console: how it goes, and nothing of what is said."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from agents import live_streams
from chat.conversations import sharing
from chat.models import Conversation, Share
from stagent.lib import clock
from tests.support.builders import NOON
from tests.support.pages import Reader
from tests.support.talking import converses, says

CONVERSATIONS = reverse("admin:chat_conversation_changelist")
SHARES = reverse("admin:chat_share_changelist")
STREAMS = reverse("admin:agents_streamrecord_changelist")


def a_stream(reason="completed", number=1, first_token_ms=120):
    now = clock.now()
    live_streams.record(
        f"message:{number}", started_at=now - timedelta(seconds=3), ended_at=now, reason=reason,
        first_token_ms=first_token_ms, overhead_ms=8,
    )  # fmt: skip


def test_conversations_show_whose_and_how_long_and_no_word(reader, bob):
    message = converses(bob, "A secret plan", "Kept between us")
    says(bob, "More of it", conversation_id=str(message.conversation_id))
    page = reader.opens(CONVERSATIONS)
    assert "bob" in page
    assert f"{message.conversation_id} bob 4" in page
    for words in ("secret", "Kept", "More"):
        assert words not in reader.html


def test_links_are_listed_without_titles_or_addresses_and_ended_by_who_may(reader, alice, bob, charlie):
    message = converses(bob, "A secret plan", "Kept between us")
    made = sharing.share(bob, str(message.conversation_id), now=clock.now())
    address = f"/shared/{sharing.token_of(made)}/"
    assert re.search(rf"{message.conversation_id} bob .* no expiry", reader.opens(SHARES))
    assert not any(word in reader.html for word in ("secret", "Kept", address, made.nonce))
    assert "The link stops working" in reader.presses(SHARES, action="end", _selected_action=made.pk)
    assert Client().get(address).status_code == 302  # it is there for who signs in
    words = reader.presses(SHARES, action="end", _selected_action=made.pk, confirmed="yes")
    assert "Revoked: 1." in words
    assert not Share.objects.exists()
    entry = LogEntry.objects.latest("pk")
    assert (entry.user, entry.change_message) == (alice, "Revoked.")


def test_a_link_that_leads_nowhere_any_more_is_said_to_be_over(reader, bob):
    message = converses(bob, "Hi", "Hello")
    made = sharing.share(bob, str(message.conversation_id), now=clock.now())
    Share.objects.filter(pk=made.pk).update(expires_at=clock.now() - timedelta(minutes=1))
    assert re.search(r"bob .* expired", reader.opens(SHARES))


def test_who_only_looks_at_links_ends_none(client, bob, charlie):
    made = sharing.share(bob, str(converses(bob, "Hi", "Hello").conversation_id), now=clock.now())
    charlie.is_staff = True
    charlie.save()
    looks = Reader(client, charlie)
    looks.opens(SHARES)
    assert looks.answer.status_code == 403
    charlie.user_permissions.add(Permission.objects.get(codename="view_share"))
    looks = Reader(client, User.objects.get(pk=charlie.pk))
    looks.opens(SHARES)
    looks.presses(SHARES, action="end", _selected_action=made.pk, confirmed="yes")
    assert Share.objects.exists()


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_no_conversation_is_opened_here_not_even_by_a_superuser(reader, bob, page):
    pk = converses(bob, "A secret plan").conversation_id
    reader.opens(reverse(f"admin:chat_conversation_{page}", args=[pk]))
    assert reader.answer.status_code in (302, 403)
    assert "secret" not in reader.html


def test_what_is_said_cannot_be_searched_here(reader, bob):
    converses(bob, "A secret plan")
    assert "No results" in reader.opens(CONVERSATIONS, q="secret")
    assert "bob" in reader.opens(CONVERSATIONS, q="bob")


def test_a_persons_conversations_go_with_the_person(reader, charlie):
    converses(charlie, "A secret plan")
    url = reverse("admin:auth_user_delete", args=[charlie.pk])
    reader.opens(url)
    assert "secret" not in reader.html
    reader.presses(url, post="yes")
    assert not User.objects.filter(pk=charlie.pk).exists()
    assert not Conversation.objects.exists()


def test_thrown_away_and_put_away_are_told_apart(reader, bob):
    pk = converses(bob).conversation_id
    Conversation.objects.filter(pk=pk).update(archived_at=NOON)
    assert "archived" in reader.opens(CONVERSATIONS)
    Conversation.objects.filter(pk=pk).update(deleted_at=NOON)
    assert "deleted" in reader.opens(CONVERSATIONS)


def test_streams_show_why_they_ended_and_how_long_people_waited(reader):
    for number in range(4):
        a_stream(number=number)
    a_stream("timeout", 9, None)
    page = reader.opens(STREAMS)
    assert "Replies 5" in page
    assert "Time to first token p50 120 ms p95 120 ms p99 120 ms" in page
    assert "Overhead p50 8 ms" in page
    assert "Total p50 3.0 s" in page
    assert "completed 4 timeout 1" in page
    assert "4 completed, 1 failed" in reader.html


def test_the_figures_of_streams_lead_to_the_slowest_and_to_a_day(reader):
    for number, waited in enumerate((300, 900, 600)):
        a_stream(number=number, first_token_ms=waited)
    reader.opens(STREAMS)
    (slowest,) = re.findall(r'<a href="([^"]+)" title="Slowest first">Time to first token<', reader.html)
    today = re.findall(r'<a href="([^"]+)" tabindex="-1">', reader.html)[-1]
    page = reader.opens(f"{STREAMS}{unescape(slowest)}")
    assert page.index("message:1 ") < page.index("message:2 ") < page.index("message:0 ")
    assert "Replies 3" in reader.opens(f"{STREAMS}{unescape(today)}")


def test_streams_are_narrowed_by_reason(reader):
    a_stream()
    a_stream("timeout", 2, None)
    page = reader.opens(STREAMS, reason="timeout")
    assert "Replies 1" in page
    assert "Time to first token p50 – p95 – p99 –" in page


def test_an_install_where_nobody_chatted_says_so(reader):
    assert "No chat replies yet." in reader.opens(STREAMS)
    assert "No conversations yet." in reader.opens(CONVERSATIONS)


def test_who_is_being_answered_is_on_the_page_and_on_the_first_one(reader):
    live_streams.begin("message:77", "web:here", 30, clock.now())
    assert "message:77" in reader.opens(STREAMS)
    assert "message:77" in reader.opens(reverse("admin:index"))
    assert "secret" not in reader.html


def test_it_says_to_whom_and_in_which_conversation_and_none_of_its_words(reader, bob):
    message = converses(bob)
    live_streams.begin(f"message:{message.pk}", "web:here", 30, clock.now())
    for url in (STREAMS, reverse("admin:index")):
        assert f"bob conversation {message.conversation_id} ·" in reader.opens(url)
        assert "secret" not in reader.html


def test_the_way_there_is_shown_to_those_who_may(reader, client, bob):
    page = reader.opens(reverse("admin:index"))
    assert "Chat Conversations Shared links Chat streams" in page
    assert "Chat streams" not in Reader(client, bob).opens(reverse("admin:index"))
    bob.user_permissions.add(Permission.objects.get(codename="view_streamrecord"))
    assert Reader(client, bob).opens(STREAMS).count("Chat streams")


def test_the_settings_page_weighs_what_the_chat_measured(reader):
    settings = reverse("admin:schedules_setting_changelist")
    assert "Chat first token, p99 no data" in reader.opens(settings)
    a_stream(first_token_ms=850)
    assert "Chat first token, p99 850 ms" in reader.opens(settings)
