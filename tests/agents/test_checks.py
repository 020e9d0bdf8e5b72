"""A wrong set-up is said at start, with what to do."""

import pytest

from agents import checks
from agents.models import Profile


def found(databases=None) -> set[str]:
    messages = [*checks.check_settings(), *checks.check_profiles(databases=databases)]
    assert all(message.hint for message in messages)
    return {message.id or "" for message in messages}


def test_the_settings_as_shipped_are_fine():
    assert found() == set()


@pytest.mark.parametrize(
    ("name", "value", "ident"),
    [
        ("ANTHROPIC_BASE_URL", "localhost:11434", "agents.E001"),
        ("ANTHROPIC_BASE_URL", "ftp://localhost", "agents.E001"),
        ("ANTHROPIC_BASE_URL", "http://models.example.org", "agents.W001"),
        ("STAGENT_DEFAULT_MODEL", "", "agents.E002"),
        ("STAGENT_CONTEXT_TOKENS", "many", "agents.W002"),
        ("STAGENT_CONTEXT_TOKENS", "0", "agents.W002"),
    ],
)
def test_nonsense_is_named(settings, name, value, ident):
    settings.ANTHROPIC_API_KEY = "sk-test"
    setattr(settings, name, value)
    assert found() == {ident}


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:11434",
        "http://192.168.1.5:8080",
        "http://ollama:11434",
        "https://models.example.org",
    ],
)
def test_a_key_may_go_to_servers_nearby_or_over_https(settings, url):
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = "sk-test", url
    assert found() == set()


@pytest.mark.django_db
def test_profiles_are_checked_where_the_database_may_be_asked():
    Profile.objects.all().delete()
    Profile.objects.create(slug="odd", name="Odd", runtime="telepathy", tools=["*", "report", "crystal_ball"])
    assert found() == set()
    assert found(databases=["default"]) == {"agents.E003", "agents.W003"}
