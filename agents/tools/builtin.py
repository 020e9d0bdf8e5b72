"""The tools every install has."""

from __future__ import annotations

from . import registry
from .report import REPORT

BUILTIN = (REPORT,)


def register() -> None:
    """Register them all; a second time changes nothing."""
    for tool in BUILTIN:
        registry.register(tool)
