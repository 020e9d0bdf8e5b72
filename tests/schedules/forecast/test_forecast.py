"""What the coming hours hold, from real schedules with a history, and what another cap would change."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from schedules.forecast.as_json import answer
from schedules.forecast.forecast import Forecast, forecast
from schedules.forecast.simulation import SimOutcome
from schedules.models import Firing, Pool, Schedule, Setting
from schedules.states import ScheduleKind
from schedules.transitions import pause
from stagent.lib import clock
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, the_situation

pytestmark = pytest.mark.django_db


def usual(minutes: float = 10, steps: float = 40, **changes: Any) -> Schedule:
    """A schedule that usually takes so long and so many steps."""
    schedule = a_schedule(**changes)
    schedule.avg_duration_ms, schedule.avg_turns_per_firing = minutes * 60_000, steps
    schedule.save(update_fields=["avg_duration_ms", "avg_turns_per_firing"])
    return schedule


def ahead(hours: int = 48, cap: int | None = None) -> Forecast:
    return forecast(the_situation(), hours=hours, cap=cap)


def waits_min(found: Forecast) -> list[float]:
    return [firing.wait_sec / 60 for firing in found.firings]


def test_every_firing_of_the_coming_hours_is_there_in_order() -> None:
    usual(cron="0 9 * * *", name="Daily")
    usual(cron="30 */12 * * *", name="Twice")
    told = [(firing.schedule.name, f"{firing.due_at:%d %H:%M}") for firing in ahead().firings]
    assert told == [
        ("Twice", "24 12:30"), ("Twice", "25 00:30"), ("Daily", "25 09:00"), ("Twice", "25 12:30"),
        ("Twice", "26 00:30"), ("Daily", "26 09:00"),
    ]  # fmt: skip


def test_five_at_once_wait_for_each_other_and_a_higher_cap_helps() -> None:
    for number in range(5):
        usual(cron="0 9 * * *", name=f"Heavy {number}")
    found = ahead(hours=24)
    assert waits_min(found) == [0, 0, 10, 10, 20]
    assert (found.cap, found.peak_running, found.peak_waiting) == (2, 2, 3)
    assert (found.longest_wait_sec, found.peak_at) == (1200, NOON.replace(day=25, hour=9))
    assert waits_min(ahead(hours=24, cap=3)) == [0, 0, 0, 10, 10]


def test_the_cap_in_force_is_the_one_that_is_played() -> None:
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="7")
    assert ahead().cap == 7


def test_a_schedule_without_history_takes_as_long_as_the_others_do() -> None:
    usual(minutes=20, cron="0 9 * * *")
    a_schedule(cron="0 10 * * *", name="New")
    new = ahead(hours=24).firings[1]
    assert new.end_at - new.start_at == timedelta(minutes=20)
    assert new.schedule.turns == 40


def test_no_run_is_expected_to_take_longer_than_it_may() -> None:
    usual(minutes=300, cron="0 9 * * *", max_run_duration_sec=600)
    usual(minutes=300, cron="0 10 * * *")
    took = [firing.end_at - firing.start_at for firing in ahead(hours=24).firings]
    assert took == [timedelta(minutes=10), timedelta(minutes=20)]


def test_what_runs_and_waits_now_comes_first() -> None:
    running, queued = usual(cron="0 0 1 1 *", name="Running"), usual(cron="0 0 1 1 *", name="Queued")
    a_running_run(running, NOON - timedelta(minutes=4))
    a_queued_run(queued, NOON)
    usual(cron="1 12 * * *", name="Next")
    (next_one,) = ahead(hours=1, cap=1).firings
    assert next_one.start_at == NOON + timedelta(minutes=16)  # 6 left of the one, 10 of the other


def test_a_run_of_a_schedule_that_will_not_fire_holds_its_slot_all_the_same() -> None:
    running = usual(cron="1 12 * * *", name="Paused meanwhile")
    a_running_run(running, NOON)
    pause(running.pk, now=NOON)
    usual(cron="1 12 * * *", name="Next")
    assert waits_min(ahead(hours=1, cap=1)) == [9]


def test_paused_schedules_quiet_hours_and_used_up_firings_are_left_out() -> None:
    pause(usual(cron="0 * * * *", name="Paused").pk, now=NOON)
    hours = {"active_from": "20:00", "active_until": "22:00", "kind": ScheduleKind.HEARTBEAT}
    usual(cron="0 * * * *", name="Evenings", **hours)
    usual(cron="30 * * * *", name="Twice", max_firings=2)
    told = [f"{firing.due_at:%H:%M}" for firing in ahead(hours=24).firings]
    assert told == ["12:30", "13:30", "20:00", "21:00"]


def test_jitter_is_part_of_when_it_is_due() -> None:
    schedule = usual(cron="0 9 * * *", jitter_sec=3000)
    due = ahead(hours=24).firings[0].due_at
    assert abs(due - schedule.next_fire_at) < timedelta(milliseconds=1)
    assert due != schedule.next_nominal_at


def test_a_pool_holds_back_what_the_cap_would_let_run() -> None:
    pool = Pool.objects.create(name="gpu", size=1)
    for _ in range(2):
        usual(cron="0 9 * * *", pool=pool)
    assert waits_min(ahead(hours=24, cap=5)) == [0, 10]


def test_an_instant_that_finds_its_schedule_at_work_is_expected_to_be_skipped() -> None:
    usual(minutes=7, cron="*/5 * * * *")
    found = ahead(hours=1)
    assert [firing.outcome for firing in found.firings] == [SimOutcome.RUNS, SimOutcome.SKIPPED] * 6
    assert (found.runs, found.days[0].firings) == (6, 12)


def test_the_days_add_up_steps_and_cost_on_the_clocks_of_the_install(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"  # noon in London is 21:00 there
    schedule = usual(cron="0 */2 * * *", timezone="UTC", steps=30)
    for minutes, cost in ((1, "0.20"), (2, "0.40")):
        Firing.objects.create(
            schedule=schedule, schedule_name=schedule.name, kind="scheduled", outcome="fired", turn_count=30,
            nominal_at=NOON - timedelta(minutes=minutes), due_at=NOON, cost_usd=cost,
        )  # fmt: skip
    found = ahead(hours=24)
    told = [(f"{day.date:%d}", day.firings, day.turns, round(day.cost_usd, 2)) for day in found.days]
    assert told == [("24", 1, 30, 0.30), ("25", 11, 330, 3.30)]
    assert (found.runs, found.turns, round(found.cost_usd, 2)) == (12, 360, 3.60)


def test_what_never_was_paid_for_costs_its_steps_at_the_usual_price() -> None:
    priced = usual(cron="0 0 1 1 *")
    Firing.objects.create(
        schedule=priced, schedule_name="Priced", kind="manual", outcome="fired", turn_count=10,
        nominal_at=NOON, due_at=NOON, cost_usd="0.50",
    )  # fmt: skip
    usual(cron="0 9 * * *", steps=20)
    assert ahead(hours=24).cost_usd == pytest.approx(1.0)


def test_an_empty_install_has_nothing_ahead() -> None:
    told = answer(ahead())
    assert (told["items"], told["count"], told["peak_concurrent"], told["peak_at"]) == ([], 0, 0, None)


def test_programs_get_a_page_of_firings_and_all_the_sums() -> None:
    schedule = usual(cron="0 * * * *", name="Hourly")
    told = answer(ahead(hours=24), offset=1, limit=2)
    assert (told["count"], told["runs"], told["turns"], len(told["days"])) == (24, 24, 960, 2)
    assert json.loads(json.dumps(told))["items"][0] == {
        "schedule_id": str(schedule.pk), "schedule_name": "Hourly", "timezone": "UTC",
        "due_at": "2026-11-24T14:00:00+00:00", "start_at": "2026-11-24T14:00:00+00:00",
        "end_at": "2026-11-24T14:10:00+00:00", "wait_sec": 0, "skipped_because": None,
    }  # fmt: skip


def printed(*options: str) -> str:
    out = StringIO()
    call_command("forecast", *options, stdout=out)
    return out.getvalue()


@pytest.mark.sqlite  # the other database has a clock of its own
@time_machine.travel(NOON, tick=False)
def test_the_command_prints_sums_days_and_the_next_firings() -> None:
    for number in range(3):
        usual(cron="0 9 * * *", name=f"Heavy {number}")
    assert printed("--hours", "24", "--rows", "2") == (
        "From Tue 24 Nov 12:00 to Wed 25 Nov 12:00, UTC. An estimate.\n"
        "Cap 2: 3 of 3 firings run.\n"
        "At most 2 at once and 1 waiting.\n"
        "The longest wait is 10 min; 95 % wait 10 min or less.\n"
        "\n"
        "Day         Firings  Runs  Steps   Cost\n"
        "Tue 24 Nov        0     0      0  $0.00\n"
        "Wed 25 Nov        3     3    120  $0.00\n"
        "\n"
        "Due                 Starts  Waits  Schedule\n"
        "Wed 25 Nov 09:00  09:00:00         Heavy 0\n"
        "Wed 25 Nov 09:00  09:00:00         Heavy 1\n"
        "… and 1 more (--rows 3).\n"
    )


@pytest.mark.sqlite
@time_machine.travel(NOON, tick=False)
def test_what_if_the_cap_were_another_is_told_beside_how_it_is() -> None:
    for number in range(3):
        usual(cron="0 9 * * *", name=f"Heavy {number}")
    told = printed("--cap", "3", "--hours", "24").splitlines()
    assert told[1:3] == ["Cap 3: 3 of 3 firings run.", "At most 3 at once and 0 waiting."]
    assert told[5:8] == ["As it is:", "Cap 2: 3 of 3 firings run.", "At most 2 at once and 1 waiting."]


def test_the_command_gives_json_to_programs() -> None:
    usual(now=clock.now(), interval="every 1h")
    told = json.loads(printed("--json", "--hours", "24"))
    assert told["count"] == len(told["items"]) == 24


def test_an_empty_install_is_told_so_in_a_line() -> None:
    assert "Cap 2: nothing is due." in printed()


@pytest.mark.parametrize("options", [("--hours", "0"), ("--hours", "169"), ("--cap", "-1"), ("--cap", "x")])
def test_nonsense_is_refused(options: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match="is not a whole number from 1 to"):
        printed(*options)
