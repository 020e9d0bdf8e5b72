"""Reads and writes files of the workspace."""

import re

from agents.offline.assistant.formatting import count, fenced, format_error
from agents.offline.assistant.intents import IntentRequest
from agents.offline.assistant.skills.general import CANNOT_SEE, figures, gist
from agents.offline.script import Call, Script
from agents.tools.files.list_files import NO_FILES


def list_files(intent: IntentRequest) -> Script:
    """List the files of a folder."""
    arguments = {"path": intent.params["path"]} if intent.params.get("path") else {}
    result = yield Call("list_files", arguments, "Looking at the files.")
    if result.failed:
        return format_error("list the files", result)
    if result.text.strip() in ("", NO_FILES):
        return "There are no files."
    return f"These are the files:\n\n{fenced(result.text)}"


def show_attached(intent: IntentRequest) -> str:
    """Return the texts of the attached files; the reply lists all files anyway."""
    texts = [f"`{each.name}`:\n\n{fenced(each.text)}" for each in intent.request.files if each.text]
    return "\n\n".join(texts) or CANNOT_SEE


def read_file(intent: IntentRequest) -> Script:
    """Read a file and show or summarise it."""
    path = intent.params["path"]
    result = yield Call("read_file", {"path": path}, f"Reading `{path}`.")
    if result.failed:
        return format_error(f"read `{path}`", result)
    if re.search(r"summari[sz]e|gist|count", intent.text, re.IGNORECASE):
        return f"`{path}`: {figures(result.text)}\n\n{gist(result.text)}"
    return f"`{path}` ({count(len(result.text.splitlines()), 'line')}):\n\n{fenced(result.text)}"


def write_file(intent: IntentRequest) -> Script:
    """Write a file."""
    content = unquoted(intent.params["content"])
    return (yield from write(intent.params["path"], f"{content}\n", "Wrote"))


def append_file(intent: IntentRequest) -> Script:
    """Append to a file; create it if needed."""
    content = unquoted(intent.params["content"])
    return (yield from write(intent.params["path"], f"{content}\n", "Appended to", append=True))


def write(path: str, content: str, done: str, **options: bool) -> Script:
    result = yield Call("write_file", {"path": path, "content": content, **options}, f"Writing `{path}`.")
    return (
        format_error(f"write `{path}`", result) if result.failed else f"{done} `{path}`:\n\n{fenced(content)}"
    )


def search_files(intent: IntentRequest) -> Script:
    """Search the files for a text."""
    needle = intent.params["wanted"]
    result = yield Call("search_files", {"text": needle}, f"Searching for “{needle}”.")
    return (
        format_error(f"search for “{needle}”", result)
        if result.failed
        else f"Found:\n\n{fenced(result.text)}"
    )


def unquoted(text: str) -> str:
    """Return a text without surrounding quotation marks."""
    match = re.fullmatch(r"[\"'“`](.*)[\"'”`]", text.strip(), re.DOTALL)
    return match[1] if match else text.strip()
