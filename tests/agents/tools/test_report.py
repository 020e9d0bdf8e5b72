"""The report tool: what an agent found, in a form that code can read."""

from agents.tools import invoke
from agents.tools.base import Report, ToolContext
from agents.tools.people.report import REPORT


async def told(context: ToolContext, **arguments):
    return await invoke.call(REPORT, context, arguments)


async def test_nothing_to_report_needs_no_body():
    context = ToolContext()
    result = await told(context, changed=False)
    assert context.report == Report(changed=False, severity="info", body="")
    assert result.text == "Noted: nothing to report."


async def test_a_finding_is_kept_with_its_severity():
    context = ToolContext()
    await told(context, changed=True, severity="critical", body=" The disk is full. ")
    assert context.report == Report(changed=True, severity="critical", body="The disk is full.")


async def test_a_change_without_a_body_is_refused_and_leaves_nothing():
    context = ToolContext()
    assert (await told(context, changed=True, body="  ")).is_error
    assert context.report is None


async def test_a_severity_of_ones_own_is_refused():
    context = ToolContext()
    assert "must be one of" in (await told(context, changed=True, severity="huge", body="x")).text
    assert context.report is None


async def test_the_last_report_stands():
    context = ToolContext()
    await told(context, changed=True, body="First.")
    await told(context, changed=False)
    assert context.report is not None
    assert not context.report.changed
