"""Fetching a page."""

import re

from agents.offline.assistant.formatting import fenced, format_error
from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.skills.general import figures, gist
from agents.offline.script import Call, Script

ORIGIN = re.compile(r"\A\S+ \(\d{3}, [^\n]*\)\n\n")  # the line that http_get puts above the text


def fetch(wish: IntentRequest) -> Script:
    """Fetch a page and say what is on it."""
    url = wish.words["url"]
    found = yield Call("http_get", {"url": url}, f"Fetching {url}.")
    if found.failed:
        return format_error(f"fetch {url}", found)
    page = body(found.text)
    return f"Fetched {url}: {figures(page)}\n\n{shown(page)}"


def body(text: str) -> str:
    """Return the page without the line that says where it came from."""
    return ORIGIN.sub("", text)


def shown(text: str) -> str:
    """Show data as data and prose in short."""
    return fenced(text) if text.lstrip().startswith(("{", "[")) else gist(text)
