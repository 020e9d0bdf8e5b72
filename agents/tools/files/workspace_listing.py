"""What lies in a workspace, walked without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from agents.tools.base import ToolContext
from agents.tools.files import workspace

SKIPPED = frozenset({".git", ".hg", ".venv", "node_modules", "__pycache__"})  # named, not entered


@dataclass(frozen=True)
class Entry:
    """A file, folder or link, its path relative to the workspace."""

    path: str
    mode: int
    size: int

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)


def entries(context: ToolContext, path: str) -> Iterator[Entry]:
    """Walk a folder: its own entries by name, then each folder's in it. A file is its own only entry."""
    if alone := _file(context, path):
        yield alone
        return
    start = workspace.parts(path)
    with workspace.folder(context, path) as top:
        for here, folders, names, fd in os.fwalk(".", dir_fd=top):
            above = [*start, *workspace.parts(here)]
            found = [entry for name in sorted(folders + names) if (entry := _look(above, name, fd))]
            yield from found
            folders[:] = [] if len(above) >= workspace.MAX_DEPTH else _enterable(found)


def _file(context: ToolContext, path: str) -> Entry | None:
    *above, name = workspace.parts(path) or [""]
    if not name:
        return None
    with workspace.folder(context, "/".join(above)) as parent:
        entry = _look(above, name, parent)
    return entry if entry and entry.is_file else None


def _look(above: list[str], name: str, parent: int) -> Entry | None:
    """Look at one name without following it; None where it has gone meanwhile."""
    with suppress(FileNotFoundError):
        about = os.stat(name, dir_fd=parent, follow_symlinks=False)
        return Entry("/".join([*above, name]), about.st_mode, about.st_size)
    return None


def _enterable(found: list[Entry]) -> list[str]:
    names = (entry.path.rpartition("/")[2] for entry in found if entry.is_folder)
    return [name for name in names if name not in SKIPPED]
