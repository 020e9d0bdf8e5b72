"""Who holds a lease: this process, told apart from every other, earlier ones of the same pid included."""

import os
import secrets
import socket
from functools import lru_cache


def holder_id(role: str) -> str:
    """Return this process's name, for example scheduler@host:4711:9f3a2c."""
    return f"{role}@{socket.gethostname()[:60]}:{os.getpid()}:{_incarnation(os.getpid())}"


@lru_cache(maxsize=1)  # by pid: a forked child has another name
def _incarnation(pid: int) -> str:
    return secrets.token_hex(3)


def is_dead(name: str) -> bool:
    """Tell whether a holder was a process of this machine that is no more; False where nobody can know."""
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
    except PermissionError:  # somebody is there
        return False
    return False
