"""Agents call tools of real MCP servers, through the engine, with the offline model."""

import os
import time

import pytest

from agents.models import Approval, McpServer
from agents.protocol.events import ApprovalRequested, ToolFinished, ToolStarted
from agents.states import FailureReason
from tests.agents.conftest import MakeAssignment, finish, work
from tests.support.mcp_servers import a_server, all_gone, allowed, home, pids, the_tool

pytestmark = pytest.mark.django_db
OFFLINE = {"runtime": "anthropic"}


@pytest.fixture
def ask(assign: MakeAssignment):
    """Return a function that makes an assignment for a profile with these tools on the offline model."""
    return lambda prompt, *tools, **more: assign(prompt, tools=list(tools), **OFFLINE | more)


def results(events) -> list[ToolFinished]:
    return [event for event in events if isinstance(event, ToolFinished)]


def test_a_tool_of_a_command_is_called_and_its_process_is_gone_with_the_run(ask):
    allowed(a_server(), "shout", "add")
    happened = work(ask("call tester__shout with good morning", "tester__shout"))
    (started,) = [event for event in happened if isinstance(event, ToolStarted)]
    assert (started.name, started.arguments) == ("tester__shout", {"text": "good morning"})
    assert [(each.result, each.is_error) for each in results(happened)] == [("GOOD MORNING", False)]
    assert "GOOD MORNING" in happened[-1].text


def test_a_tool_at_an_address_is_called(ask, on_the_web, monkeypatch):
    monkeypatch.setenv("TESTER_TOKEN", "hush-hush-hush")
    server = a_server(
        transport="http", url=on_the_web, headers={"Authorization": "Bearer ${TESTER_TOKEN}"}, command=""
    )
    allowed(server, "add")
    (done,) = results(work(ask('use tester__add {"a": 2, "b": 40}', "tester__*")))
    assert (done.result, done.is_error) == ("42", False)


def test_a_run_that_calls_none_starts_no_server(ask):
    allowed(a_server(), "shout")
    (home(McpServer.objects.get()) / "pids").unlink(missing_ok=True)
    McpServer.objects.update(arguments=["-c", "open('pids', 'w').write('1')"])
    assert finish(ask("hello", "tester__shout")).outcome == "completed"
    assert not (home(McpServer.objects.get()) / "pids").exists()


def test_one_server_serves_all_calls_of_a_run(ask):
    allowed(a_server(), "environment")
    happened = work(ask("[[offline: turns=4 tool=tester__environment]]", "tester__*"))
    assert len(results(happened)) == 3
    assert not any(each.is_error for each in results(happened))


def test_what_a_tool_says_has_failed_is_a_result_for_the_model(ask):
    allowed(a_server(), "fail")
    happened = work(ask("call tester__fail", "tester__fail"))
    (done,) = results(happened)
    assert done.is_error
    assert "fail" in done.result
    assert happened[-1].outcome == "completed"


def test_pictures_are_named_and_not_shown(ask):
    allowed(a_server(), "picture")
    (done,) = results(work(ask("call tester__picture", "tester__*")))
    assert done.result == "Look:\n\n[image, image/png, 48 bytes: not shown]"


def test_a_long_answer_is_cut_and_a_huge_one_costs_only_its_call(ask):
    allowed(a_server(), "long_answer")
    (done,) = results(work(ask('call tester__long_answer with {"megabytes": 5}', "tester__*")))
    assert not done.is_error
    assert len(done.result) < 51_000
    assert "[cut here" in done.result
    happened = work(ask('call tester__long_answer with {"megabytes": 20}', "tester__*"))
    assert results(happened)[0].is_error
    assert "The MCP server Tester failed" in results(happened)[0].result
    assert happened[-1].outcome == "completed"
    assert "16,777,216 bytes" in McpServer.objects.get().error


def test_the_child_s_environment_holds_none_of_our_secrets_but_what_is_named(ask, monkeypatch):
    for name in ("SECRET_KEY", "DATABASE_URL", "STAGENT_ADMIN_PASSWORD"):
        monkeypatch.setenv(name, f"the {name} itself")
    monkeypatch.setenv("PRINTER_KEY", "open-sesame-printer")
    server = a_server(env={"API_KEY": "${PRINTER_KEY}", "LEVEL": "3"})
    allowed(server, "environment")
    (done,) = results(work(ask("call tester__environment", "tester__*")))
    assert "LEVEL=3" in done.result
    assert "itself" not in done.result
    assert "ANTHROPIC" not in done.result
    assert "open-sesame" not in done.result, "the model sees the name of a secret, not the secret"
    assert "API_KEY=${PRINTER_KEY}" in done.result
    assert f"HOME={home(server)}" in done.result


def test_a_server_that_goes_away_in_a_call_is_started_anew_for_the_next(ask):
    allowed(a_server(), "crash", "shout")
    happened = work(ask("[[offline: turns=4 tool=tester__crash]]", "tester__*"))
    assert [each.is_error for each in results(happened)] == [True, True, True]
    assert "It went away" in results(happened)[0].result
    assert "left alone" in results(happened)[2].result, "twice is enough for one run"
    assert happened[-1].outcome == "completed"
    assert "exit code 3" in McpServer.objects.get().error
    assert "out of cheese" in McpServer.objects.get().error


