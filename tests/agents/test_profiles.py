"""The agents that ship with the product."""

import pytest

from agents import profiles
from agents.models import Profile
from agents.tools import registry

pytestmark = pytest.mark.django_db


def test_they_are_there_after_migrating_and_marked_as_built_in():
    slugs = set(Profile.objects.filter(builtin=True).values_list("slug", flat=True))
    assert {"assistant", "operator", "researcher", "reporter", "watcher", "writer", "coder"} == slugs


@pytest.mark.parametrize("profile", profiles.load_defaults(), ids=lambda profile: profile["slug"])
def test_each_is_valid_and_says_what_it_is_for(profile):
    row = Profile.objects.get(slug=profile["slug"])
    row.full_clean()
    assert row.description
    assert 300 < len(row.instructions) < 3000


def test_one_that_was_edited_is_not_overwritten():
    Profile.objects.filter(slug="writer").update(instructions="Rhyme.")
    profiles.install_defaults(Profile)
    assert Profile.objects.get(slug="writer").instructions == "Rhyme."
    assert Profile.objects.count() == len(profiles.load_defaults())


def test_none_may_run_commands_unless_somebody_allows_it():
    for profile in Profile.objects.all():
        assert "shell" not in {tool.name for tool in registry.offered(profile.tools, profile.permissions)}
