"""The holder of a lease: this process, distinct from every other, including earlier ones with the same
pid.
"""

import os
import secrets
import socket
from functools import lru_cache


def holder_id(role: str) -> str:
    """Return the name of this process, for example scheduler@host:4711:9f3a2c."""
    return f"{role}@{socket.gethostname()[:60]}:{os.getpid()}:{_incarnation(os.getpid())}"


@lru_cache(maxsize=1)  # by pid: a forked child gets another one
def _incarnation(pid: int) -> str:
    return secrets.token_hex(3)


def is_dead(name: str) -> bool:
    """Return whether a holder was a process of this machine that has ended; False if that cannot be known."""
    host, _, rest = name.partition("@")[2].partition(":")
    pid, _, incarnation = rest.partition(":")
    if host != socket.gethostname()[:60] or not pid.isdecimal():
        return False
    if int(pid) == os.getpid():
        return incarnation != _incarnation(os.getpid())
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # the process of another user
        return False
    return False
