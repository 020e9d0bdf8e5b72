"""Fetches a page."""

import re

from agents.offline.assistant.formatting import fenced, format_error
from agents.offline.assistant.intents import IntentRequest
from agents.offline.assistant.skills.general import figures, gist
from agents.offline.script import Call, Script

ORIGIN = re.compile(r"\A\S+ \(\d{3}, [^\n]*\)\n\n")  # the first line of an http_get result


def fetch(intent: IntentRequest) -> Script:
    """Fetch a page and summarise it."""
    url = intent.params["url"]
    result = yield Call("http_get", {"url": url}, f"Fetching {url}.")
    if result.failed:
        return format_error(f"fetch {url}", result)
    page = body(result.text)
    return f"Fetched {url}: {figures(page)}\n\n{format_page(page)}"


def body(text: str) -> str:
    """Return the page without the line about its origin."""
    return ORIGIN.sub("", text)


def format_page(text: str) -> str:
    """Return JSON in a fence, and a summary of prose."""
    return fenced(text) if text.lstrip().startswith(("{", "[")) else gist(text)
