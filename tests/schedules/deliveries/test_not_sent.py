"""Where there is no mail server, nothing is called delivered, and whoever asks for mail is warned."""

import pytest

from schedules.checks import NO_MAIL_SERVER
from schedules.deliveries.sender import send_due
from tests.support.builders import NOON, a_profile
from tests.support.mailbox import a_delivery, fresh
from tests.support.programs import Program

pytestmark = pytest.mark.django_db

CONSOLE = {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}
NEW = {"name": "Report", "prompt": "Report.", "profile": "tester", "cron": "0 9 * * *"}


@pytest.fixture
def no_mail_server(settings):
    settings.MAILERS = CONSOLE


def test_mail_is_not_sent_and_says_why(no_mail_server, capsys):
    delivery = a_delivery("a@example.org", channel="email")
    assert send_due(NOON) == 1
    delivery = fresh(delivery)
    assert (delivery.status, delivery.last_error, delivery.delivered_at) == ("not_sent", NO_MAIL_SERVER, None)
    assert send_due(NOON.replace(year=2027)) == 0
    assert not capsys.readouterr().out


def test_the_api_warns_who_asks_for_mail(no_mail_server, alice):
    a_profile()
    plain = Program(alice).post("/schedules", NEW).json()
    mailed = Program(alice).post("/schedules", NEW | {"name": "Mailed", "email": "a@example.org"}).json()
    warned = {"type": "not_sent", "message": NO_MAIL_SERVER}
    assert warned not in plain["warnings"]
    assert warned in mailed["warnings"]
    assert warned in Program(alice).get(f"/schedules/{mailed['schedule']['id']}").json()["warnings"]


def test_with_a_mail_server_nobody_is_warned(alice):
    a_profile()
    assert Program(alice).post("/schedules", NEW | {"email": "a@example.org"}).json()["warnings"] == []


def test_the_form_warns(no_mail_server, alice, client):
    client.force_login(alice)
    assert NO_MAIL_SERVER in client.get("/admin/schedules/schedule/add/").content.decode()


def test_the_list_of_deliveries_says_so(no_mail_server, alice, client):
    a_delivery("a@example.org", channel="email")
    send_due(NOON)
    client.force_login(alice)
    page = client.get("/admin/schedules/delivery/").content.decode()
    assert "not sent" in page
    assert NO_MAIL_SERVER in page
