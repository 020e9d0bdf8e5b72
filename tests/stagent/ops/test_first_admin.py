"""A new install has somebody to sign in as, and an old one gets nobody new."""

import re

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from stagent.ops.first_admin import NameTaken, make_admin, make_up_password

pytestmark = pytest.mark.django_db


def test_the_first_user_may_do_everything_and_signs_in_with_the_made_up_password():
    made = make_admin("")
    user = authenticate(username="admin", password=made.password)
    assert user.is_superuser
    assert user.is_staff


def test_a_chosen_password_is_used_and_not_handed_back():
    assert make_admin("chosen by me").password == ""
    assert authenticate(username="admin", password="chosen by me")


def test_an_install_with_a_superuser_is_left_alone(alice):
    assert make_admin("") is None
    assert list(User.objects.all()) == [alice]


def test_a_user_named_admin_is_not_made_a_superuser_behind_their_back():
    User.objects.create_user("admin")
    with pytest.raises(NameTaken):
        make_admin("")


def test_made_up_passwords_differ_and_can_be_typed():
    passwords = {make_up_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", password) for password in passwords)
