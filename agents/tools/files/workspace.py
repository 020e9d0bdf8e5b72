"""Safe file access inside a run's workspace.

A path from the model is walked one component at a time: each is opened relative to the one before, and links
are not followed. Resolving a path first and opening it afterwards would be a race: a folder could be replaced
by a link in between.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, BufferedWriter

from agents.tools.base import ToolContext, ToolError

MAX_READ_BYTES = 1024 * 1024  # of one file held in memory
MAX_WRITE_BYTES = 1024 * 1024  # written by one call
MAX_APPENDED_BYTES = 16 * 1024 * 1024  # size of a file that grows by appending
MAX_PATH_CHARS = 1024
MAX_DEPTH = 32

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a FIFO must not block us
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

REASONS = {
    errno.ENOENT: "{} does not exist.",
    errno.ELOOP: "{} is or passes through a link, and links are not followed.",
    errno.ENOTDIR: "{} passes through a file or a link, not a folder.",
    errno.EISDIR: "{} is a folder, not a file.",
    errno.ENXIO: "{} is not a regular file.",
}


def parts(path: str) -> list[str]:
    """Split a path into its components; raise ToolError if it could lead outside."""
    if path.startswith("/"):
        raise ToolError(f"{path}: use a path relative to the workspace, like notes/today.md.")
    if len(path) > MAX_PATH_CHARS or any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise ToolError("The path is too long or contains control characters.")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ToolError("The path contains a lone surrogate.") from None
    components = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in components:
        raise ToolError(f"{path}: '..' is not allowed: paths must stay inside the workspace.")
    if len(components) > MAX_DEPTH:
        raise ToolError(f"{path}: folders can be nested at most {MAX_DEPTH} deep.")
    return components


@contextmanager
def folder(context: ToolContext, path: str, *, create: bool = False) -> Iterator[int]:
    """Open a folder and yield its descriptor; with `create`, create missing folders."""
    with _tool_errors(path):
        current = _root(context)
        try:
            for name in parts(path):
                current = _enter(current, name, create)
            yield current
        finally:
            os.close(current)


@contextmanager
def opened(context: ToolContext, path: str) -> Iterator[BufferedReader]:
    """Open a file of the workspace for reading."""
    parents, name = _split(path)
    with folder(context, parents) as parent, _tool_errors(path), _reader(name, parent) as file:
        yield file


def read(context: ToolContext, path: str) -> bytes:
    """Read a whole file; raise ToolError if it is larger than MAX_READ_BYTES."""
    with opened(context, path) as file:
        data = file.read(MAX_READ_BYTES + 1)
    if len(data) > MAX_READ_BYTES:
        raise ToolError(f"{path} is larger than {MAX_READ_BYTES:,} bytes.")
    return data


def replace(context: ToolContext, path: str, data: bytes) -> None:
    """Replace a file atomically: write a temporary file in the same folder and rename it."""
    _check_size(len(data), MAX_WRITE_BYTES)
    parents, name = _split(path)
    with folder(context, parents, create=True) as parent, _tool_errors(path):
        mode = _mode(name, parent)
        temporary = f".{secrets.token_hex(8)}.tmp"
        try:
            _write_new(temporary, parent, data, mode)
            # A link created under this name in the meantime is replaced, not followed.
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parent)
            raise


def append(context: ToolContext, path: str, data: bytes) -> None:
    """Append to a file; two runs that append to the same file both keep their lines."""
    _check_size(len(data), MAX_WRITE_BYTES)
    parents, name = _split(path)
    with folder(context, parents, create=True) as parent, _tool_errors(path), _appender(name, parent) as file:
        info = os.fstat(file.fileno())
        if info.st_nlink > 1:  # the other name can be outside the workspace
            raise ToolError(f"{name} is not a regular file: it has a second hard link.")
        _check_size(info.st_size + len(data), MAX_APPENDED_BYTES)
        file.write(data)


def text(data: bytes, path: str) -> str:
    """Decode the bytes of a file; raise ToolError if they are not UTF-8 text."""
    if looks_binary(data):
        raise ToolError(f"{path} is a binary file ({len(data):,} bytes), not text.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{path} is not UTF-8 text.") from None


def looks_binary(data: bytes) -> bool:
    """Return whether there is a NUL in the first 8,192 bytes, as git does."""
    return b"\0" in data[:8192]


def _root(context: ToolContext) -> int:
    if context.workspace is None:
        raise ToolError("This run has no workspace: file tools need a project with a folder.")
    try:
        return os.open(context.workspace, FOLDER)  # chosen by the operator, so links are followed here
    except OSError as error:
        raise ToolError(f"The workspace cannot be opened: {error.strerror}.") from error


def _split(path: str) -> tuple[str, str]:
    names = parts(path)
    if not names or path.endswith("/"):
        raise ToolError(f"{path or 'An empty path'} is not the path of a file.")
    return "/".join(names[:-1]), names[-1]


def _enter(parent: int, name: str, create: bool) -> int:
    """Open the folder `name` inside `parent`, and close `parent`."""
    if create:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
    child = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    os.close(parent)
    return child


def _reader(name: str, parent: int) -> BufferedReader:
    return os.fdopen(_open_regular(name, READ, parent), "rb")


def _appender(name: str, parent: int) -> BufferedWriter:
    return os.fdopen(_open_regular(name, APPEND, parent), "ab")


def _open_regular(name: str, flags: int, parent: int) -> int:
    """Open a regular file; refuse folders, pipes and devices."""
    file = os.open(name, flags, 0o666, dir_fd=parent)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise ToolError(f"{name} is not a regular file.")


def _mode(name: str, parent: int) -> int | None:
    """Return the mode of the file to replace, None if there is none; refuse anything but a regular file."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise ToolError(f"{name} is a link or a folder, not a regular file.")
    return stat.S_IMODE(mode)


def _write_new(name: str, parent: int, data: bytes, mode: int | None) -> None:
    with os.fdopen(os.open(name, CREATE, 0o666, dir_fd=parent), "wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ToolError(f"The file would have {size:,} bytes; the limit is {limit:,}.")


@contextmanager
def _tool_errors(path: str) -> Iterator[None]:
    """Turn an OSError into a ToolError that does not reveal paths outside the workspace."""
    try:
        yield
    except OSError as error:
        name = path or "The workspace"
        raise ToolError(REASONS.get(error.errno or 0, "{}: {}.").format(name, error.strerror)) from error
