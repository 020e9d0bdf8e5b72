"""The tool that looks ahead."""

from typing import Any

from agents.tools.base import Arguments, Tool, ToolContext
from schedules import caps
from schedules import situation as situations
from schedules.forecast import MOST_HOURS
from schedules.forecast import forecast as look_ahead
from schedules.forecast_answer import answer
from schedules.tools.acting import may_look, tool_call
from schedules.tools.describing import schema
from stagent.lib import clock

SHOWN = 100


@tool_call
def forecast(context: ToolContext, arguments: Arguments) -> Any:
    """Tell what the coming hours hold."""
    may_look(context, "view_schedule")
    situation = situations.look(now := clock.now(), caps.load(now))
    ahead = look_ahead(situation, hours=arguments.get("hours", 24), cap=arguments.get("cap"))
    return answer(ahead, limit=SHOWN)


FORECAST = Tool(
    name="forecast",
    description=(
        "Look ahead: every firing of the coming hours with its predicted start and wait under the cap, the "
        "peak, and steps and cost by day. `cap` answers what would be if the cap were another. An estimate "
        "from usual runs; `count` is how many firings there are, the first 100 are listed."
    ),
    input_schema=schema(
        hours={"type": "integer", "minimum": 1, "maximum": MOST_HOURS, "description": "24 unless said."},
        cap={"type": "integer", "minimum": 1, "maximum": 1000},
    ),
    call=forecast,
    idempotent=True,
)
