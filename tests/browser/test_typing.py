"""While one types a schedule: the answer comes by itself, at its place, and the server is not stormed."""

import pytest
from playwright.sync_api import expect

from schedules.models import Schedule
from stagent.lib import clock
from tests.support.builders import a_profile, a_schedule

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ADD = "/admin/schedules/schedule/add/"


@pytest.fixture
def form(visit):
    """Open an empty form; the requests for a preview are counted on the page."""
    a_profile()

    def opened(**how):
        page = visit(ADD, **how)
        page.asked = []
        page.on("request", lambda sent: page.asked.append(sent) if sent.method == "POST" else None)
        return page

    return opened


def test_a_fault_is_said_at_its_field_and_leaves_with_its_cause(form):
    page = form()
    when = page.get_by_label("When", exact=True)
    when.press_sequentially("dayly at 9")
    told = page.locator(".field-when .fault")
    expect(told).to_contain_text("is not understood")
    expect(when).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("status").filter(has_text="is not understood")).to_have_count(1)
    when.fill("daily at 9")
    expect(told).to_have_count(0)
    expect(when).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("status").filter(has_text="At 09:00, every day. Next:")).to_have_count(1)


def test_the_zone_is_blamed_for_what_the_zone_does(form):
    page = form()
    page.get_by_label("When", exact=True).fill("daily at 9")
    page.get_by_label("Time zone").fill("Europe/Berln")
    expect(page.locator(".fault")).to_contain_text("Did you mean Europe/Berlin?")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(page.get_by_role("complementary")).to_contain_text("Next firings, Europe/Berlin")


def test_fast_typing_asks_once_and_the_same_again_not_at_all(form):
    page = form()
    when = page.get_by_label("When", exact=True)
    when.press_sequentially("weekdays at 09:30")
    expect(page.get_by_role("complementary").get_by_role("listitem").first).to_be_visible()
    assert len(page.asked) <= 2  # one, or two where this machine held the typing up
    asked = len(page.asked)
    page.get_by_label("Name", exact=True).press_sequentially("A name means nothing to the preview")
    page.get_by_label("Max agent steps").press_sequentially("9")
    wait_for_one_more(page, asked)
    assert len(page.asked) == asked + 1


def wait_for_one_more(page, asked: int) -> None:
    """Wait until the question about the last field was asked."""
    if len(page.asked) <= asked:
        page.wait_for_event("request")


@pytest.mark.parametrize("phone", [False, True])
def test_a_collision_shows_while_one_types(form, phone):
    for name in ("Crawler", "Indexer"):
        a_schedule(clock.now(), name=name, cron="30 9 * * *")
    Schedule.objects.update(avg_turns_per_firing=1600)
    page = form(phone=phone)
    page.get_by_label("When", exact=True).fill("daily at 09:31")
    answer = page.get_by_role("complementary", name="What this schedule would do")
    expect(answer).to_contain_text("Together with “Crawler”, “Indexer”")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("When", exact=True).fill("daily at 15:00")
    expect(answer).not_to_contain_text("together with")
    assert Schedule.objects.count() == 2
