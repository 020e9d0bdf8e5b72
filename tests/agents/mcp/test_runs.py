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
    """Return a function that builds an assignment for a profile with these tools and the offline model."""
    return lambda prompt, *tools, **more: assign(prompt, tools=list(tools), **OFFLINE | more)


def results(events) -> list[ToolFinished]:
    return [event for event in events if isinstance(event, ToolFinished)]


def test_a_tool_of_a_stdio_server_is_called_and_its_process_ends_with_the_run(ask):
    allowed(a_server(), "shout", "add")
    events = work(ask("call tester__shout with good morning", "tester__shout"))
    (started,) = [event for event in events if isinstance(event, ToolStarted)]
    assert (started.name, started.arguments) == ("tester__shout", {"text": "good morning"})
    assert [(each.result, each.is_error) for each in results(events)] == [("GOOD MORNING", False)]
    assert "GOOD MORNING" in events[-1].text


def test_a_tool_of_an_http_server_is_called(ask, http_server_url, monkeypatch):
    monkeypatch.setenv("TESTER_TOKEN", "hush-hush-hush")
    server = a_server(
        transport="http", url=http_server_url, headers={"Authorization": "Bearer ${TESTER_TOKEN}"}, command=""
    )
    allowed(server, "add")
    (done,) = results(work(ask('use tester__add {"a": 2, "b": 40}', "tester__*")))
    assert (done.result, done.is_error) == ("42", False)


def test_a_run_without_calls_starts_no_server(ask):
    allowed(a_server(), "shout")
    (home(McpServer.objects.get()) / "pids").unlink(missing_ok=True)
    McpServer.objects.update(arguments=["-c", "open('pids', 'w').write('1')"])
    assert finish(ask("hello", "tester__shout")).outcome == "completed"
    assert not (home(McpServer.objects.get()) / "pids").exists()


def test_one_server_serves_all_calls_of_a_run(ask):
    allowed(a_server(), "environment")
    events = work(ask("[[offline: turns=4 tool=tester__environment]]", "tester__*"))
    assert len(results(events)) == 3
    assert not any(each.is_error for each in results(events))


def test_a_failed_tool_call_is_a_result_for_the_model(ask):
    allowed(a_server(), "fail")
    events = work(ask("call tester__fail", "tester__fail"))
    (done,) = results(events)
    assert done.is_error
    assert "fail" in done.result
    assert events[-1].outcome == "completed"


def test_images_are_described(ask):
    allowed(a_server(), "picture")
    (done,) = results(work(ask("call tester__picture", "tester__*")))
    assert done.result == "Look:\n\n[image, image/png, 48 bytes: not shown]"


def test_a_long_result_is_cut_and_a_huge_one_fails_only_its_call(ask):
    allowed(a_server(), "long_answer")
    (done,) = results(work(ask('call tester__long_answer with {"megabytes": 5}', "tester__*")))
    assert not done.is_error
    assert len(done.result) < 51_000
    assert "[cut here" in done.result
    events = work(ask('call tester__long_answer with {"megabytes": 20}', "tester__*"))
    assert results(events)[0].is_error
    assert "The MCP server Tester failed" in results(events)[0].result
    assert events[-1].outcome == "completed"
    assert "16,777,216 bytes" in McpServer.objects.get().error


def test_the_environment_of_a_server_has_only_the_secrets_that_it_names(ask, monkeypatch):
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


def test_a_server_that_crashes_in_a_call_is_restarted_for_the_next(ask):
    allowed(a_server(), "crash", "shout")
    events = work(ask("[[offline: turns=4 tool=tester__crash]]", "tester__*"))
    assert [each.is_error for each in results(events)] == [True, True, True]
    assert "The connection was lost" in results(events)[0].result
    assert "is not used for the rest of this run" in results(events)[2].result, "twice is enough for one run"
    assert events[-1].outcome == "completed"
    assert "exit code 3" in McpServer.objects.get().error
    assert "out of cheese" in McpServer.objects.get().error


@pytest.mark.parametrize(
    ("fault", "message"),
    [("garbage", "not the Model Context Protocol"), ("endless", "16,777,216"), ("crash", "no such database")],
)
def test_a_broken_server_is_reported_to_the_model_and_the_operators(ask, fault, message):
    server = allowed(a_server(), "shout")
    server.arguments = [*server.arguments, fault]
    server.save()
    events = work(ask("call tester__shout with hello", "tester__*"))
    assert "The MCP server Tester failed" in results(events)[0].result
    assert events[-1].outcome == "completed"
    assert message in McpServer.objects.get().error
    assert message not in results(events)[0].result


