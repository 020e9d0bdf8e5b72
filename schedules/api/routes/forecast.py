"""/api/forecast"""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from schedules import conf
from schedules import situation as situations
from schedules.api.actors import Actor
from schedules.api.forecast_rows import ForecastRow
from schedules.forecast import HOURS, MOST_HOURS, forecast
from schedules.forecast_answer import answer
from stagent.lib import clock
from stagent.lib.api.answers import answers
from stagent.lib.api.listing import refuse_unknown

router = Router(tags=["install"])
MOST_ROWS = 5000


@router.get("/forecast", response=answers(ForecastRow, 422), by_alias=True)
def get_forecast(
    request: HttpRequest,
    hours: Annotated[int, Query(ge=1, le=MOST_HOURS)] = HOURS,
    cap: Annotated[int | None, Query(ge=1, le=1000)] = None,
    limit: Annotated[int, Query(ge=0, le=MOST_ROWS)] = 500,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> dict[str, Any]:
    """Play the coming hours through the cap, or another one: predicted starts, waits, peak, cost."""
    Actor.of(request).must_have("view_schedule")
    refuse_unknown(request, ("hours", "cap", "limit", "offset"))
    situation = situations.look(clock.now(), conf.load())
    return answer(forecast(situation, hours=hours, cap=cap), offset=offset, limit=limit)
