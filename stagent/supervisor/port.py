"""The web's port, bound before anything starts and kept over restarts of the web process."""

import asyncio
import errno
import socket

BACKLOG = 128
ANSWER_SEC = 5.0


class CannotListen(Exception):
    """The address cannot be bound; the message says why and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any. Raises CannotListen."""
    if not 0 <= port <= 65_535:
        raise CannotListen(f"{port} is not a port; they go from 0 to 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise CannotListen(f"{host!r} is not an address.") from None
    # Of several addresses of a name the IPv4 one: what a browser on this machine tries works with both.
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(_explain(error, host, port)) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL to open on this machine."""
    host, port = _from_here(listener)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def answers(listener: socket.socket) -> bool:
    """Return whether the web answers, with any status."""
    try:
        async with asyncio.timeout(ANSWER_SEC):
            reader, writer = await asyncio.open_connection(*_from_here(listener))
            writer.write(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            status = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return status.startswith(b"HTTP/")


def is_local(listener: socket.socket) -> bool:
    """Return whether only this machine can reach it."""
    return listener.getsockname()[0] in {"127.0.0.1", "::1"}


def _from_here(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - told apart, not bound


def _explain(error: OSError, host: str, port: int) -> str:
    another = f"make run PORT={port + 1}, or manage.py up --port {port + 1}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} on {host} is taken by another program. Choose another one: {another}."
        case errno.EACCES:
            return f"Port {port} is the system administrator's. Choose one above 1023: make run PORT=8000."
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine."
        case _:
            return f"Cannot listen on {host} port {port}: {error.strerror}."
