"""What an answer stands for, where some of it differs each time though nothing has changed."""

from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel

ATTRIBUTE = "_stands_for"


def stands_for(request: HttpRequest, answer: BaseModel, *, but: dict[str, Any]) -> None:
    """Let the answer count as unchanged while it is equal but for these fields (as in pydantic's exclude)."""
    setattr(request, ATTRIBUTE, answer.model_dump_json(exclude=but).encode())


def said(request: HttpRequest) -> bytes | None:
    """Return what the view said that its answer stands for."""
    return getattr(request, ATTRIBUTE, None)
