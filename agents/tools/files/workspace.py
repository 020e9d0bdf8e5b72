"""The door to a run's folder.

A path from the model is walked one component at a time, each opened relative to the one before and
never through a link. Checking a resolved path first and opening it afterwards would leave a moment in
which a folder can be swapped for a link to somewhere else.
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

READ_CAP = 1024 * 1024  # bytes of one file held in memory
WRITE_CAP = 1024 * 1024  # bytes written by one call
APPENDED_CAP = 16 * 1024 * 1024  # bytes a file may grow to by appending
MAX_PATH_CHARS = 1024
MAX_DEPTH = 32

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a FIFO must not hang us
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

REASONS = {
    errno.ENOENT: "{} does not exist.",
    errno.ELOOP: "{} is or passes through a link, and links are not followed.",
    errno.ENOTDIR: "{} passes through a file or a link, not a folder.",
    errno.EISDIR: "{} is a folder, not a file.",
    errno.ENXIO: "{} is not a plain file.",
}


def parts(path: str) -> list[str]:
    """Split a path into its components; raise ToolError where it could lead outside."""
    if path.startswith("/"):
        raise ToolError(f"{path}: give a path relative to the workspace, like notes/today.md.")
    if len(path) > MAX_PATH_CHARS or any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise ToolError("The path is too long or holds control characters.")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ToolError("The path is not valid text.") from None
    found = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in found:
        raise ToolError(f"{path}: '..' is refused, paths stay inside the workspace.")
    if len(found) > MAX_DEPTH:
        raise ToolError(f"{path}: folders may be nested at most {MAX_DEPTH} deep.")
    return found


@contextmanager
def folder(context: ToolContext, path: str, *, create: bool = False) -> Iterator[int]:
    """Open a folder of the workspace and yield its descriptor; with `create`, make what is missing."""
    with _explained(path):
        here = _root(context)
        try:
            for name in parts(path):
                here = _step(here, name, create)
            yield here
        finally:
            os.close(here)


@contextmanager
def opened(context: ToolContext, path: str) -> Iterator[BufferedReader]:
    """Open a file of the workspace for reading."""
    above, name = _split(path)
    with folder(context, above) as parent, _explained(path), _reader(name, parent) as file:
        yield file


def read(context: ToolContext, path: str) -> bytes:
    """Read a whole file; raise ToolError where it is larger than READ_CAP."""
    with opened(context, path) as file:
        data = file.read(READ_CAP + 1)
    if len(data) > READ_CAP:
        raise ToolError(f"{path} is larger than {READ_CAP:,} bytes.")
    return data


def replace(context: ToolContext, path: str, data: bytes) -> None:
    """Write a file whole or not at all: a temporary file beside it is renamed over it."""
    _check_size(len(data), WRITE_CAP)
    above, name = _split(path)
    with folder(context, above, create=True) as parent, _explained(path):
        mode = _replaceable(name, parent)
        temporary = f".{secrets.token_hex(8)}.tmp"
        try:
            _write_new(temporary, parent, data, mode)
            # A link that appears under this name meanwhile is replaced, not followed.
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parent)
            raise


def append(context: ToolContext, path: str, data: bytes) -> None:
    """Add to the end of a file, so that two runs keeping one log both keep their lines."""
    _check_size(len(data), WRITE_CAP)
    above, name = _split(path)
    with folder(context, above, create=True) as parent, _explained(path), _appender(name, parent) as file:
        about = os.fstat(file.fileno())
        if about.st_nlink > 1:  # its other name may be outside
            raise ToolError(f"{name} is not a plain file: it has a second name.")
        _check_size(about.st_size + len(data), APPENDED_CAP)
        file.write(data)


def text(data: bytes, path: str) -> str:
    """Decode a file's bytes; raise ToolError where they are not UTF-8 text."""
    if looks_binary(data):
        raise ToolError(f"{path} is a binary file ({len(data):,} bytes), not text.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{path} is not UTF-8 text.") from None


def looks_binary(data: bytes) -> bool:
    """Tell whether bytes are something other than text, the way git does."""
    return b"\0" in data[:8192]


def _root(context: ToolContext) -> int:
    if context.workspace is None:
        raise ToolError("There is no workspace here: files need a project with a folder.")
    try:
        return os.open(context.workspace, FOLDER)  # the operator's choice, so links are fine here
    except OSError as error:
        raise ToolError(f"The workspace cannot be opened: {error.strerror}.") from error


def _split(path: str) -> tuple[str, str]:
    found = parts(path)
    if not found or path.endswith("/"):
        raise ToolError(f"{path or 'An empty path'} names no file.")
    return "/".join(found[:-1]), found[-1]


def _step(here: int, name: str, create: bool) -> int:
    """Open the folder `name` inside `here`, which is closed in return."""
    if create:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=here)
    below = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=here)
    os.close(here)
    return below


def _reader(name: str, parent: int) -> BufferedReader:
    return os.fdopen(_plain(name, READ, parent), "rb")


def _appender(name: str, parent: int) -> BufferedWriter:
    return os.fdopen(_plain(name, APPEND, parent), "ab")


def _plain(name: str, flags: int, parent: int) -> int:
    """Open a plain file; refuse folders, pipes and devices."""
    file = os.open(name, flags, 0o666, dir_fd=parent)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise ToolError(f"{name} is not a plain file.")


def _replaceable(name: str, parent: int) -> int | None:
    """Give the mode of the file to be replaced, None if there is none; refuse anything but a plain file."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise ToolError(f"{name} is a link or a folder, not a plain file.")
    return stat.S_IMODE(mode)


def _write_new(name: str, parent: int, data: bytes, mode: int | None) -> None:
    with os.fdopen(os.open(name, CREATE, 0o666, dir_fd=parent), "wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _check_size(size: int, cap: int) -> None:
    if size > cap:
        raise ToolError(f"That would be {size:,} bytes; at most {cap:,} are allowed.")


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn an error of the system into words for the model, without paths of the machine."""
    try:
        yield
    except OSError as error:
        shown = path or "The workspace"
        raise ToolError(REASONS.get(error.errno or 0, "{}: {}.").format(shown, error.strerror)) from error
