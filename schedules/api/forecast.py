"""/api/forecast"""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from schedules.api.schemas import forecast as stagger_rows
from schedules.api.schemas.forecast import ForecastRow, StaggerRow
from schedules.capacity import conditions, effective_cap
from schedules.forecast import inputs
from schedules.forecast.as_json import answer
from schedules.forecast.forecast import HOURS, MOST_HOURS, forecast, play
from schedules.services import stagger
from schedules.services.actor import Actor
from stagent.lib import clock
from stagent.lib.api.listing import PageQuery, reject_unknown_parameters
from stagent.lib.api.responses import responses

router = Router(tags=["install"])
MOST_ROWS = 5000


class Hours(PageQuery):
    """How many hours to simulate, and under which cap."""

    hours: int = Field(default=HOURS, ge=1, le=MOST_HOURS)
    cap: int | None = Field(default=None, ge=1, le=1000, description="Simulate this cap instead.")
    limit: int = Field(default=500, ge=0, le=MOST_ROWS)


@router.get("/forecast", response=responses(ForecastRow, 422), by_alias=True)
def get_forecast(request: HttpRequest, asked: Query[Hours]) -> dict[str, Any]:
    """Simulate the coming hours under the current cap or another one: predicted starts, waits, peak, cost."""
    Actor.of(request).must_have("view_schedule")
    reject_unknown_parameters(request, Hours.model_fields)
    situation = conditions.load(now := clock.now(), effective_cap.load(now))
    return answer(
        forecast(situation, hours=asked.hours, cap=asked.cap), offset=asked.offset, limit=asked.limit
    )


@router.get("/forecast/stagger", response=responses(StaggerRow, 422), by_alias=True)
def get_stagger(request: HttpRequest, asked: Query[Hours]) -> dict[str, Any]:
    """Propose moves by a few minutes so that fewer schedules are due together; nothing is changed."""
    Actor.of(request).must_have("view_schedule")
    reject_unknown_parameters(request, Hours.model_fields)
    situation = conditions.load(now := clock.now(), effective_cap.load(now))
    until = now + timedelta(hours=asked.hours)
    workload = inputs.load(situation, until)
    before = play(workload, now=now, until=until, cap=asked.cap or situation.conf.max_concurrent)
    return stagger_rows.answer(stagger.propose(workload, before), offset=asked.offset, limit=asked.limit)
