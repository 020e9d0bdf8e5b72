"""The demo is there on the first day, and what somebody deleted stays deleted."""

from datetime import timedelta

import pytest
from django.conf import settings

from agents.offline.assistant.intents import parse_intent
from schedules.models import Firing, Schedule
from stagent.ops import demo
from tests.support.builders import NOON, a_schedule

pytestmark = pytest.mark.django_db


def test_a_newcomer_sees_a_firing_within_a_minute():
    assert demo.install(NOON) == 5
    quick = Schedule.objects.active().due(NOON + timedelta(minutes=1))
    assert [one.name for one in quick] == ["What is scheduled"]
    assert Schedule.objects.active().due(NOON + timedelta(minutes=2)).count() == 2


def test_what_fires_often_ends_by_itself_and_is_cheap():
    demo.install(NOON)
    for often in Schedule.objects.filter(next_fire_at__lte=NOON + timedelta(minutes=5)):
        assert often.max_firings <= 60
        assert often.max_turns <= 10
        assert often.max_cost_usd <= 1


def test_their_results_arrive_in_the_chat_of_the_first_administrator(alice):
    demo.install(NOON)
    assert set(Schedule.objects.values_list("owner", "deliver_to_chat")) == {(alice.pk, True)}


def test_one_of_them_shows_what_paused_looks_like():
    demo.install(NOON)
    assert Schedule.objects.get(status="paused").paused_reason


def test_it_is_installed_once():
    assert demo.install(NOON) == 5
    assert demo.install(NOON) == 0


def test_an_install_in_use_gets_no_demo():
    a_schedule()
    assert demo.install(NOON) == 0


def test_deleted_demo_schedules_do_not_come_back():
    demo.install(NOON)
    one = Schedule.objects.first()
    Firing.objects.create(
        schedule=one,
        schedule_name=one.name,
        kind="scheduled",
        nominal_at=NOON,
        due_at=NOON,
        outcome="fired",
    )
    Schedule.objects.all().delete()
    assert demo.install(NOON) == 0


def test_its_times_are_in_the_zone_of_the_install():
    demo.install(NOON)
    assert set(Schedule.objects.values_list("timezone", flat=True)) == {settings.TIME_ZONE}


@pytest.mark.parametrize("wanted", demo.SCHEDULES, ids=lambda wanted: wanted["name"])
def test_the_offline_model_understands_what_it_is_asked(wanted):
    assert parse_intent(wanted["prompt"]).name != "plain"
