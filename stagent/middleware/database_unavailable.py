"""Answers 503 with an explanation while the database is unavailable."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from stagent.lib.database_errors import is_disk_full, is_unavailable

RETRY_AFTER_SEC = 5
AWAY = "The database does not answer right now. Nothing was changed. Try again in a few seconds."
FULL = "The disk of the database is full. Nothing was changed. An operator has to make room on it."

log = logging.getLogger(__name__)


class DatabaseUnavailable:
    """Answers for a view that the database failed; the log has one line for the whole outage."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not is_unavailable(error):
            return None
        log.error("%s %s", request.method, request.path, exc_info=error)
        page = render_to_string(
            "503.html", {"text": FULL if is_disk_full(error) else AWAY}
        )  # without a query
        return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_SEC)})
