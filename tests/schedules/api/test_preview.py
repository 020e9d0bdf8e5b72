"""What a timing would mean, and when a schedule fires next."""

from datetime import datetime, timedelta

import pytest

from schedules.models import Schedule, Setting
from schedules.transitions import pause
from stagent.lib import clock
from tests.support.builders import a_schedule
from tests.support.programs import Program, refusal


@pytest.fixture
def api(alice):
    return Program(alice)


def moments(fires):
    return [datetime.fromisoformat(fire) for fire in fires]


def test_a_cron_expression_is_told_in_plain_english_with_its_next_fires(api):
    answer = api.post("/schedules/preview", {"cron": "30 9 * * MON-FRI", "timezone": "Europe/Berlin"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["description"] == "At 09:30, Monday through Friday"
    fires = moments(body["next_fires"])
    assert len(fires) == 5
    assert fires == sorted(fires)
    assert {(fire.hour, fire.minute, fire.weekday() < 5) for fire in fires} == {(9, 30, True)}
    assert moments([item["nominal_at"] for item in body["items"]]) == fires
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("asked", "description"),
    [
        ({"interval": "90m"}, "Every 90 minutes"),
        ({"expression": "weekdays at 9"}, "At 09:00, Monday through Friday"),
        ({"expression": "*/5 * * * *"}, "Every 5 minutes"),
        ({"expression": "@daily"}, "At 00:00, every day"),
    ],
)
def test_intervals_and_words_are_read_too(api, asked, description):
    assert api.post("/schedules/preview", asked).json()["description"] == description


def test_a_skipped_clock_time_is_warned_of(api):
    asked = {
        "cron": "30 2 28 3 *",
        "timezone": "Europe/Berlin",
        "starts_at": "2027-01-01T00:00:00Z",
        "count": 1,
    }
    body = api.post("/schedules/preview", asked | {"ends_at": "2027-12-31T00:00:00Z"}).json()
    assert body["next_fires"] == ["2027-03-28T03:00:00+02:00"]
    assert [one["type"] for one in body["warnings"]] == ["dst_shifted"]
    assert "2027-03-28" in body["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"expression": "now and then"}, "expression"),
        ({"expression": ""}, "expression"),
        ({"expression": "  "}, "expression"),
        ({"expression": "0 0 31 2 *"}, "expression"),
        ({"expression": "every 5m", "cron": "* * * * *"}, "expression"),
        ({"expression": "* * * * *", "cron": "* * * * *"}, "expression"),
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "* * * * *", "timezone": "Nowhere"}, "timezone"),
        ({"cron": "* * * * *", "count": 0}, "count"),
        ({"cron": "* * * * *", "count": 101}, "count"),
        ({"cron": "* * * * *", "project": "999"}, "project"),
        ({"cron": "* * * * *", "id": "999"}, "id"),
        ({"cron": "* * * * *", "profile": "nobody"}, "profile"),
        ({"cron": "* * * * *", "colour": "red"}, "colour"),
        ({}, "cron"),
    ],
)
def test_a_timing_that_means_nothing_is_refused_like_on_saving(api, asked, field):
    answer = api.post("/schedules/preview", asked)
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == [field]


def a_heavy_schedule(name):
    schedule = a_schedule(clock.now(), name=name, cron="0 9 * * *")
    Schedule.objects.filter(pk=schedule.pk).update(avg_duration_ms=600_000)
    Setting.objects.update_or_create(key="SCHEDULE_MAX_CONCURRENT", defaults={"value": "1"})
    return schedule


def test_a_collision_is_seen_before_saving_and_not_with_itself(api):
    mine = a_heavy_schedule("Mine")
    asked = {"cron": "0 9 * * *", "profile": "tester"}
    warnings = api.post("/schedules/preview", asked).json()["warnings"]
    assert [(one["type"], one["overlapping_schedules"]) for one in warnings] == [("cron_collision", ["Mine"])]
    assert api.post("/schedules/preview", asked | {"id": str(mine.pk)}).json()["warnings"] == []
    assert api.post("/schedules/preview", asked | {"cron": "0 15 * * *"}).json()["warnings"] == []
    mine.refresh_from_db()
    assert mine.cron == "0 9 * * *"


def test_a_collision_is_told_on_saving_and_blocks_nothing(api):
    other = a_heavy_schedule("Other")
    asked = {"name": "Mine", "prompt": "P", "profile": "tester", "cron": "2 9 * * *"}
    made = api.post("/schedules", asked)
    assert made.status_code == 201
    (warning,) = made.json()["warnings"]
    assert warning.keys() >= {
        "overlapping_minutes",
        "estimated_concurrent_steps",
        "estimated_wait_sec",
        "suggestion",
    }
    assert (warning["type"], warning["overlapping_schedules"]) == ("cron_collision", ["Other"])
    mine = made.json()["schedule"]["id"]
    assert api.patch(f"/schedules/{mine}", {"priority": 1}).json()["warnings"] == [warning]
    assert api.patch(f"/schedules/{mine}", {"cron": "0 15 * * *"}).json()["warnings"] == []
    assert api.patch(f"/schedules/{mine}", {"cron": "2 9 * * *", "status": "paused"}).json()["warnings"] == []
    api.post(f"/schedules/{other.pk}/pause")
    assert api.patch(f"/schedules/{mine}", {"status": "active"}).json()["warnings"] == []


def test_the_next_firings_come_with_their_jitter_and_local_time(api):
    schedule = a_schedule(clock.now(), cron="0 9 * * *", timezone="Asia/Tokyo", jitter_sec=600)
    body = api.get(f"/schedules/{schedule.pk}/next?count=3").json()
    assert (body["count"], len(body["items"])) == (3, 3)
    for fire in body["items"]:
        nominal, due, local = moments([fire["nominal_at"], fire["fire_at"], fire["local_at"]])
        assert nominal == local
        assert (local.hour, local.utcoffset()) == (9, timedelta(hours=9))
        assert timedelta() <= due - nominal <= timedelta(minutes=10)
    schedule.refresh_from_db()
    assert abs(moments([body["items"][0]["fire_at"]])[0] - schedule.next_fire_at) < timedelta(milliseconds=1)


def test_ten_are_told_unless_fewer_are_left(api):
    assert api.get(f"/schedules/{a_schedule(clock.now()).pk}/next").json()["count"] == 10
    limited = a_schedule(clock.now(), name="Limited", max_firings=3)
    assert api.get(f"/schedules/{limited.pk}/next").json()["count"] == 3
    once = a_schedule(clock.now(), name="Once", at=clock.now() + timedelta(days=1))
    assert api.get(f"/schedules/{once.pk}/next").json()["count"] == 1


def test_a_paused_schedule_tells_what_it_would_do(api):
    schedule = a_schedule(clock.now())
    pause(schedule.pk, now=clock.now())
    assert api.get(f"/schedules/{schedule.pk}/next?count=2").json()["count"] == 2


def test_what_is_over_has_no_next_firing(api):
    schedule = a_schedule(clock.now(), max_firings=1)
    Schedule.objects.update(firing_count=1, status="completed", next_fire_at=None, next_nominal_at=None)
    assert api.get(f"/schedules/{schedule.pk}/next").json() == {"items": [], "count": 0}
