"""What an answer stands for: without what differs each time, and with the version that If-Match takes."""

from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel

ATTRIBUTE, VERSION = "_stands_for", "_version_shown"


def represents(request: HttpRequest, answer: BaseModel, *, but: dict[str, Any]) -> None:
    """Let the answer count as unchanged while it is equal but for these fields (as in pydantic's exclude)."""
    setattr(request, ATTRIBUTE, answer.model_dump_json(exclude=but).encode())


def shows[Shown: BaseModel](request: HttpRequest, row: Shown, version: str) -> Shown:
    """Begin the ETag of the answer with the version of this row, the same for GET and PATCH."""
    represents(request, row, but={})
    setattr(request, VERSION, version)
    return row


def if_none_match(request: HttpRequest) -> bytes | None:
    """Return what the view said that its answer stands for."""
    return getattr(request, ATTRIBUTE, None)


def version_shown(request: HttpRequest) -> str:
    """Return the version of the row that the answer shows; empty where it shows none."""
    return getattr(request, VERSION, "")
