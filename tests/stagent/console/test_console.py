"""Every page of the console: it opens, obeys its own policy, says what to do next, is in the menu."""

import re
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.utils.text import capfirst

from schedules.models import Setting
from stagent.console import navigation
from tests.support.builders import a_running_run, a_schedule
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OURS = [model for model in MODELS if model._meta.app_label != "auth" and model is not Setting]
INLINE = re.compile(r"<[^>]*\s(?:style|on[a-z]+)=|<script(?![^>]*\ssrc=)[^>]*>|javascript:", re.IGNORECASE)


def list_of(model):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def is_clean(html):
    return INLINE.search(html) is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_opens_and_obeys_the_policy(reader, model):
    reader.opens(list_of(model))
    assert reader.answer.status_code == 200
    assert is_clean(reader.html)
    assert f"<title>{capfirst(model._meta.verbose_name_plural)} | Stagent</title>" in reader.html


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_an_empty_list_says_what_to_do_next(reader, model):
    model._base_manager.all().delete()
    says = admin.site._registry[model].empty_text
    assert says
    assert says in reader.opens(list_of(model))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_form_opens_and_obeys_the_policy(reader, model):
    reader.opens(f"{list_of(model)}add/")
    assert reader.answer.status_code in (200, 403)
    assert is_clean(reader.html)


def test_the_pages_of_rows_open_and_obey_the_policy(reader):
    schedule = a_schedule()
    run, _ = a_running_run(schedule)
    for url in (
        f"/admin/schedules/schedule/{schedule.pk}/change/",
        f"/admin/schedules/schedule/{schedule.pk}/history/",
        f"/admin/schedules/schedule/{schedule.pk}/delete/",
        f"/admin/schedules/schedule/force/?ids={schedule.pk}",
        f"/admin/schedules/run/{run.pk}/change/",
        "/admin/", "/admin/schedules/", "/admin/password_change/",
    ):  # fmt: skip
        reader.opens(url)
        assert reader.answer.status_code == 200, url
        assert is_clean(reader.html), url


def test_the_policy_forbids_what_the_pages_do_without(reader):
    reader.opens("/admin/")
    policy = reader.answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


def test_the_address_alone_leads_to_the_chat_page(client):
    assert client.get("/").url == "/login/?next=/"


def test_who_is_not_signed_in_is_asked_to(client):
    answer = client.get("/admin/schedules/schedule/")
    assert answer.status_code == 302
    page = client.get(answer.url).content.decode()
    assert is_clean(page)
    assert "Log in" in page


def test_what_is_not_there_or_not_allowed_is_said_kindly(client, reader, bob):
    assert "Page not found" in reader.opens("/admin/schedules/run/4711/change/")
    assert "You don’t have permission to do that" in Reader(client, bob).opens("/admin/schedules/setting/")


def test_every_registered_page_has_its_place_in_the_menu(reader):
    reader.opens("/admin/")
    html = reader.html
    assert not [model for model in MODELS if f'href="{list_of(model)}"' not in html]
    assert not [model for model in MODELS if model.__name__ not in navigation.PLACES]


def test_the_menu_holds_only_what_one_may_see(client, bob):
    page = Reader(client, bob).opens("/admin/")
    assert "Schedules" in page
    assert "Budgets" not in page
    assert "Access" not in page


def test_the_menu_marks_where_one_is(reader):
    reader.opens("/admin/schedules/run/")
    assert re.search(r'href="/admin/schedules/run/" aria-current="page"', reader.html)


def test_every_icon_that_is_asked_for_is_drawn():
    drawn = set(re.findall(r'<symbol id="(\w+)"', Path(finders.find("console/icons.svg")).read_text()))
    wanted = {icon for icons in navigation.MAP.values() for icon in icons.values()}
    for template in Path(__file__).parents[3].joinpath("templates").rglob("*.html"):
        wanted |= set(re.findall(r'{% icon "(\w+)" %}', template.read_text()))
    assert not wanted - drawn


def test_who_may_see_nothing_is_told_whom_to_ask(client, charlie):
    charlie.is_staff = True
    charlie.save()
    page = Reader(client, charlie).opens("/admin/")
    assert "You don’t have permission to see anything here" in page
    assert "Running" not in page
