"""`Idempotency-Key`: a POST that is sent twice is carried out once.

The key is written first, in the transaction of everything that the request makes; the answer is added to it
at the end. So a crash leaves neither, and of two at once the second waits at the unique constraint
(PostgreSQL) or for the write lock (SQLite) and then finds the first one's answer. A refusal makes nothing and
is not kept: the same key may be sent again.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError

from stagent.api.auth import DOORS
from stagent.lib import clock
from stagent.lib.api.types import check_storable
from stagent.lib.problems import Problem, invalid
from stagent.lib.text import too_long
from stagent.models import IdempotencyKey

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
LONGEST = 200
KEPT_FOR = timedelta(days=1)
PRUNED_AT_ONCE = 20  # by each request that adds a key
PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "maxLength": LONGEST, "default": ""},
    "description": "A name of your own for this request: sent again, it gets the first answer.",
}
IN_USE = "A request with this key is being carried out; send it again in a moment."
REUSED = "This key was used for another request; use a new key for each request."

View = Callable[..., HttpResponse]


def answered_once(api: NinjaAPI) -> Callable[[View], View]:
    """Return the decorator of all operations: a POST whose key is known gets its first answer."""

    def decorate(view: View) -> View:
        if takes_none(getattr(view, "__self__", None)):
            return view

        @wraps(view)
        def once(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            key = request.headers.get(HEADER, "") if request.method == "POST" else ""
            user = _user_of(request) if key else None
            if user is None:
                return view(request, *args, **kwargs)
            try:
                return _answer(request, user, key, lambda: view(request, *args, **kwargs))
            except Exception as error:  # noqa: BLE001 (the API has an answer for each)
                return api.on_exception(request, error)

        return once

    return decorate


def takes_none(operation: Any) -> bool:
    """Tell whether an operation is marked as one that creates nothing."""
    return hasattr(getattr(operation, "view_func", None), "idempotency_exempt")


def _prune(now: datetime) -> None:
    """Delete some keys that are out of date, of two at once each others. That it fails is no one's fault."""
    has_skip = connection.features.has_select_for_update_skip_locked
    try:
        with transaction.atomic():
            old = IdempotencyKey.objects.select_for_update(skip_locked=has_skip).order_by("created_at")
            late = old.filter(created_at__lt=now - KEPT_FOR).values_list("pk", flat=True)
            IdempotencyKey.objects.filter(pk__in=list(late[:PRUNED_AT_ONCE])).delete()
    except DatabaseError as error:
        log.warning("Old idempotency keys are not deleted: %s", error)


def _user_of(request: HttpRequest) -> User | None:
    """Return who asks; None where the operation itself will refuse them."""
    try:
        return next((user for door in DOORS if isinstance(user := door(request), User)), None)
    except (AuthenticationError, HttpError):
        return None


def _answer(request: HttpRequest, user: User, key: str, act: Callable[[], HttpResponse]) -> HttpResponse:
    _check(key)
    now, digest = clock.now(), _digest(request)
    if first := _first(user, key, digest, now):
        return first
    with transaction.atomic():
        try:
            with transaction.atomic():
                IdempotencyKey.objects.filter(user=user, key=key, created_at__lt=now - KEPT_FOR).delete()
                kept = IdempotencyKey.objects.create(
                    user=user, key=key, request_digest=digest, created_at=now
                )
        except IntegrityError:  # somebody was quicker
            if first := _first(user, key, digest, now):
                return first
            raise Problem(409, "idempotency_key_in_use", IN_USE, headers={"Retry-After": "1"}) from None
        answer = act()
        if answer.status_code >= 400:
            transaction.set_rollback(True)
            return answer
        kept.status, kept.content = answer.status_code, answer.content.decode()
        kept.location = answer.headers.get("Location", "")
        kept.save(update_fields=["status", "content", "location"])
    _prune(now)
    return answer


def _first(user: User, key: str, digest: str, now: datetime) -> HttpResponse | None:
    """Return the answer to the first request with this key; a `Problem` where it was another request."""
    kept = IdempotencyKey.objects.filter(user=user, key=key, created_at__gte=now - KEPT_FOR).first()
    if kept is None:
        return None
    if kept.request_digest != digest:
        raise Problem(422, "idempotency_key_reused", REUSED, fields={HEADER: REUSED})
    headers = {"Idempotency-Replayed": "true"} | ({"Location": kept.location} if kept.location else {})
    kind = "application/json; charset=utf-8"
    return HttpResponse(kept.content, status=kept.status, headers=headers, content_type=kind)


def _check(key: str) -> None:
    if fault := too_long(key, LONGEST):
        raise invalid({HEADER: fault})
    try:
        check_storable(key)
    except ValueError as error:
        raise invalid({HEADER: str(error)}) from None


def _digest(request: HttpRequest) -> str:
    digest = hashlib.sha256()
    for part in _parts(request):
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


def _parts(request: HttpRequest) -> Iterator[bytes]:
    """Yield what makes a request this one; an upload by its parts, for its boundary differs each time."""
    yield request.path.encode("utf-8", "replace")
    yield json.dumps(sorted(request.GET.lists())).encode()
    if request.content_type != "multipart/form-data":
        yield _canonical(request.body)
        return
    yield json.dumps(sorted(request.POST.lists())).encode()
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            yield f"{name}\0{file.name}\0{file.content_type}".encode("utf-8", "replace")
            yield from file.chunks()
            file.seek(0)


def _canonical(body: bytes) -> bytes:
    """Return a JSON body without its spelling, anything else as it is."""
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body
