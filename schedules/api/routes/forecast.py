"""/api/forecast"""

from datetime import timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from schedules import caps, plans, staggering
from schedules import situation as situations
from schedules.api import stagger_rows
from schedules.api.actors import Actor
from schedules.api.forecast_rows import ForecastRow
from schedules.api.stagger_rows import StaggerRow
from schedules.forecast import HOURS, MOST_HOURS, forecast, play
from schedules.forecast_answer import answer
from stagent.lib import clock
from stagent.lib.api.answers import answers
from stagent.lib.api.listing import refuse_unknown

router = Router(tags=["install"])
MOST_ROWS = 5000
ASKED = ("hours", "cap", "limit", "offset")

type Hours = Annotated[int, Query(ge=1, le=MOST_HOURS)]
type Cap = Annotated[int | None, Query(ge=1, le=1000)]
type Limit = Annotated[int, Query(ge=0, le=MOST_ROWS)]
type Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("/forecast", response=answers(ForecastRow, 422), by_alias=True)
def get_forecast(
    request: HttpRequest, hours: Hours = HOURS, cap: Cap = None, limit: Limit = 500, offset: Offset = 0
) -> dict[str, Any]:
    """Play the coming hours through the cap, or another one: predicted starts, waits, peak, cost."""
    Actor.of(request).must_have("view_schedule")
    refuse_unknown(request, ASKED)
    situation = situations.look(now := clock.now(), caps.load(now))
    return answer(forecast(situation, hours=hours, cap=cap), offset=offset, limit=limit)


@router.get("/forecast/stagger", response=answers(StaggerRow, 422), by_alias=True)
def get_stagger(
    request: HttpRequest, hours: Hours = HOURS, cap: Cap = None, limit: Limit = 500, offset: Offset = 0
) -> dict[str, Any]:
    """Propose to move schedules by a few minutes, so that fewer come due together; nothing is moved."""
    Actor.of(request).must_have("view_schedule")
    refuse_unknown(request, ASKED)
    situation = situations.look(now := clock.now(), caps.load(now))
    until = now + timedelta(hours=hours)
    outlook = plans.look(situation, until)
    before = play(outlook, now=now, until=until, cap=cap or situation.conf.max_concurrent)
    return stagger_rows.answer(staggering.propose(outlook, before), offset=offset, limit=limit)
