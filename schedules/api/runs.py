"""/api/runs"""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import ConfigDict

from agents.transcripts import transcript
from schedules.api.filters import RunFilter
from schedules.api.schemas.requests import ReasonRequest
from schedules.api.schemas.runs import READ, RunRow, run_row, run_rows
from schedules.models import Run
from schedules.services import lookups, run_actions
from schedules.services.actor import Actor
from schedules.services.cancel_run import Cancelled
from stagent.lib import clock
from stagent.lib.api.listing import MAX_ROWS, paginate, reject_unknown_parameters
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage, Page, Row

router = Router(tags=["runs"])
EXAMPLE: Any = {
    "seq": 4, "kind": "text_delta", "at": "2026-11-24T08:00:02.310Z", "data": {"text": "Two runs failed."},
}  # fmt: skip


class EventRow(Row):
    """One event of a run, numbered from 1 without gaps."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    seq: int
    kind: str
    at: datetime
    data: dict[str, Any]


class EventPage(Page[EventRow]):
    """The events after a number; `count` is the number of remaining events. Continue after the last `seq`."""

    finished: bool


@router.get("/runs", response=responses(CursorPage[RunRow], 422))
def list_runs(request: HttpRequest, asked: Query[RunFilter]) -> CursorPage[RunRow]:
    """List runs, latest queued first."""
    Actor.of(request).must_have("view_run")
    rows = asked.among(Run.objects.all())
    return paginate(request, asked, rows, lambda runs: run_rows(runs, clock.now()), select=READ)


@router.get("/runs/{run_id}", response=responses(RunRow, 404))
def get_run(request: HttpRequest, run_id: str) -> RunRow:
    """Return a run: what it waits for, its holder and lease, and how it ended."""
    Actor.of(request).must_have("view_run")
    return run_row(lookups.run(run_id), clock.now())


@router.get("/runs/{run_id}/events", response=responses(EventPage, 404, 422))
def list_events(
    request: HttpRequest,
    run_id: str,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=0, le=MAX_ROWS)] = MAX_ROWS,
) -> EventPage:
    """Return the transcript of a run after an event number; poll to follow it."""
    Actor.of(request).must_have("view_run")
    reject_unknown_parameters(request, ("after", "limit"))
    run = lookups.run(run_id)
    events = [EventRow.model_validate(event) for event in transcript.read(run.transcript_id, after, limit)]
    run.transcript.refresh_from_db()
    return EventPage(items=events, count=max(0, run.transcript.last_seq - after), finished=run.finished)


@router.post("/runs/{run_id}/cancel", response=responses(RunRow, 404, 409, 422) | {202: RunRow})
def cancel_run(request: HttpRequest, run_id: str, because: ReasonRequest | None = None) -> Status[RunRow]:
    """Cancel a run. 200: it was queued and is cancelled. 202: it is running and is asked to stop."""
    now = clock.now()
    became = run_actions.cancel(run_id, because.reason if because else "", Actor.of(request), now)
    return Status(200 if became == Cancelled.AT_ONCE else 202, run_row(lookups.run(run_id), now))


@router.post("/runs/{run_id}/retry", response=responses(RunRow, 404, 409, status=202))
def retry_run(request: HttpRequest, run_id: str) -> Status[RunRow]:
    """Queue the work of a finished run again, with the current settings of its schedule; returns the new
    run.
    """
    now = clock.now()
    again = run_actions.retry(run_id, Actor.of(request), now)
    return Status(202, run_row(lookups.run(str(again.pk)), now))
