"""An agent asks, a person answers in a real browser, and the run goes on in a real scheduler."""

import pytest
from playwright.sync_api import expect

from schedules.models import Run
from stagent.lib import clock
from tests.support.builders import a_profile, a_schedule

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_call_is_allowed_on_the_page_of_its_run(visit, scheduler):
    profile = a_profile(tools=["*"], permissions={"list_files": "ask"})
    schedule = a_schedule(clock.now(), prompt="List the files.", profile=profile)
    page = visit(f"/admin/schedules/schedule/{schedule.pk}/change/")
    page.get_by_role("button", name="Run now").click()
    card = page.get_by_role("region", name="Call list_files")
    expect(card.get_by_text("needs an answer")).to_be_visible()
    expect(page.get_by_text("for an answer since")).to_be_visible()
    card.get_by_role("button", name="Allow once").click()
    expect(
        page.locator(".messagelist").get_by_text("Allowed: Allow the agent to call list_files?")
    ).to_be_visible()
    expect(page.get_by_text("completed", exact=True)).to_be_visible()
    expect(page.get_by_role("log").get_by_text("Allowed.")).to_be_visible()
    assert Run.objects.get().attempt == 1


def test_a_question_is_answered_in_words_on_a_phone(visit, scheduler):
    schedule = a_schedule(clock.now(), prompt="Ask me: which colour?", profile=a_profile(tools=["*"]))
    page = visit(f"/admin/schedules/schedule/{schedule.pk}/change/", phone=True, colours="dark")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("region", name="The agent asks")).to_contain_text("Which colour?")
    page.goto("/admin/")
    page.get_by_role("region", name="Needs an answer").get_by_role("link", name="Which colour?").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Your answer").fill("Blue, <b>please</b>")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator(".messagelist").get_by_text("Answered: Which colour?")).to_be_visible()
    page.get_by_role("link", name=f"Run {Run.objects.get().pk}").click()
    expect(page.get_by_role("region", name="Result")).to_contain_text("is: Blue, <b>please</b>")
