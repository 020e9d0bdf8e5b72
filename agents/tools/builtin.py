"""The built-in tools."""

from __future__ import annotations

from agents.tools import registry
from agents.tools.files.edit_file import EDIT_FILE
from agents.tools.files.list_files import LIST_FILES
from agents.tools.files.read_file import READ_FILE
from agents.tools.files.search_files import SEARCH_FILES
from agents.tools.files.write_file import WRITE_FILE
from agents.tools.network.http_get import HTTP_GET
from agents.tools.people.ask_person import ASK_PERSON
from agents.tools.people.report import REPORT
from agents.tools.shell.shell import SHELL

BUILTIN = (LIST_FILES, READ_FILE, SEARCH_FILES, WRITE_FILE, EDIT_FILE, HTTP_GET, REPORT, SHELL, ASK_PERSON)


def register() -> None:
    """Register the built-in tools; calling it again changes nothing."""
    for tool in BUILTIN:
        registry.register(tool)
