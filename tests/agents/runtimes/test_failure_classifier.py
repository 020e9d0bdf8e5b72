"""From what was raised to why it failed: one row for each way things go wrong."""

import asyncio
import json
from datetime import UTC, datetime

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from django.db import OperationalError

from agents.errors import BudgetExceeded, CutStream, LeaseLost, TurnLimitExceeded
from agents.runtimes import UnknownRuntime
from agents.runtimes.failure_classifier import classify
from agents.runtimes.retry_after import retry_after
from agents.states import FailureReason as R

REQUEST = httpx2.Request("POST", "https://api.anthropic.com/v1/messages")


def answered(status: int, kind: str = "", message: str = "no", code: str = "", **headers: str) -> Exception:
    """Return what the SDK raises for such an answer."""
    error = (
        {"message": message}
        | ({"type": kind} if kind else {})
        | ({"details": {"error_code": code}} if code else {})
    )
    response = httpx2.Response(
        status, json={"type": "error", "error": error}, headers=headers, request=REQUEST
    )
    return AsyncAnthropic(api_key="x")._make_status_error_from_response(response)


def bad_request(message: str) -> Exception:
    return answered(400, "invalid_request_error", message)


def in_stream(kind: str, message: str = "no") -> Exception:
    """Return what the SDK raises for an error event of a stream: the status is that of the stream, 200."""
    body = {"type": "error", "error": {"type": kind, "message": message}}
    response = httpx2.Response(200, request=REQUEST)
    return AsyncAnthropic(api_key="x")._make_status_error(str(body), body=body, response=response)


def unconnected() -> Exception:
    error = anthropic.APIConnectionError(request=REQUEST)
    error.__cause__ = httpx2.ConnectError("Connection refused")
    return error


# what was raised, the reason, whether to try again, whether the provider is to be left alone
TABLE = [
    # our own
    (BudgetExceeded("The daily budget is used up."), R.BUDGET_EXCEEDED, False, False),
    (LeaseLost("7"), R.LEASE_EXPIRED, False, False),
    (TurnLimitExceeded("The limit of 5 agent steps is reached."), R.TURN_LIMIT_EXCEEDED, False, False),
    (CutStream("It ended early."), R.SDK_ERROR, True, False),
    (UnknownRuntime("There is no runtime 'x'."), R.SDK_ERROR, False, False),
    (asyncio.CancelledError(), R.ABORTED, False, False),
    (TimeoutError(), R.TIMEOUT, True, False),
    (OperationalError("database is locked"), R.SDK_ERROR, True, False),
    # the code says more than type and status
    (answered(429, "rate_limit_error", code="enforced_spend_limit_reached"), R.BUDGET_EXCEEDED, False, True),
    (answered(429, "rate_limit_error", code="contract_spend_limit_reached"), R.BUDGET_EXCEEDED, False, True),
    (answered(429, "rate_limit_error", code="ramp_limit_exceeded"), R.RATE_LIMITED, True, False),
    (answered(400, "invalid_request_error", code="organization_on_hold"), R.AUTH_FAILED, False, True),
    (answered(403, "permission_error", code="user_profile_not_billable"), R.BUDGET_EXCEEDED, False, True),
    # the type says more than the status
    (answered(400, "billing_error"), R.BUDGET_EXCEEDED, False, True),
    (answered(500, "overloaded_error"), R.OVERLOADED, True, False),
    (answered(500, "timeout_error"), R.TIMEOUT, True, False),
    (answered(503, "api_error"), R.OVERLOADED, True, False),  # but this one says nothing more
    (answered(500, "api_error"), R.SDK_ERROR, True, False),
    (answered(400, "authentication_error"), R.AUTH_FAILED, False, True),
    # the status alone, as proxies answer
    (answered(401), R.AUTH_FAILED, False, True),
    (answered(402), R.BUDGET_EXCEEDED, False, True),
    (answered(403), R.AUTH_FAILED, False, True),
    (answered(404), R.SDK_ERROR, False, True),
    (answered(408), R.TIMEOUT, True, False),
    (answered(413), R.CONTEXT_WINDOW_EXCEEDED, False, False),
    (answered(422), R.SDK_ERROR, False, False),
    (answered(429), R.RATE_LIMITED, True, False),
    (answered(500), R.SDK_ERROR, True, False),
    (answered(502), R.SDK_ERROR, True, False),
    (answered(503), R.OVERLOADED, True, False),
    (answered(504), R.TIMEOUT, True, False),
    (answered(529), R.OVERLOADED, True, False),
    # a plain 400, where only the words tell
    (answered(400, "invalid_request_error"), R.SDK_ERROR, False, False),
    (bad_request("prompt is too long: 210000 tokens > 200000"), R.CONTEXT_WINDOW_EXCEEDED, False, False),
    (bad_request("Your credit balance is too low"), R.BUDGET_EXCEEDED, False, True),
    (bad_request("tools.0.name: rate limit is not a valid name"), R.SDK_ERROR, False, False),
    (answered(404, "not_found_error", "model: claude-forgotten"), R.SDK_ERROR, False, False),
    # in the stream, where the status is 200
    (in_stream("overloaded_error"), R.OVERLOADED, True, False),
    (in_stream("api_error"), R.SDK_ERROR, True, False),
    (in_stream("rate_limit_error"), R.RATE_LIMITED, True, False),
    (in_stream("authentication_error"), R.AUTH_FAILED, False, True),
    (in_stream("billing_error"), R.BUDGET_EXCEEDED, False, True),
    (in_stream("timeout_error"), R.TIMEOUT, True, False),
    (in_stream("invalid_request_error"), R.SDK_ERROR, False, False),
    (in_stream("something_new"), R.SDK_ERROR, True, False),
    # the network
    (anthropic.APITimeoutError(REQUEST), R.TIMEOUT, True, False),
    (unconnected(), R.SDK_ERROR, True, False),
    (httpx2.ReadTimeout("The read operation timed out"), R.TIMEOUT, True, False),
    (httpx2.RemoteProtocolError("peer closed connection"), R.SDK_ERROR, True, False),
    (httpx2.ReadError("reset"), R.SDK_ERROR, True, False),
    (httpx2.UnsupportedProtocol("ftp"), R.SDK_ERROR, False, True),
    (ConnectionResetError("reset"), R.SDK_ERROR, True, False),
    # what the SDK's stream reader trips over
    (json.JSONDecodeError("Expecting value", "<html>", 0), R.SDK_ERROR, True, False),
    (IndexError("list index out of range"), R.SDK_ERROR, True, False),
    (AssertionError(), R.SDK_ERROR, True, False),
    (ValueError("Unable to parse tool parameter JSON: rate limit"), R.SDK_ERROR, True, False),
    # no key
    (TypeError("Could not resolve authentication method. Expected api_key"), R.AUTH_FAILED, False, True),
    (TypeError("unsupported operand type"), R.SDK_ERROR, True, False),
    (anthropic.CredentialsError("no profile"), R.AUTH_FAILED, False, True),
    # words last, whole words only
    (Exception("API returned 429: rate limit exceeded"), R.RATE_LIMITED, True, False),
    (Exception("Not logged in"), R.AUTH_FAILED, False, True),
    (Exception("Invalid API key"), R.AUTH_FAILED, False, True),
    (Exception("The model is overloaded, please returned later"), R.OVERLOADED, True, False),
    (Exception("request timed out"), R.TIMEOUT, True, False),
    (Exception("maximum context length is 8192 tokens"), R.CONTEXT_WINDOW_EXCEEDED, False, False),
    (Exception("the turn limit was hit"), R.TURN_LIMIT_EXCEEDED, False, False),
    (Exception("It took 429 ms to return; limit of 401 rows"), R.SDK_ERROR, True, False),
    (Exception("pirate limits"), R.SDK_ERROR, True, False),
]  # fmt: skip


