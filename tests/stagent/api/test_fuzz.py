"""The API is held against its own document: whatever it is sent, it answers as the document says it does.

Examples are made from the schema of every operation, sensible and broken ones, the same in every run; of
those that name a thing, half are pointed at one that is there.
"""

from http import HTTPStatus

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.openapi import from_wsgi

from stagent.lib import clock
from stagent.models import ApiToken
from tests.support.builders import a_running_run, a_schedule, a_scheduler, a_waiting_run
from tests.support.files import kept
from tests.support.mcp_servers import a_server
from tests.support.talking import converses

schema = from_wsgi("/api/openapi.json", get_wsgi_application())
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def one_transaction():
    """Keep the connection between requests, as Django's own client does: the test's transaction is on it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def install(alice, one_transaction):
    """A token of somebody who may do everything, and things that ids may name."""
    now = clock.now()
    a_scheduler(now)
    run, _ = a_running_run(a_schedule(now), now)
    _, approval = a_waiting_run(a_schedule(now, name="Asks"), now)
    _, secret = ApiToken.objects.issue(alice, "fuzzer", now=now)
    reply = converses(alice, now=now)
    ids = {
        "schedule_id": run.schedule_id, "run_id": run.pk, "firing_id": 1, "approval_id": approval.pk,
        "conversation_id": reply.conversation_id, "message_id": reply.pk, "attachment_id": kept(alice).pk,
        "server_id": a_server().pk,
    }  # fmt: skip
    return {"Authorization": f"Bearer {secret}"}, {name: str(pk) for name, pk in ids.items()}


@schema.parametrize()
@settings(max_examples=5, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_it_answers_as_its_document_says(case, install):
    headers, ids = install
    for name, said in case.path_parameters.items():
        if name in ids and len(str(said)) % 2:
            case.path_parameters[name] = ids[name]
    answer = case.call(headers=headers)
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        told = answer.json()
        assert {"error", "message", "fields"} <= told.keys()
        assert all(isinstance(text, str) and text for text in (told["error"], told["message"]))
