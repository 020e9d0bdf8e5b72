"""Standing approvals: created by an answer, for one tool in one scope, and never by a model."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from agents.approvals import approvals, standing
from agents.models import Approval, StandingApproval
from agents.protocol.events import ApprovalRequested, ApprovalResolved, Notice, ToolStarted
from agents.spending.budgets import Spender
from agents.states import Activity
from agents.tools import registry
from agents.tools.base import Tool
from stagent.lib.problems import Problem
from tests.agents.conftest import finish, work
from tests.agents.provider import say, want

pytestmark = pytest.mark.django_db
SCOPE = standing.schedule_scope(3)
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}


@pytest.fixture
def sent():
    """Register a tool that asks and one that asks each time; list what they sent."""
    recipients = []

    def send(context, arguments):
        recipients.append(arguments["to"])
        return "sent"

    registry.register(Tool("send", "Send it.", SCHEMA, send, permission="ask"))
    registry.register(Tool("raze", "Raze it.", SCHEMA, send, permission="ask", asks_each_time=True))
    yield recipients
    for name in ("send", "raze"):
        registry._tools.pop(name)


@pytest.fixture
def asks(assign, alice):
    """Return a function that builds an assignment for Alice's agent in a scope."""

    def asks(scope=SCOPE, user=alice, **more):
        spender = Spender(Activity.RUN_TURN, run_id=7, schedule_id=3, user_id=user and user.pk)
        tools = {"tools": ["send", "raze"], "can_request_approval": True}
        return assign(scope=scope, spender=spender, **tools | more)

    return asks


def events_of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def allow_always(assignment, user):
    """Let the tool ask, and answer "always"."""
    work(assignment)
    return approvals.answer(Approval.objects.open().first().pk, user, "always")


def test_an_always_allowed_tool_is_called_without_asking_from_then_on(script, asks, sent, alice):
    script(want(("send", {"to": "a"})))
    first = asks()
    assert allow_always(first, alice).status == "allowed"
    script(want(("send", {"to": "b"})), say("Sent twice."))
    events = work(first)
    assert (events[-1].text, sent) == ("Sent twice.", ["a", "b"])
    script(want(("send", {"to": "c"})), say("Again."))
    events = work(asks())  # the next run
    assert (events[-1].text, sent) == ("Again.", ["a", "b", "c"])
    assert not events_of(events, ApprovalRequested) + events_of(events, ApprovalResolved)
    (notice,) = events_of(events, Notice)
    assert notice.text == "send was allowed automatically: alice always allows it in this schedule."
    (call,) = events_of(events, ToolStarted)
    assert call.allowed == "alice always allows it in this schedule"


def test_each_call_under_it_is_stored_with_the_user_who_gave_it(script, asks, sent, alice):
    script(want(("send", {"to": "a"})))
    allow_always(asks(), alice)
    script(want(("send", {"to": "b"})), say("Sent."))
    finish(asks())
    stored = Approval.objects.get(by_standing_approval=True)
    assert (stored.status, stored.answered_by, stored.arguments) == ("allowed", alice, {"to": "b"})
    entries = [(entry.change_message, entry.action_flag) for entry in LogEntry.objects.order_by("pk")]
    assert entries[-1][0].startswith("Given with approval")
    assert len(entries) == 2, "the answer and the standing approval; not every call"


def test_it_holds_for_no_other_scope_user_or_tool(script, asks, sent, alice, bob):
    script(want(("send", {"to": "a"})))
    allow_always(asks(), alice)
    for other in (
        {"scope": standing.schedule_scope(4)},
        {"scope": standing.conversation_scope(3)},
        {"user": bob},
    ):
        script(want(("send", {"to": "b"})))
        assert finish(asks(**other)).outcome == "parked", other
    script(want(("raze", {"to": "b"})))
    assert finish(asks()).outcome == "parked"
    assert sent == []


def test_a_tool_with_a_changed_description_asks_again(script, asks, sent, alice):
    script(want(("send", {"to": "a"})))
    allow_always(asks(), alice)
    old = registry._tools.pop("send")
    registry.register(Tool("send", "Send it, and burn the rest.", SCHEMA, old.call, permission="ask"))
    script(want(("send", {"to": "b"})))
    assert finish(asks()).outcome == "parked"
    approvals.answer(Approval.objects.open().get(run_id=7, arguments={"to": "b"}).pk, alice, "always")
    assert StandingApproval.objects.count() == 1, "the new standing approval replaces the old one"


