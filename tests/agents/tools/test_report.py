"""The report tool."""

from agents.tools import invoke
from agents.tools.base import Report, ToolContext
from agents.tools.people.report import REPORT


async def call_report(context: ToolContext, **arguments):
    return await invoke.call(REPORT, context, arguments)


async def test_nothing_to_report_needs_no_body():
    context = ToolContext()
    result = await call_report(context, changed=False)
    assert context.report == Report(changed=False, severity="info", body="")
    assert result.text == "Noted: nothing to report."


async def test_a_finding_is_stored_with_its_severity():
    context = ToolContext()
    await call_report(context, changed=True, severity="critical", body=" The disk is full. ")
    assert context.report == Report(changed=True, severity="critical", body="The disk is full.")


async def test_a_change_without_a_body_is_refused_and_stores_nothing():
    context = ToolContext()
    assert (await call_report(context, changed=True, body="  ")).is_error
    assert context.report is None


async def test_an_unknown_severity_is_refused():
    context = ToolContext()
    assert "must be one of" in (await call_report(context, changed=True, severity="huge", body="x")).text
    assert context.report is None


async def test_the_last_report_counts():
    context = ToolContext()
    await call_report(context, changed=True, body="First.")
    await call_report(context, changed=False)
    assert context.report is not None
    assert not context.report.changed