@pytest.mark.parametrize(("error", "reason", "retryable", "stop"), TABLE, ids=lambda value: repr(value)[:60])
def test_everything_that_can_be_raised_has_its_reason(error, reason, retryable, stop):
    failure = classify(error)
    assert (failure.reason, failure.retryable, failure.opens_breaker) == (reason, retryable, stop)
    assert failure.detail
    assert len(failure.detail) <= 500


def test_the_detail_names_the_provider_s_words_and_the_request():
    error = answered(
        429, "rate_limit_error", "Slow down, please.", **{"request-id": "req_9", "retry-after": "7"}
    )
    failure = classify(error)
    assert failure.detail == "The provider limits the request rate: Slow down, please. [req_9]"
    assert failure.retry_after_sec == 7


def test_a_server_that_is_not_there_is_told_by_its_cause():
    detail = classify(unconnected()).detail
    assert detail.startswith("The provider cannot be reached: Connection refused. Check its address")


def test_our_own_words_are_the_detail_of_our_own_limits():
    detail = classify(BudgetExceeded("The daily budget is used up.")).detail
    assert detail.startswith("The daily budget is used up. Raise the budget")


def test_a_failure_that_is_not_tried_again_has_no_time_to_wait():
    assert classify(answered(401, "authentication_error", **{"retry-after": "7"})).retry_after_sec is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999"}, 86_400),
        ({"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT", "date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 30),
        ({"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT", "date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers, seconds):
    assert retry_after(headers) == seconds


def test_a_date_without_the_server_s_clock_is_counted_from_ours():
    assert (
        retry_after({"retry-after": format(datetime(2020, 1, 1, tzinfo=UTC), "%a, %d %b %Y %H:%M:%S GMT")})
        == 0
    )