@pytest.mark.parametrize(
    ("how", "says"),
    [("garbage", "not the Model Context Protocol"), ("endless", "16,777,216"), ("crash", "no such database")],
)
def test_a_server_that_cannot_be_talked_to_is_told_to_the_model_and_the_operators(ask, how, says):
    server = allowed(a_server(), "shout")
    server.arguments = [*server.arguments, how]
    server.save()
    happened = work(ask("call tester__shout with hello", "tester__*"))
    assert "The MCP server Tester failed" in results(happened)[0].result
    assert happened[-1].outcome == "completed"
    assert says in McpServer.objects.get().error
    assert says not in results(happened)[0].result


def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_it_may_take(ask):
    server = allowed(a_server(connect_timeout_sec=20), "shout")
    server.arguments, server.connect_timeout_sec = [*server.arguments, "hang"], 1
    server.save()
    began = time.monotonic()
    happened = work(ask("call tester__shout with hello", "tester__*"))
    assert "did not answer within 1 seconds" in results(happened)[0].result
    assert time.monotonic() - began < 20, "not as long as it had when it was looked at"
    assert all_gone(pids(server))


def test_a_call_that_hangs_ends_at_its_limit_and_its_processes_with_the_run(ask):
    server = allowed(a_server(call_timeout_sec=1), "sleep")
    happened = work(ask("call tester__sleep", "tester__*"))
    assert "did not answer" in results(happened)[0].result
    assert happened[-1].outcome == "completed"
    assert len(pids(server)) == 2
    assert all_gone(pids(server))


def test_a_banner_on_its_output_is_forgiven(ask):
    allowed(a_server("chatty"), "shout")
    (done,) = results(work(ask("call tester__shout with hello", "tester__*")))
    assert done.result == "HELLO"


def test_a_secret_that_is_not_set_is_told_without_trying(ask):
    server = allowed(a_server(), "shout")
    server.env = {"API_KEY": "${NOBODY_SET_THIS}"}
    server.save()
    (done,) = results(work(ask("call tester__shout with hello", "tester__*")))
    assert "not set up completely" in done.result
    assert "NOBODY_SET_THIS is not set" in McpServer.objects.get().error


# Who may.


def test_star_alone_offers_no_tool_of_a_server(ask):
    allowed(a_server(), "shout")
    happened = work(ask("call tester__shout with hello", "*"))
    assert not results(happened)
    assert "not offered here" in happened[-1].text


def test_denied_is_not_offered(ask):
    allowed(a_server(), "shout")
    happened = work(ask("call tester__shout with hello", "tester__*", permissions={"tester__*": "deny"}))
    assert not results(happened)


def test_a_person_is_asked_first_unless_somebody_says_otherwise(ask):
    allowed(a_server(permission="ask"), "shout")
    assignment = ask("call tester__shout with hello", "tester__*", may_ask=True)
    happened = work(assignment)
    assert happened[-1].outcome == "parked"
    (asked,) = [event for event in happened if isinstance(event, ApprovalRequested)]
    assert asked.text == "Allow the agent to call shout on the MCP server Tester?"
    assert asked.card["lines"] == [{"label": "text", "value": "hello"}]
    Approval.objects.update(status="allowed", answered_at=Approval.objects.get().asked_at)
    assert results(work(assignment))[0].result == "HELLO"


def test_the_nearer_word_of_a_profile_counts(ask):
    allowed(a_server(permission="ask"), "shout", "add")
    may = {"tester__*": "deny", "tester__shout": "allow"}
    happened = work(ask("call tester__shout with hello", "tester__*", permissions=may))
    assert results(happened)[0].result == "HELLO"


def test_a_tool_that_changed_since_it_was_allowed_is_not_called(ask):
    server = allowed(a_server(), "shout")
    (home(server) / "other").touch()
    try:
        happened = work(ask("call tester__shout with hello", "tester__*"))
    finally:
        (home(server) / "other").unlink()
    assert results(happened)[0].is_error
    assert "other words than when it was allowed" in results(happened)[0].result
    assert the_tool("shout").state == "changed"


def test_a_tool_that_is_known_to_have_changed_is_not_offered_and_the_model_is_told(ask, monkeypatch):
    server = allowed(a_server(), "shout", "add")
    server.tools.filter(name="shout").update(digest="another")
    assignment = ask("call tester__shout with hello", "tester__shout", "tester__add")
    happened = work(assignment)
    assert not results(happened)
    assert "not offered here" in happened[-1].text


# Stopping.


def test_a_limit_of_turns_still_closes_the_server(ask):
    server = allowed(a_server(), "environment")
    (home(server) / "pids").unlink(missing_ok=True)
    finished = finish(ask("[[offline: turns=9 tool=tester__environment]]", "tester__*", max_turns=2))
    assert finished.reason is FailureReason.TURN_LIMIT_EXCEEDED
    assert str(home(server)) not in os.popen("ps -eo args").read()
