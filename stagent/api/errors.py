"""One form for everything that goes wrong under `/api/`: an error code, a message and the fields."""

import json
import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from django.utils.decorators import sync_and_async_middleware
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from schedules.api.errors import PROBLEMS
from stagent.api.auth import CsrfRefused
from stagent.lib.api import versions
from stagent.lib.database_errors import is_disk_full
from stagent.lib.problems import Problem, from_schema_errors

log = logging.getLogger(__name__)

PREFIX = "/api/"
SIGN_IN = "Sign in, or send Authorization: Bearer <token>."
MOST_MIB = settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 2**20
CODES = {
    400: ("bad_request", "The request cannot be understood, or asks a host that is not in ALLOWED_HOSTS."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is nothing at this address; see /api/docs."),
    405: ("method_not_allowed", "This address does not take that method."),
    versions.STATUS: (versions.CODE, versions.STALE),
    413: ("request_too_large", f"The request is too large: {MOST_MIB:g} MiB are read at most."),
    415: ("unsupported_media_type", "Send the body as JSON, with Content-Type: application/json."),
}
BROKEN = ("internal_error", "Something broke on our side; it is in the log.")


def install(api: NinjaAPI) -> None:
    """Let the API tell every exception in that form."""
    for kind, problem_of in {**OURS, **PROBLEMS}.items():
        api.add_exception_handler(kind, _handler(problem_of))
    api.add_exception_handler(HttpError, _raised_by_ninja)
    api.add_exception_handler(Exception, _broken)


def _handler(problem_of: Callable[[Any], Problem]) -> Callable[[HttpRequest, Any], HttpResponse]:
    return lambda request, error: _answer(problem_of(error))


def _answer(problem: Problem) -> HttpResponse:
    return JsonResponse(problem.body, status=problem.status, headers=problem.headers)


def _unknown(error: AuthenticationError) -> Problem:
    said = str(error) if str(error) != "Unauthorized" else SIGN_IN
    return Problem(401, "not_authenticated", said, headers={"WWW-Authenticate": "Bearer"})


def _raised_by_ninja(request: HttpRequest, error: Any) -> HttpResponse:
    """Tell what ninja raises by itself; for 400 that is a body which is no JSON, or is not said to be any."""
    if error.status_code == 400:
        said = request.content_type or ""
        if said and "json" not in said:
            return _answer(Problem(415, *CODES[415]))
        return _answer(Problem(400, "malformed_json", "The body is not valid JSON."))
    return _answer(_of_http(error))


def _of_http(error: HttpError) -> Problem:
    code, _ = CODES.get(error.status_code, BROKEN)
    return Problem(error.status_code, code, str(error))


def _of_schema(error: ValidationError) -> Problem:
    """Tell which fields are wrong; the first parts of ninja's places are where it looked, not names."""
    return from_schema_errors(
        {**fault, "loc": fault["loc"][2 if fault["loc"][0] == "body" else 1 :]} for fault in error.errors
    )


def _busy(error: Exception) -> Problem:
    log.warning("The database did not answer: %s", error)
    if is_disk_full(error):
        return Problem(503, "database_full", "The disk of the database is full; nothing was changed.")
    text = "The database does not answer right now; nothing was changed. Try again."
    return Problem(503, "database_unavailable", text, headers={"Retry-After": "2"})


def _broken(request: HttpRequest, error: Any) -> HttpResponse:
    log.error("%s %s broke.", request.method, request.path, exc_info=error)
    return _answer(Problem(500, *BROKEN))


OURS: dict[type[Exception], Callable[[Any], Problem]] = {
    Problem: lambda problem: problem,
    AuthenticationError: _unknown,
    CsrfRefused: lambda error: Problem(403, "csrf_failed", str(error)),
    ValidationError: _of_schema,
    RequestDataTooBig: lambda error: Problem(413, *CODES[413]),
    MultiPartParserError: lambda error: Problem(
        400, "malformed_upload", f"The upload cannot be read: {error}."
    ),
    SuspiciousOperation: lambda error: Problem(400, "malformed_upload", "It holds too many fields or files."),
    RawPostDataException: lambda error: Problem(415, *CODES[415]),  # a form that the CSRF check has read
    OperationalError: _busy,
    InterfaceError: _busy,
}


@sync_and_async_middleware
def uniform_api_errors(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Bring the errors that arise before or beside the API's own code into its form: 404, 405, 400, 500."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponse:
            return _uniform(request, await get_response(request))

        return later
    return lambda request: _uniform(request, get_response(request))


def _uniform(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    is_ours = response.headers.get("Content-Type", "").startswith("application/json")
    if response.status_code < 400 or is_ours or not request.path_info.startswith(PREFIX):
        return response
    problem = Problem(response.status_code, *CODES.get(response.status_code, BROKEN))
    response.content = json.dumps(problem.body).encode()  # in place: its other headers stay
    response.headers["Content-Type"] = "application/json"
    response.headers["Content-Length"] = str(len(response.content))
    return response
