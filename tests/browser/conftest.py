"""A real Chromium at the console of a real web server, with real schedulers beside it.

A test fails when its pages log an error, an offence against the content security policy included.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from stagent.lib.db import prepared
from tests.support.ports import find_unused_port
from tests.support.processes import Process
from tests.support.requirements import chromium
from tests.support.waiting import wait_until

DESKTOP = {"width": 1360, "height": 850}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 30_000
NOWHERE = "/c/404404/"  # no conversation is there


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """One Chromium for all; each test has a profile of its own in it."""
    shipped = connections[DEFAULT_DB_ALIAS]._test_serialized_contents  # type: ignore[attr-defined]
    # Playwright keeps an event loop in this thread, and Django would refuse to touch the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        # Beside an event loop Django has another connection for this thread. Queries remember theirs, and
        # what the migrations made is put back from it after tests that commit.
        connections[DEFAULT_DB_ALIAS]._test_serialized_contents = shipped  # type: ignore[attr-defined]
        prepared._local.connection = connections[DEFAULT_DB_ALIAS]
        yield playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
    prepared._local.connection = connections[DEFAULT_DB_ALIAS]
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def visit(browser: Browser, live_server, alice: User) -> Iterator:
    """Open windows in which Alice is signed in; `visit("/admin/")`, `visit("/admin/", phone=True)`."""
    yield from windows(browser, live_server.url, alice)


@pytest.fixture
def web(transactional_db: None) -> Iterator[str]:
    """The address of a real web process with its sockets, which also works on replies."""
    address = f"127.0.0.1:{find_unused_port()}"
    with Process("runserver", address, "--noreload", "--skip-checks", SECRET_KEY=settings.SECRET_KEY):
        wait_until(lambda: answers(address))
        yield f"http://{address}"


def answers(address: str) -> bool:
    """Tell whether a web process answers."""
    with suppress(OSError), urlopen(f"http://{address}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


@pytest.fixture
def chat(browser: Browser, web: str, alice: User) -> Iterator:
    """Open windows at the chat page, in which Alice is signed in: `chat()`, `chat("/c/1/", phone=True)`."""
    yield from windows(browser, web, alice)


def windows(browser: Browser, url: str, alice: User) -> Iterator:
    """Yield what opens windows; when they are closed, none of them may have complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def visit(path: str = "/", *, phone: bool = False, colours: str = "light") -> Page:
        context = browser.new_context(
            base_url=url,
            viewport=PHONE if phone else DESKTOP,
            is_mobile=phone,
            has_touch=phone,
            color_scheme=colours,
        )
        contexts.append(context)
        sign_in(context, alice, url)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: complaints.extend(complaint(said)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not complaints


def complaint(said: ConsoleMessage) -> list[str]:
    """Return what a page complains of; being offline, signed out or led astray is not its fault."""
    excused = any(reason in said.text for reason in ("INTERNET_DISCONNECTED", "401 (Unauthorized)"))
    excused |= NOWHERE.strip("/").rpartition("/")[2] in said.location["url"]
    return [said.text] if said.type == "error" and not excused else []


def sign_in(context: BrowserContext, user: User, url: str) -> None:
    """Give the window a session without going through the form, which has a test of its own."""
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])


@pytest.fixture
def scheduler(live_server) -> Iterator[Process]:
    """A scheduler process on the database of the test, which executes runs with the offline model."""
    with Process("runscheduler", "--grace", "0") as process:
        process.says("is running")
        yield process
