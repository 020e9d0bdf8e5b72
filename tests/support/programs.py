"""Programs that talk to the API in somebody's name."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from stagent.lib import clock
from stagent.models import ApiToken


class Program:
    """A client with a token; bodies go out as JSON."""

    def __init__(self, user: User | None) -> None:
        headers = {}
        if user is not None:
            headers["authorization"] = f"Bearer {ApiToken.objects.issue(user, 'test', now=clock.now())[1]}"
        self._client = Client(headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(f"/api{path}", headers=_dashed(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("POST", path, body, headers)

    def upload(self, path: str, parts: dict[str, Any]) -> Any:
        return self._client.post(f"/api{path}", parts)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self._send("PATCH", path, body, headers)

    def delete(self, path: str) -> Any:
        return self._send("DELETE", path, None, {})

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        data = "" if body is None else json.dumps(body)
        return self._client.generic(method, f"/api{path}", data, "application/json", headers=_dashed(headers))


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def refusal(answer: Any) -> tuple[int, str]:
    """Return the status and the code of an error, whose form is the same everywhere."""
    body = answer.json()
    assert {"error", "message", "fields"} <= body.keys()
    assert body["message"]
    return answer.status_code, body["error"]
