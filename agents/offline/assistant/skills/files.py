"""Reading and writing files of the workspace."""

import re

from agents.offline.assistant.formatting import count, fenced, format_error
from agents.offline.assistant.intent import IntentRequest
from agents.offline.assistant.skills.general import CANNOT_SEE, figures, gist
from agents.offline.script import Call, Script
from agents.tools.files.list_files import NO_FILES


def list_files(wish: IntentRequest) -> Script:
    """List the files of a folder."""
    where = {"path": wish.words["path"]} if wish.words.get("path") else {}
    found = yield Call("list_files", where, "Looking at the files.")
    if found.failed:
        return format_error("list the files", found)
    if found.text.strip() in ("", NO_FILES):
        return "There are no files."
    return f"These are the files:\n\n{fenced(found.text)}"


def show_given(wish: IntentRequest) -> str:
    """Show the texts among the files that came with the words; which files they are is said anyway."""
    texts = [f"`{each.name}`:\n\n{fenced(each.text)}" for each in wish.ask.files if each.text]
    return "\n\n".join(texts) or CANNOT_SEE


def read_file(wish: IntentRequest) -> Script:
    """Read a file and show it, or sum it up if that was asked."""
    path = wish.words["path"]
    found = yield Call("read_file", {"path": path}, f"Reading `{path}`.")
    if found.failed:
        return format_error(f"read `{path}`", found)
    if re.search(r"summari[sz]e|gist|count", wish.text, re.IGNORECASE):
        return f"`{path}`: {figures(found.text)}\n\n{gist(found.text)}"
    return f"`{path}` ({count(len(found.text.splitlines()), 'line')}):\n\n{fenced(found.text)}"


def write_file(wish: IntentRequest) -> Script:
    """Write a file."""
    content = unquoted(wish.words["content"])
    return (yield from written(wish.words["path"], f"{content}\n", "Wrote"))


def append_file(wish: IntentRequest) -> Script:
    """Add to the end of a file; one that is not there yet is begun."""
    content = unquoted(wish.words["content"])
    return (yield from written(wish.words["path"], f"{content}\n", "Added to", append=True))


def written(path: str, content: str, done: str, **how: bool) -> Script:
    """Write the content and tell."""
    result = yield Call("write_file", {"path": path, "content": content, **how}, f"Writing `{path}`.")
    return (
        format_error(f"write `{path}`", result) if result.failed else f"{done} `{path}`:\n\n{fenced(content)}"
    )


def search_files(wish: IntentRequest) -> Script:
    """Look for a text in the files."""
    wanted = wish.words["wanted"]
    found = yield Call("search_files", {"text": wanted}, f"Searching for “{wanted}”.")
    return (
        format_error(f"search for “{wanted}”", found) if found.failed else f"Found:\n\n{fenced(found.text)}"
    )


def unquoted(text: str) -> str:
    """Take away the quotation marks around a text."""
    match = re.fullmatch(r"[\"'“`](.*)[\"'”`]", text.strip(), re.DOTALL)
    return match[1] if match else text.strip()
