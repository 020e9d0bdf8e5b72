"""`manage.py createtoken` is made for scripts: the token, and nothing else, on standard output."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from stagent.api.auth import authenticate
from stagent.lib import clock
from stagent.models import ApiToken


def createtoken(capsys, *arguments):
    call_command("createtoken", *arguments)
    return capsys.readouterr().out


def test_it_prints_only_the_token_and_the_token_works(alice, capsys):
    printed = createtoken(capsys, "alice", "--name", "backup")
    assert printed == printed.strip() + "\n"
    assert authenticate(printed.strip(), now=clock.now()) == alice
    assert ApiToken.objects.get().name == "backup"


def test_it_can_end_by_itself(alice, capsys):
    token = createtoken(capsys, "alice", "--days", "7").strip()
    assert authenticate(token, now=clock.now() + timedelta(days=6)) == alice
    assert authenticate(token, now=clock.now() + timedelta(days=8)) is None


def test_an_unknown_user_is_named_with_those_there_are(alice, capsys):
    with pytest.raises(CommandError, match=r"no user 'alcie'\. There are: alice"):
        createtoken(capsys, "alcie")
    assert capsys.readouterr().out == ""


def test_a_user_who_is_not_active_gets_none(alice, capsys):
    alice.is_active = False
    alice.save()
    with pytest.raises(CommandError, match="not active"):
        createtoken(capsys, "alice")


@pytest.mark.parametrize("days", ["0", "-1", "99999999"])
def test_a_length_of_life_must_make_sense(alice, capsys, days):
    with pytest.raises(CommandError, match="--days"):
        createtoken(capsys, "alice", "--days", days)
    assert not ApiToken.objects.exists()
