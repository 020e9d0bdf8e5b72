"""Wakes other processes of this machine: an empty datagram to every socket of a folder.

A datagram carries no data, and a lost one delays its receiver only until it polls.
"""

import contextlib
import os
import secrets
import socket
from pathlib import Path

MAX_PATH = 90
NO_RECEIVER = (ConnectionRefusedError, FileNotFoundError)


def send(folder: str | Path) -> None:
    """Send a datagram to every socket of the folder; sockets without a receiver are removed."""
    with contextlib.suppress(FileNotFoundError):
        if names := os.listdir(folder):  # noqa: PTH208 - names are enough
            _send([Path(folder, name) for name in names])


def _send(paths: list[Path]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        for path in paths:
            try:
                sock.sendto(b"!", os.fsencode(_short_path(path)))
            except NO_RECEIVER:
                path.unlink(missing_ok=True)
            except OSError:
                pass  # its queue is full, so it wakes up anyway


def listen(folder: Path) -> socket.socket | None:
    """Return a socket that receives datagrams, or None if there cannot be one."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / secrets.token_hex(4)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.bind(os.fsencode(_short_path(path)))
    except OSError:  # such as a path longer than the system allows
        sock.close()
        return None
    return sock


def close(sock: socket.socket) -> None:
    """Remove the socket from the folder and close it."""
    Path(os.fsdecode(sock.getsockname())).unlink(missing_ok=True)
    sock.close()


def _short_path(path: Path) -> str:
    """Return the relative path if it is needed and shorter: a socket's path may have about 100 characters."""
    absolute = str(path)
    return absolute if len(absolute) <= MAX_PATH else min(absolute, os.path.relpath(path), key=len)