def test_the_connect_timeout_limits_the_wait_for_a_server(ask):
    server = allowed(a_server(connect_timeout_sec=20), "shout")
    server.arguments, server.connect_timeout_sec = [*server.arguments, "hang"], 1
    server.save()
    began = time.monotonic()
    events = work(ask("call tester__shout with hello", "tester__*"))
    assert "did not respond within 1 seconds" in results(events)[0].result
    assert time.monotonic() - began < 20, "the changed timeout applies"
    assert all_gone(pids(server))


def test_a_call_that_hangs_ends_at_its_limit_and_its_processes_with_the_run(ask):
    server = allowed(a_server(call_timeout_sec=1), "sleep")
    events = work(ask("call tester__sleep", "tester__*"))
    assert "did not respond" in results(events)[0].result
    assert events[-1].outcome == "completed"
    assert len(pids(server)) == 2
    assert all_gone(pids(server))


def test_a_banner_on_its_output_is_ignored(ask):
    allowed(a_server("chatty"), "shout")
    (done,) = results(work(ask("call tester__shout with hello", "tester__*")))
    assert done.result == "HELLO"


def test_a_missing_secret_is_reported_without_connecting(ask):
    server = allowed(a_server(), "shout")
    server.env = {"API_KEY": "${NOBODY_SET_THIS}"}
    server.save()
    (done,) = results(work(ask("call tester__shout with hello", "tester__*")))
    assert "configuration is incomplete" in done.result
    assert "NOBODY_SET_THIS is not set" in McpServer.objects.get().error


# Permissions.


def test_star_alone_offers_no_tool_of_a_server(ask):
    allowed(a_server(), "shout")
    events = work(ask("call tester__shout with hello", "*"))
    assert not results(events)
    assert "not offered here" in events[-1].text


def test_denied_is_not_offered(ask):
    allowed(a_server(), "shout")
    events = work(ask("call tester__shout with hello", "tester__*", permissions={"tester__*": "deny"}))
    assert not results(events)


def test_a_person_is_asked_first_by_default(ask):
    allowed(a_server(permission="ask"), "shout")
    assignment = ask("call tester__shout with hello", "tester__*", can_request_approval=True)
    events = work(assignment)
    assert events[-1].outcome == "parked"
    (asked,) = [event for event in events if isinstance(event, ApprovalRequested)]
    assert asked.text == "Allow the agent to call shout on the MCP server Tester?"
    assert asked.card["lines"] == [{"label": "text", "value": "hello"}]
    Approval.objects.update(status="allowed", answered_at=Approval.objects.get().asked_at)
    assert results(work(assignment))[0].result == "HELLO"


def test_the_more_specific_permission_of_a_profile_counts(ask):
    allowed(a_server(permission="ask"), "shout", "add")
    permissions = {"tester__*": "deny", "tester__shout": "allow"}
    events = work(ask("call tester__shout with hello", "tester__*", permissions=permissions))
    assert results(events)[0].result == "HELLO"


def test_a_tool_that_changed_since_it_was_allowed_is_not_called(ask):
    server = allowed(a_server(), "shout")
    (home(server) / "other").touch()
    try:
        events = work(ask("call tester__shout with hello", "tester__*"))
    finally:
        (home(server) / "other").unlink()
    assert results(events)[0].is_error
    assert "has changed or removed this tool since it was allowed" in results(events)[0].result
    assert the_tool("shout").state == "changed"


def test_a_changed_tool_is_not_offered_and_the_model_gets_a_notice(ask, monkeypatch):
    server = allowed(a_server(), "shout", "add")
    server.tools.filter(name="shout").update(digest="another")
    assignment = ask("call tester__shout with hello", "tester__shout", "tester__add")
    events = work(assignment)
    assert not results(events)
    assert "not offered here" in events[-1].text


# Stopping.


def test_a_limit_of_turns_still_closes_the_server(ask):
    server = allowed(a_server(), "environment")
    (home(server) / "pids").unlink(missing_ok=True)
    finished = finish(ask("[[offline: turns=9 tool=tester__environment]]", "tester__*", max_turns=2))
    assert finished.reason is FailureReason.TURN_LIMIT_EXCEEDED
    assert str(home(server)) not in os.popen("ps -eo args").read()
