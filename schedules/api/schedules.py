"""/api/schedules"""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from pydantic import ConfigDict, Field

from schedules.api import changes, preview
from schedules.api.changes import Saved
from schedules.api.errors import BlockedRefusal, CapacityRefusal
from schedules.api.filters import ScheduleFilter
from schedules.api.preview import Preview
from schedules.api.schemas.requests import NewSchedule, PreviewRequest, ReasonRequest, ScheduleChanges
from schedules.api.schemas.schedules import READ, ScheduleRow, schedule_row, schedule_version
from schedules.api.schemas.upcoming import Fire, next_fires
from schedules.models import Schedule
from schedules.services import lookups, run_actions, schedules
from schedules.services.actor import Actor
from schedules.services.run_actions import RunRequest
from stagent.lib import clock
from stagent.lib.api.etags import with_version
from stagent.lib.api.listing import paginate, reject_unknown_parameters
from stagent.lib.api.responses import ErrorResponse, responses
from stagent.lib.api.types import CursorPage, Id, Page, Row
from stagent.lib.api.versions import ExpectedVersions

router = Router(tags=["schedules"])


class Execution(Row):
    """A run that was started or queued."""

    model_config = ConfigDict(json_schema_extra={"example": {"run_id": "42", "forced": False}})

    run_id: Id
    forced: bool
    warning: str | None = Field(default=None, description="Present if all scheduled work is stopped.")


@router.get("/schedules", response=responses(CursorPage[ScheduleRow], 422))
def list_schedules(request: HttpRequest, asked: Query[ScheduleFilter]) -> CursorPage[ScheduleRow]:
    """List schedules by name."""
    Actor.of(request).must_have("view_schedule")
    rows = asked.among(Schedule.objects.all())
    return paginate(request, asked, rows, lambda found: [*map(schedule_row, found)], select=READ)


@router.post("/schedules", response=responses(Saved, 400, 422, status=201))
def create_schedule(request: HttpRequest, response: HttpResponse, asked: NewSchedule) -> Status[Saved]:
    """Create a schedule; the answer includes warnings about collisions."""
    made = changes.create(asked, Actor.of(request), clock.now())
    response["Location"] = f"{request.path}/{made.schedule.id}"
    return Status(201, made)


@router.post("/schedules/preview", response=responses(Preview, 400, 422))
def preview_schedule(request: HttpRequest, asked: PreviewRequest) -> Preview:
    """Describe a timing and return its next firings; nothing is saved."""
    Actor.of(request).must_have("view_schedule")
    return preview.preview(asked, clock.now())


@router.get("/schedules/{schedule_id}", response=responses(ScheduleRow, 404))
def get_schedule(request: HttpRequest, schedule_id: str) -> ScheduleRow:
    """Return a schedule."""
    Actor.of(request).must_have("view_schedule")
    found = lookups.schedule(schedule_id)
    return with_version(request, schedule_row(found), schedule_version(found))


@router.patch("/schedules/{schedule_id}", response=responses(Saved, 400, 404, 422))
def update_schedule(request: HttpRequest, schedule_id: str, asked: ScheduleChanges) -> Saved:
    """Change the given fields, all or none. No edit fires for an instant before it."""
    saved = changes.change(schedule_id, asked, Actor.of(request), clock.now(), ExpectedVersions.of(request))
    with_version(request, saved.schedule, saved.version)
    return saved


@router.delete("/schedules/{schedule_id}", response=responses(None, 404, status=204))
def delete_schedule(request: HttpRequest, schedule_id: str) -> Status[None]:
    """Delete a schedule. Its queued runs are cancelled, its running ones asked to stop, its history is
    kept.
    """
    schedules.remove(schedule_id, Actor.of(request), clock.now())
    return Status(204, None)


@router.post("/schedules/{schedule_id}/pause", response=responses(ScheduleRow, 404, 409, 422))
def pause_schedule(
    request: HttpRequest, schedule_id: str, because: ReasonRequest | None = None
) -> ScheduleRow:
    """Pause a schedule; instants during the pause are not missed. Repeating it changes nothing."""
    return changes.pause(schedule_id, because.reason if because else "", Actor.of(request), clock.now())


@router.post("/schedules/{schedule_id}/resume", response=responses(ScheduleRow, 404, 409))
def resume_schedule(request: HttpRequest, schedule_id: str) -> ScheduleRow:
    """Resume a paused schedule from now and reset its streaks."""
    return changes.resume(schedule_id, Actor.of(request), clock.now())


@router.post(
    "/schedules/{schedule_id}/execute",
    response=responses(Execution, 404, 422)
    | {202: Execution, 409: BlockedRefusal, 429: CapacityRefusal, 503: ErrorResponse},
    exclude_none=True,
)
def execute_schedule(
    request: HttpRequest,
    schedule_id: str,
    because: ReasonRequest | None = None,
    queue: bool = False,
    force: bool = False,
) -> Status[Execution]:
    """Run a schedule now, paused or not.

    200: the run holds a slot. 429: the cap is full; `Retry-After` gives the expected wait. `queue=true`
    queues the run instead (202); `force=true` runs beyond the cap and needs the permission
    schedules.force_run. 409: the provider's breaker is open, the provider asked to wait, or a budget is
    spent; `wait_reason` names the cause, and `queue=true` queues the run. 503: no scheduler is running.
    """
    reject_unknown_parameters(request, ("queue", "force"))
    reason = because.reason if because else ""
    started = run_actions.start(schedule_id, RunRequest(queue, force, reason), Actor.of(request), clock.now())
    run = started.run
    execution = Execution(run_id=str(run.pk), forced=run.forced, warning=started.warning or None)
    return Status(202 if started.queued else 200, execution)


@router.get("/schedules/{schedule_id}/next", response=responses(Page[Fire], 404, 422))
def next_firings(
    request: HttpRequest, schedule_id: str, count: Annotated[int, Query(ge=1, le=100)] = 10
) -> Page[Fire]:
    """Return the next firings of a schedule; for a paused one, as if it were resumed now."""
    Actor.of(request).must_have("view_schedule")
    reject_unknown_parameters(request, ("count",))
    fires = next_fires(lookups.schedule(schedule_id), clock.now(), count)
    return Page(items=fires, count=len(fires))
