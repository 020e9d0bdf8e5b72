"""What Prometheus is told, and who may ask."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families

from agents import live_streams
from agents.models import Budget, LedgerEntry
from agents.runtimes import breaker
from agents.states import Activity
from schedules.capacity import wait_reasons
from schedules.models import CounterTotal, Pool, Run
from schedules.states import RunStatus, Source, WaitReason
from schedules.transitions import Ending, finish, pause
from stagent.lib import clock
from stagent.models import ApiToken
from tests.support.builders import (
    a_profile,
    a_queued_run,
    a_running_run,
    a_schedule,
    a_scheduler,
    has_worked,
    the_situation,
)


def scrape(client, **headers):
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    samples = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            samples[(sample.name, *sample.labels.values())] = sample.value
    return samples


@pytest.fixture
def prometheus(client, alice):
    client.force_login(alice)
    CounterTotal.objects.all().delete()  # count from the beginning
    return client


def test_an_empty_install_tells_every_gauge(prometheus):
    told = scrape(prometheus)
    assert (
        told["stagent_cap",],
        told["stagent_slots", "default"],
        told["stagent_slots_held", "default"],
    ) == (2, 2, 0)
    assert told["stagent_schedulers", "true"] == told["stagent_schedules", "active"] == 0
    assert told["stagent_run_duration_seconds_bucket", "+Inf"] == 0
    assert told["stagent_queue_oldest_age_seconds",] == 0


def test_the_cap_of_a_scheduler_is_told_with_its_source_and_is_the_one_in_force(prometheus):
    a_scheduler(clock.now(), cap=7, cap_source="command line")
    told = scrape(prometheus)
    assert told["stagent_cap",] == told["stagent_slots", "default"] == 7
    assert told["stagent_scheduler_cap", "here", "1", "command line"] == 7


def test_what_goes_on_is_told(prometheus):
    now = clock.now()
    Pool.objects.create(name="heavy", size=3)
    a_running_run(a_schedule(now, name="At work", pool_id="heavy"), now)
    a_queued_run(a_schedule(now, name="Waits"), now - timedelta(seconds=90))
    pause(a_schedule(now, name="Rests").pk, now=now, reason="a rest")
    live_streams.begin("message:1", "web", 60, now)
    breaker.trip("anthropic", "auth_failed", "no", now)
    a_scheduler(now, event_loop_lag_ms=2.5, database_wait_ms=4, rss_mb=100)
    a_scheduler(now, executes=False)
    told = scrape(prometheus)
    assert (told["stagent_slots_held", "default"], told["stagent_slots_held", "heavy"]) == (1, 1)
    assert (told["stagent_slots", "heavy"], told["stagent_running_runs",]) == (3, 1)
    assert (told["stagent_queued_runs", "chat"], told["stagent_queued_runs", "slot"]) == (1, 0)
    assert 90 <= told["stagent_queue_oldest_age_seconds",] < 150
    assert (told["stagent_schedules", "active"], told["stagent_schedules", "paused"]) == (2, 1)
    assert (told["stagent_live_streams",], told["stagent_breaker_open", "anthropic"]) == (1, 1)
    assert (told["stagent_schedulers", "true"], told["stagent_schedulers", "false"]) == (1, 1)
    assert told["stagent_scheduler_event_loop_lag_seconds", "here", "1"] == 0.0025
    assert told["stagent_scheduler_database_wait_seconds", "here", "1"] == 0.004


def test_histograms_and_counters_tell_what_ended(prometheus):
    now = clock.now()
    run, claimed = a_running_run(a_schedule(now), now, source=Source.MANUAL)
    has_worked(claimed, turns=7)
    ended = Ending(RunStatus.FAILED, "timeout")
    finish(run.pk, claimed.token, ended, now=now + timedelta(seconds=12))
    told = scrape(prometheus)
    assert (
        told["stagent_runs_total", "manual", "failed"] == told["stagent_run_failures_total", "timeout"] == 1
    )
    assert (told["stagent_run_turns_bucket", "5.0"], told["stagent_run_turns_bucket", "10.0"]) == (0, 1)
    assert (told["stagent_run_turns_sum",], told["stagent_run_turns_count",]) == (7, 1)


def test_the_bins_of_a_histogram_are_told_as_no_counter(prometheus):
    now = clock.now()
    run, claimed = a_running_run(a_schedule(now), now)
    has_worked(claimed, turns=7)
    finish(run.pk, claimed.token, Ending(RunStatus.COMPLETED), now=now)
    LedgerEntry.objects.create(at=now, activity=Activity.RUN_TURN)
    told = scrape(prometheus)
    assert [key for key in told if key[0] == "stagent_turns_total"] == [("stagent_turns_total", "run_turn")]


def test_a_cancelled_run_is_told_as_ended_and_not_as_failed(prometheus):
    now = clock.now()
    run, claimed = a_running_run(a_schedule(now), now, source=Source.MANUAL)
    finish(run.pk, claimed.token, Ending(RunStatus.CANCELLED, "aborted"), now=now)
    told = scrape(prometheus)
    assert told["stagent_runs_total", "manual", "cancelled"] == 1
    assert ("stagent_run_failures_total", "aborted") not in told


def test_the_count_of_waits_agrees_with_what_each_run_is_told(db):
    now = clock.now()
    shut = a_profile("shut")
    plain, paused, spent = (a_schedule(now, name=name) for name in ("Plain", "Paused", "Spent"))
    for schedule in (plain, paused, spent, a_schedule(now, name="Shut", profile=shut)):
        a_queued_run(schedule, now)
        a_queued_run(schedule, now - timedelta(hours=1))
        a_queued_run(schedule, now, source=Source.MANUAL)
    Run.objects.filter(pk=a_queued_run(plain, now).pk).update(not_before=now + timedelta(minutes=1))
    pause(paused.pk, now=now, reason="a rest")
    Budget.objects.create(scope="schedule", subject_id=spent.pk, max_cost_usd=0)
    live_streams.begin("message:1", "web", 60, now)
    for install_is_spent in (False, True):
        if install_is_spent:
            Budget.objects.create(max_cost_usd=0)
        situation = the_situation(now)
        object.__setattr__(situation, "open_breakers", frozenset({shut.pk}))
        one_by_one = [wait_reasons.reason(run, situation) for run in Run.objects.select_related("schedule")]
        assert wait_reasons.count(situation) == {reason: one_by_one.count(reason) for reason in WaitReason}
        assert len(set(one_by_one)) == (4 if install_is_spent else 6)


def test_a_program_asks_with_its_token(client, bob):
    _, secret = ApiToken.objects.issue(bob, "prometheus", now=clock.now())
    refused = client.get("/metrics", headers={"Authorization": f"Bearer {secret}"})
    assert (refused.status_code, b"schedules.view_tally" in refused.content) == (403, True)
    bob.user_permissions.add(Permission.objects.get(codename="view_tally"))
    assert scrape(client, authorization=f"Bearer {secret}")["stagent_cap",] == 2
    assert scrape(client, authorization=f"bearer {secret}")["stagent_cap",] == 2, "in any case"


def test_a_stranger_is_told_nothing_not_even_from_this_machine(client, db):
    answer = client.get("/metrics", REMOTE_ADDR="127.0.0.1")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"stagent_" not in answer.content


def test_a_database_that_is_away_is_said_and_no_page_breaks(prometheus, monkeypatch):
    def away(*arguments):
        raise OperationalError("connection refused")

    monkeypatch.setattr("stagent.ops.metrics.page.conditions.load", away)
    answer = prometheus.get("/metrics")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.content == b"The database does not answer right now.\n"


def test_a_wrong_token_does_not_fall_back_to_the_session(prometheus):
    assert prometheus.get("/metrics", headers={"Authorization": "Bearer stagent_wrong"}).status_code == 401


def test_openmetrics_is_spoken_to_those_who_ask_for_it(prometheus):
    answer = prometheus.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


def test_a_scrape_asks_the_same_few_questions_however_much_there_is(
    prometheus, django_assert_max_num_queries
):
    now = clock.now()
    for number in range(12):
        a_queued_run(a_schedule(now, name=f"Number {number}"), now)
    with django_assert_max_num_queries(42):
        scrape(prometheus)