@pytest.mark.parametrize("overrides", [{"scope": ""}, {"user": None}])
def test_without_a_scope_or_a_user_each_call_is_asked_about(script, asks, sent, alice, overrides):
    script(want(("send", {"to": "a"})))
    work(asks(**overrides))
    approval = Approval.objects.get()
    with pytest.raises(Problem, match="send needs approval for each call"):
        approvals.answer(approval.pk, alice, "always")
    approval.refresh_from_db()
    assert approval.is_open
    assert not StandingApproval.objects.exists()


@pytest.mark.parametrize("name", ["shell", "create_schedule", "ask_person"])
def test_these_tools_ask_each_time(name):
    tool = registry.get(name)
    assert tool is not None
    assert standing.tool_digest(tool) == ""


def test_open_requests_in_the_same_scope_are_allowed_with_it(script, asks, sent, alice):
    script(want(("send", {"to": "a"}), ("raze", {"to": "b"}), ("send", {"to": "c"})))
    assignment = asks()
    allow_always(assignment, alice)
    assert list(Approval.objects.order_by("pk").values_list("status", flat=True)) == [
        "allowed",
        "open",
        "allowed",
    ]
    approvals.answer(Approval.objects.open().get().pk, alice, "deny")
    script(say("Done."))
    assert finish(assignment).text == "Done."
    assert sent == ["a", "c"]


def test_covered_calls_are_made_at_once_while_the_rest_waits(script, asks, sent, alice):
    script(want(("send", {"to": "a"})))
    allow_always(asks(), alice)
    script(want(("raze", {"to": "b"}), ("send", {"to": "c"})))
    assignment = asks()
    assert finish(assignment).outcome == "parked"
    assert sent == ["c"]
    approvals.answer(Approval.objects.open().get(tool="raze").pk, alice, "allow")
    provider = script(say("Both."))
    assert finish(assignment).text == "Both."
    assert sent == ["c", "b"]
    assert [block["content"] for block in provider.last["messages"][-1]["content"]] == ["sent", "sent"]


def test_after_revocation_it_asks_again(script, asks, sent, alice, bob):
    script(want(("send", {"to": "a"})))
    allow_always(asks(), alice)
    granted = StandingApproval.objects.get()
    with pytest.raises(Problem, match="Standing approval not found"):
        standing.revoke(granted.pk, bob)
    standing.revoke(granted.pk, alice)
    assert LogEntry.objects.latest("pk").change_message == "Revoked."
    script(want(("send", {"to": "b"})))
    assert finish(asks()).outcome == "parked"
    assert sent == []


def test_it_is_void_once_its_giver_can_no_longer_answer(script, asks, sent, alice, bob):
    bob.user_permissions.add(Permission.objects.get(codename="answer_approval"))
    script(want(("send", {"to": "a"})))
    allow_always(asks(), bob)
    assert standing.load(SCOPE, alice.pk)
    bob.user_permissions.clear()
    assert not standing.load(SCOPE, alice.pk)
    bob.user_permissions.add(Permission.objects.get(codename="answer_approval"))
    bob.is_active = False
    bob.save()
    assert not standing.load(SCOPE, alice.pk)


def test_a_second_answer_creates_no_standing_approval(script, asks, sent, alice):
    script(want(("send", {"to": "a"})))
    work(asks())
    approval = Approval.objects.get()
    approvals.answer(approval.pk, alice, "deny")
    assert approvals.answer(approval.pk, alice, "always").status == "denied"
    assert not StandingApproval.objects.exists()


def test_a_denied_tool_is_not_offered_despite_a_standing_approval(script, asks, sent, alice):
    script(want(("send", {"to": "a"})))
    allow_always(asks(), alice)
    provider = script(want(("send", {"to": "b"})), say("I cannot."))
    assert finish(asks(permissions={"send": "deny"})).text == "I cannot."
    assert "send" not in {tool["name"] for tool in provider.last["tools"]}
    assert sent == []
