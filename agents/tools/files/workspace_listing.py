"""Walks a workspace without following links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from agents.tools.base import ToolContext
from agents.tools.files import workspace

SKIPPED = frozenset({".git", ".hg", ".venv", "node_modules", "__pycache__"})  # listed, but not entered


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
    """Walk a folder: its entries by name, then those of each subfolder. A file yields only itself."""
    if file := _file(context, path):
        yield file
        return
    start = workspace.parts(path)
    with workspace.folder(context, path) as top:
        for here, folders, names, fd in os.fwalk(".", dir_fd=top):
            parents = [*start, *workspace.parts(here)]
            children = [entry for name in sorted(folders + names) if (entry := _stat(parents, name, fd))]
            yield from children
            folders[:] = [] if len(parents) >= workspace.MAX_DEPTH else _folders_to_enter(children)


def _file(context: ToolContext, path: str) -> Entry | None:
    *parents, name = workspace.parts(path) or [""]
    if not name:
        return None
    with workspace.folder(context, "/".join(parents)) as parent:
        entry = _stat(parents, name, parent)
    return entry if entry and entry.is_file else None


def _stat(parents: list[str], name: str, parent: int) -> Entry | None:
    """Return the entry of one name without following links; None if it is gone."""
    with suppress(FileNotFoundError):
        info = os.stat(name, dir_fd=parent, follow_symlinks=False)
        return Entry("/".join([*parents, name]), info.st_mode, info.st_size)
    return None


def _folders_to_enter(children: list[Entry]) -> list[str]:
    names = (entry.path.rpartition("/")[2] for entry in children if entry.is_folder)
    return [name for name in names if name not in SKIPPED]
