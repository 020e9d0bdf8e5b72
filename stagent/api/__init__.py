"""The HTTP API at `/api/`, its document at `/api/openapi.json` and its pages at `/api/docs`."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from agents.api import approvals, ledger, mcp_servers, standing_approvals
from chat.api import ROUTERS as CHAT
from schedules.api import firings, forecast, runs, schedules, status
from stagent.api import errors, idempotency
from stagent.api.auth import DOORS
from stagent.lib.api import versions

DESCRIPTION = """
Schedules, firings and runs of this install, what its agents ask people, and one's own conversations.

Send `Authorization: Bearer <token>` (made in the console, or by `manage.py createtoken <user>`), or use
the session of the console together with its CSRF token. Lists answer `{"items": […], "count": n}` and take
`limit` and `offset`; they answer `next` too, which as `cursor` goes on where a page ended.
Ids are opaque strings, moments are ISO 8601 with an offset, money is in USD. Whatever
goes wrong is told as `{"error": code, "message": text, "fields": {…}}`. Every POST that makes something takes
an `Idempotency-Key`: within a day, the same request with the same key gets the first answer, and nothing is
made twice; another request with a used key gets 422. Whoever polls sends the `ETag` of the last answer as
`If-None-Match`, and gets 304 without a body while nothing has changed. A PATCH takes the
`ETag` of a GET or PATCH as `If-Match`: where somebody has edited the row since, the answer is 412 and nothing
is changed. What the scheduler writes beside the fields of a PATCH, for example the next firing, is no edit.
HEAD is answered like GET, without a body.
"""


POLLED = ("/api/status", "/api/schedules", "/api/runs", "/api/firings")
PARAMETERS = {  # what is told of those that say nothing of themselves; ids have one sentence for all
    "limit": "Rows at most.",
    "offset": "Rows to leave out first.",
    "after": "The last `seq` that is known already.",
    "count": "How many.",
    "hours": "How far to look ahead.",
    "status": "Only those.",
    "kind": "Only those.",
    "outcome": "Only what was decided so.",
    "source": "Only those.",
    "reason": "Only those that ended so.",
    "failure_reason": "Only those that failed for it.",
    "forced": "Only forced ones, or only others.",
    "archived": "true: those that were put away.",
    "since": "From this moment, inclusive.",
    "until": "Before this moment.",
    "format": "In which form.",
    "key": "The name of the setting, whatever the case.",
    "queue": "Wait in the queue where the run cannot start now.",
    "force": "Where the cap is full, run beyond it.",
}
AN_ID = "An id, as a list or an answer told it."
IF_MATCH: dict[str, Any] = {
    "in": "header",
    "name": versions.HEADER,
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the GET or PATCH that you have read; where it was edited since, 412.",
}
UNCHANGED = "Not Modified: the answer would be the one whose ETag was sent as If-None-Match."


class Docs(Swagger):
    """The pages where the API can be tried with the session one has."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Hand the page its CSRF token, which our session door asks for and ninja cannot know of."""
        settings = self.settings | {"url": self.get_openapi_url(api, kwargs)}
        context = {"swagger_settings": json.dumps(settings), "api": api, "add_csrf": True}
        return render(request, self.template, context)


class Api(NinjaAPI):
    """Operations are named after their functions; whoever may send a body may be told that it is no JSON."""

    def validation_error_from_error_contexts(self, error_contexts: Any) -> ValidationError:
        """Keep how long a text was that is too long: ninja forgets what was sent."""
        told = super().validation_error_from_error_contexts(error_contexts)
        sent = [e["input"] for each in error_contexts for e in each.pydantic_validation_error.errors()]
        for error, value in zip(told.errors, sent, strict=True):
            if isinstance(value, str):
                error["length"] = len(value)
        return told

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**kwargs)
        for operation in (each for path in document["paths"].values() for each in path.values()):
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                parameter.setdefault("description", AN_ID if name.endswith("_id") else PARAMETERS.get(name))
            if "requestBody" in operation:
                answers = operation["responses"]
                no_json = answers[HTTPStatus.FORBIDDEN] | {"description": "Bad Request"}
                answers.setdefault(HTTPStatus.BAD_REQUEST, no_json)
        for operation in self._with_key(document):
            operation.setdefault("parameters", []).append(idempotency.PARAMETER)
            answers = operation["responses"]
            for code in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
                answers.setdefault(code, answers[HTTPStatus.FORBIDDEN] | {"description": code.phrase})
        for operation in (path["patch"] for path in document["paths"].values() if "patch" in path):
            operation.setdefault("parameters", []).append(IF_MATCH)
            answers = operation["responses"]
            stale = {"description": HTTPStatus.PRECONDITION_FAILED.phrase}
            answers[HTTPStatus.PRECONDITION_FAILED] = answers[HTTPStatus.FORBIDDEN] | stale
        for path in POLLED:
            document["paths"][path]["get"]["responses"][HTTPStatus.NOT_MODIFIED] = {"description": UNCHANGED}
        return document

    def _with_key(self, document: OpenAPISchema) -> Iterator[dict[str, Any]]:
        """Yield the operations that take an Idempotency-Key."""
        views = (view for _, router in self._routers for view in router.path_operations.values())
        none = {
            self.get_openapi_operation_id(operation)
            for view in views
            for operation in view.operations
            if idempotency.takes_none(operation)
        }
        for path in document["paths"].values():
            if "post" in path and path["post"]["operationId"] not in none:
                yield path["post"]

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = Api(
    title="Stagent", version="1", description=DESCRIPTION, auth=DOORS, docs=Docs(), urls_namespace="api"
)
api.add_decorator(idempotency.answered_once(api), mode="view")
OURS = (schedules, firings, runs, forecast, status, approvals, standing_approvals, ledger, mcp_servers)
for router in (*(part.router for part in OURS), *CHAT):
    api.add_router("", router)
errors.install(api)
