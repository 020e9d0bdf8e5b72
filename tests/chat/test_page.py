"""The chat page as the server hands it out: to whom, with what, and under which policy."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from agents.offline.assistant.intents import parse_intent
from chat.models import Conversation
from tests.support.talking import says

pytestmark = pytest.mark.django_db
IMPORTED = re.compile(r'^import .*? from "(\.[^"]+)";$', re.MULTILINE)


def test_who_is_not_signed_in_is_asked_to_and_comes_back(client, charlie):
    answer = client.get("/c/7/")
    assert answer.url == "/login/?next=/c/7/"
    form = {"username": "charlie", "password": "charlie's password", "next": "/c/7/"}
    assert client.post("/login/", form).url == "/c/7/"


def test_wrong_words_at_the_door_are_told(client, charlie):
    answer = client.post("/login/", {"username": "charlie", "password": "wrong"})
    assert "Please enter a correct username and password" in answer.content.decode()


def test_a_stranger_may_chat_but_is_shown_no_way_to_the_console(client, charlie):
    client.force_login(charlie)
    page = client.get("/").content.decode()
    assert "Console" not in page
    assert config(page)["links"] == {"login": "/login/"}


def test_staff_find_the_console_and_what_they_may_see_in_it(client, bob):
    client.force_login(bob)
    page = client.get("/").content.decode()
    assert 'href="/admin/"' in page
    assert config(page)["links"]["run"] == "/admin/schedules/run/0/change/"


def test_somebody_elses_conversation_is_not_there(client, alice, charlie):
    place = says(alice)
    client.force_login(charlie)
    assert client.get(f"/c/{place.conversation_id}/").status_code == 404
    nowhere = client.get("/c/99999/")
    assert nowhere.status_code == 404
    assert config(nowhere.content.decode())["conversation"] == "99999", (
        "the page itself says that it is not there"
    )
    assert client.get("/c/no-number/").status_code == 404
    client.force_login(alice)
    page = client.get(f"/c/{place.conversation_id}/").content.decode()
    assert config(page)["conversation"] == str(place.conversation_id)
    Conversation.objects.update(deleted_at=Conversation.objects.get().created_at)
    assert client.get(f"/c/{place.conversation_id}/").status_code == 404


def test_the_page_says_whether_the_offline_model_answers(client, alice, settings):
    client.force_login(alice)
    assert config(client.get("/").content.decode())["offline"] is True
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:11434"
    assert config(client.get("/").content.decode())["offline"] is False


def test_nothing_on_the_page_is_inline_and_nothing_comes_from_elsewhere(client, alice):
    client.force_login(alice)
    answer = client.get("/")
    page = answer.content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|(src|href)=\"(https?:)?//", page)
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]


def test_signing_out_leads_to_the_door(client, alice):
    client.force_login(alice)
    assert client.post("/logout/").url == "/login/"
    assert client.get("/").status_code == 302


def test_modules_import_each_other_under_the_names_of_their_versions(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "stagent.storage.Storage"}}
    call_command("collectstatic", "--noinput", verbosity=0)
    for folder in ("chat", "console"):
        modules = [
            path for path in (tmp_path / folder).rglob("*.js") if re.search(r"\.[0-9a-f]{12}\.js$", path.name)
        ]
        imported = [(path, name) for path in modules for name in IMPORTED.findall(path.read_text())]
        assert imported
        unversioned = [name for _, name in imported if not re.search(r"\w\.[0-9a-f]{12}\.js$", name)]
        assert not unversioned
        assert all((path.parent / name).is_file() for path, name in imported)


def config(page: str) -> dict:
    """Read what the page tells its modules."""
    found = re.search(r'<script id="config" type="application/json">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


def test_what_the_page_suggests_is_understood_without_a_key():
    script = Path(finders.find("chat/compose/prompts.js")).read_text()
    suggested = dict(re.findall(r'^    (\w+): "(.+?)",$', script, re.MULTILINE))
    asked = {name: words for name, words in suggested.items() if name != "schedule"}  # that makes one
    understood = {name: parse_intent(words).name for name, words in asked.items()}
    assert understood == {
        "schedules": "list_schedules",
        "failures": "failures",
        "runs": "runs",
        "forecast": "forecast",
    }
