"""The tools every install has."""

from __future__ import annotations

from . import registry
from .ask_person import ASK_PERSON
from .edit_file import EDIT_FILE
from .http_get import HTTP_GET
from .list_files import LIST_FILES
from .read_file import READ_FILE
from .report import REPORT
from .search_files import SEARCH_FILES
from .shell import SHELL
from .write_file import WRITE_FILE

BUILTIN = (LIST_FILES, READ_FILE, SEARCH_FILES, WRITE_FILE, EDIT_FILE, HTTP_GET, REPORT, SHELL, ASK_PERSON)


def register() -> None:
    """Register them all; a second time changes nothing."""
    for tool in BUILTIN:
        registry.register(tool)
