"""The endpoint that Prometheus scrapes."""

from collections.abc import Iterator

from django.contrib.auth.models import AnonymousUser, User
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from schedules.capacity import conditions, effective_cap
from schedules.monitoring.rollups import rollup
from stagent.api.auth import authenticate
from stagent.lib import clock
from stagent.ops.metrics import gauges, totals

PERMISSION = "schedules.view_tally"
BEARER = "bearer "  # in whatever case


class Install(Collector):
    """All metrics, collected at each scrape."""

    def collect(self) -> Iterator[Metric]:
        yield from gauges.collect(conditions.load(now := clock.now(), effective_cap.load(now)))
        yield from totals.collect(rollup.totals())


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer a user with the view permission, by `Authorization: Bearer …` or session.

    Local requests need a token too: behind a proxy every request is local.
    """
    try:
        return _render(request)
    except (OperationalError, InterfaceError):
        return _refusal(503, "The database does not answer right now.", {"Retry-After": "2"})


def _render(request: HttpRequest) -> HttpResponse:
    user = _authenticated_user(request)
    if user is None or not user.is_authenticated:
        return _refusal(401, "Send Authorization: Bearer <token>.", {"WWW-Authenticate": "Bearer"})
    if not user.has_perm(PERMISSION):
        return _refusal(403, f"You need the permission {PERMISSION}.", {})
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_registry()), content_type=content_type)


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)  # describing would collect once more, for nothing
    registry.register(Install())
    return registry


def _authenticated_user(request: HttpRequest) -> User | AnonymousUser | None:
    """Return the user; a wrong token does not fall back to the session."""
    given = request.headers.get("Authorization", "")
    if given.lower().startswith(BEARER):
        return authenticate(given[len(BEARER) :].strip(), now=clock.now())
    return request.user


def _refusal(status: int, text: str, headers: dict[str, str]) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)
