"""Somebody who starts Stagent for the first time: `manage.py up`, a browser, and a program with a token."""

import json
import re
import urllib.request
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import psutil

from tests.support.processes import Process

ADDRESS = r"Stagent is at (http://127\.0\.0\.1:\d+/)"


def up(empty: dict[str, str], *arguments: str, **variables: str) -> Process:
    """Start everything on an install that was never started, on any free port."""
    return Process("up", "--port", "0", *arguments, **empty | variables)


def child(stagent: Process, word: str) -> psutil.Process:
    """Return the one child process with a word in its command line."""
    (found,) = [one for one in stagent.children() if word in one.cmdline()]
    return found


def gone(processes: list[psutil.Process]) -> bool:
    """Tell whether all of them have left."""
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def ready(address: str) -> bool:
    """Tell whether the install says that all its parts work."""
    try:
        return bool(urllib.request.urlopen(f"{address}readyz").status == 200)
    except HTTPError:
        return False


def signed_in(address: str, password: str) -> bool:
    """Tell whether the console lets the first user in."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    form = browser.open(address).read().decode()
    token = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', form)[0]
    fields = {"username": "admin", "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}
    page = browser.open(f"{address}admin/login/", urlencode(fields).encode()).read().decode()
    return "Log out" in page


class Api:
    """The HTTP API as a program sees it, over a real connection."""

    def __init__(self, address: str, token: str) -> None:
        self._base = f"{address}api"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str) -> Any:
        return self.ask("GET", path)[1]

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Post, and return the answer of a request that was taken."""
        status, answer = self.ask("POST", path, body or {})
        assert status < 300, answer
        return answer

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the answer, whatever they are."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, self._headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refusal:
            return refusal.code, json.load(refusal)
