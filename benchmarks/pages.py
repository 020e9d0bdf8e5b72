"""Every page and endpoint of a large install, and other expensive requests: forms, exports."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.urls import reverse

from agents.models import Approval, Event
from chat.models import Conversation
from schedules.models import Firing, Run, Schedule

OURS = ("agents.", "schedules.", "stagent.", "chat.")
FAR = "offset=9900"


@dataclass(frozen=True)
class Ask:
    """A request: its URL, and the body of a POST."""

    address: str
    sent: dict[str, Any] = field(default_factory=dict)
    json: bool = False
    beside: bool = False  # told, but not held against the goal: it does much on purpose

    @property
    def name(self) -> str:
        return f"POST {self.address}" if self.sent else self.address


def asks() -> Iterator[Ask]:
    """Yield the pages, one of each kind, the API lists with filters, and the rest."""
    yield from (Ask(reverse(f"admin:{name}")) for name in ("index", "board", "forecast"))
    yield Ask(reverse("admin:forecast") + "?cap=40")
    yield from map(Ask, _things())
    yield from map(Ask, _api())
    yield from _typing()
    yield from map(Ask, _chat())
    yield from (Ask(address) for address in ("/metrics", "/healthz"))
    yield Ask(reverse("admin:forecast") + "?flatten=1", beside=True)
    yield Ask("/api/forecast/stagger", beside=True)


def lists() -> dict[str, str]:
    """Return the list of every model in the console, by name."""
    labels = [model._meta.label_lower for model in admin.site._registry]
    return {
        label: reverse(f"admin:{label.replace('.', '_')}_changelist")
        for label in labels
        if label.startswith(OURS)
    }


def searches(model: str) -> list[str]:
    """Return search terms for a list: a common one and one without matches."""
    return [f"?q={word}" for word in ("invoices", "nobodysaidthis", "12345")] if model in SEARCHED else []


SEARCHED = {
    "schedules.schedule", "schedules.run", "schedules.firing", "schedules.delivery", "schedules.notice",
    "agents.approval", "agents.ledgerentry", "chat.conversation", "agents.streamrecord",
}  # fmt: skip


def _things() -> Iterator[str]:
    """Yield the page of the newest row of each kind, the form for a new one, and the longest run."""
    for model, things in {"schedule": Schedule, "run": Run, "firing": Firing}.items():
        newest = things._base_manager.order_by("-pk")[0]
        yield reverse(f"admin:schedules_{model}_change", args=[newest.pk])
    yield reverse("admin:schedules_schedule_add")
    yield reverse("admin:agents_approval_change", args=[Approval.objects.order_by("-pk")[0].pk])
    if said := Event.objects.order_by("-seq").first():
        run = Run.objects.filter(transcript=said.transcript_id).first()
        if run is not None:
            yield reverse("admin:schedules_run_change", args=[run.pk])
            yield f"/api/runs/{run.pk}/events?after={said.seq - 100}"


def _api() -> Iterator[str]:
    schedule, run = Schedule.objects.order_by("-pk")[0], Run.objects.order_by("-pk")[0]
    yield from (
        f"/api/{name}" for name in ("schedules", "runs", "firings", "approvals", "settings", "status")
    )
    yield from (f"/api/{name}?{FAR}" for name in ("schedules", "runs", "firings"))
    yield from ("/api/firings?offset=990000", "/api/runs?offset=99000")
    yield from ("/api/forecast", "/api/forecast?hours=168&limit=100", "/api/forecast?cap=40")
    yield from (f"/api/schedules/{schedule.pk}{more}" for more in ("", "/firings", "/next"))
    yield from (f"/api/runs/{run.pk}{more}" for more in ("", "/events"))
    yield from (f"/api/runs?{asked}" for asked in ("status=failed", "status=queued", "source=scheduled"))
    yield from (f"/api/runs?{asked}" for asked in (f"schedule_id={schedule.pk}", "failure_reason=timeout"))
    yield from (
        f"/api/firings?{asked}" for asked in ("failure_reason=timeout", "outcome=coalesced", "outcome=fired")
    )
    yield from (f"/api/schedules?{asked}" for asked in ("status=paused", "status=active", "search=invoices"))


def _typing() -> Iterator[Ask]:
    """Yield the requests made while somebody fills in the schedule form."""
    typed = {"when": "0 9 * * 1-5", "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin", "name": "New"}
    yield Ask(reverse("admin:schedules_schedule_preview"), typed)
    yield Ask("/api/schedules/preview", {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}, json=True)
    yield Ask("/api/schedules/preview", {"cron": "30 6 * * *", "timezone": "UTC"}, json=True)


def _chat() -> Iterator[str]:
    yield from ("/", "/api/conversations", "/api/conversations?offset=1900")
    yield from (
        f"/api/conversations?search={words}" for words in ("invoices", "monday+tickets", "nobodysaidthis")
    )
    conversations = Conversation.objects.order_by("pk")
    for conversation in (conversations.first(), conversations.last()):
        if conversation is not None:
            yield f"/c/{conversation.pk}/"
            yield f"/api/conversations/{conversation.pk}/messages"
            yield f"/api/messages/{conversation.head_id}/events"
    yield "/api/diagnostics/chat-streams"
