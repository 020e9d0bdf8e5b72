"""The forecast in a real browser: the picture is gone through with the keyboard, and scrolls on a phone."""

import pytest
from playwright.sync_api import expect

from schedules.models import Schedule
from stagent.lib import clock
from tests.support.builders import a_schedule, a_scheduler

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def heavy():
    """Three schedules that meet every hour, each with ten minutes of work."""
    a_scheduler(clock.now())
    made = [a_schedule(clock.now(), name=name, cron="0 * * * *") for name in ("Crawl", "Digest", "Report")]
    Schedule.objects.update(avg_duration_ms=600_000, avg_turns_per_firing=1200)
    return made


def test_the_arrows_lead_from_run_to_run_and_each_says_what_it_is(visit, heavy):
    page = visit("/admin/")
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Forecast").click()
    said = page.locator("[data-timeline-status]")
    first = page.locator(".timeline .row a").first
    first.focus()
    expect(said).to_contain_text("takes 10 min")
    before = said.text_content()
    page.keyboard.press("ArrowRight")
    expect(said).not_to_have_text(before)
    page.keyboard.press("End")
    page.keyboard.press("Home")
    expect(said).to_have_text(before)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".timeline .row").nth(1).locator("a:focus")).to_have_count(1)
    assert page.locator(".timeline a[tabindex='0']").count() == 3
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="active", level=1)).to_be_visible()


def test_pointing_at_a_lane_says_how_many_run_and_wait(visit, heavy):
    page = visit("/admin/forecast/")
    page.locator(".timeline > g > .run").first.hover()
    expect(page.locator("[data-timeline-status]")).to_contain_text("at most 2 running, 1 waiting")


def test_another_cap_is_tried_and_left_again(visit, heavy):
    page = visit("/admin/forecast/")
    page.get_by_label("What if the cap were").fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="What if: cap 3")).to_contain_text("95 % do not wait")
    page.get_by_role("link", name="Back to today’s 2").click()
    expect(page.get_by_role("region", name="What if")).to_have_count(0)


def test_on_a_phone_the_picture_scrolls_inside_its_frame(visit, heavy):
    page = visit("/admin/forecast/", phone=True)
    frame = page.get_by_role("region", name="Timeline; scrolls sideways")
    assert frame.evaluate("(frame) => frame.scrollWidth > frame.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_peaks_are_flattened_by_a_click_and_the_unticked_stay(visit, heavy):
    page = visit("/admin/forecast/")
    flatten = page.get_by_role("region", name="Flatten the peaks")
    expect(flatten).to_contain_text("3,600 steps → 1,200 steps")
    flatten.get_by_role("checkbox", name="Move Crawl").press("Space")
    flatten.get_by_role("button", name="Move selected schedules").click()
    told = page.locator(".messagelist")
    expect(told).to_contain_text("Digest")  # moved, or too near to its instant at this minute of the hour
    assert Schedule.objects.get(name="Crawl").cron == "0 * * * *"
