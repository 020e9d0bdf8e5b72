"""Who holds a lease: this process, told apart from every other, earlier ones of the same pid included."""

import os
import secrets
import socket
from functools import lru_cache


def holder(role: str) -> str:
    """Return this process's name, for example scheduler@host:4711:9f3a2c."""
    return f"{role}@{socket.gethostname()[:60]}:{os.getpid()}:{_incarnation(os.getpid())}"


@lru_cache(maxsize=1)  # by pid: a forked child has another name
def _incarnation(pid: int) -> str:
    return secrets.token_hex(3)
