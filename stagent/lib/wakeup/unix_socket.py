"""A knock on the doors of other processes of this machine: datagrams to the sockets in one folder.

Nothing is carried and nothing is lost that matters: whoever misses a knock looks by itself a little later.
"""

import contextlib
import os
import secrets
import socket
from pathlib import Path

LONGEST = 90
STALE = (ConnectionRefusedError, FileNotFoundError)


def send(folder: str | Path) -> None:
    """Knock on every door in the folder; doors that nobody is behind any more are taken away."""
    with contextlib.suppress(FileNotFoundError):
        if doors := os.listdir(folder):  # noqa: PTH208 - names are enough where there are none
            _send([Path(folder, door) for door in doors])


def _send(doors: list[Path]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hand:
        hand.setblocking(False)
        for door in doors:
            try:
                hand.sendto(b"!", os.fsencode(_short(door)))
            except STALE:
                door.unlink(missing_ok=True)
            except OSError:
                pass  # its queue is full: it has been knocked at already


def listen(folder: Path) -> socket.socket | None:
    """Return a socket that hears knocks, or None where there cannot be one."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    door = folder / secrets.token_hex(4)
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.setblocking(False)
    try:
        ear.bind(os.fsencode(_short(door)))
    except OSError:  # such as a path longer than the system allows
        ear.close()
        return None
    return ear


def close(ear: socket.socket) -> None:
    """Take the door away; who knocks now finds nobody."""
    Path(os.fsdecode(ear.getsockname())).unlink(missing_ok=True)
    ear.close()


def _short(door: Path) -> str:
    """Return the relative path where it is wanted and shorter: a socket's may have about 100 characters."""
    path = str(door)
    return path if len(path) <= LONGEST else min(path, os.path.relpath(door), key=len)
