"""Run a server and let none of it outlive who asked for it, however that one went.

Started as `python process_guard.py tether command arguments…`, with the server's pipes as its own. The caller
holds the other end of the pipe `tether` and never writes: when it closes that or is killed, this process
ends, and the server with everything it started and left in its group is killed. Imports nothing of ours.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

NOT_FOUND, NOT_ALLOWED = 127, 126  # as a shell has it


def main() -> int:
    """Take `keeper tether command arguments…` from the command line; return the server's exit code."""
    for each in (signal.SIGINT, signal.SIGTERM):  # whoever asked decides when it ends
        signal.signal(each, _stay)  # not SIG_IGN, which the server would inherit
    try:
        server = subprocess.Popen(sys.argv[2:], start_new_session=True)  # noqa: S603 - it is what this is for
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_ALLOWED
    for pipe in (0, 1):  # the server's alone: when it closes them they have an end
        os.close(pipe)
    threading.Thread(target=_watch, args=(int(sys.argv[1]), server.pid), daemon=True).start()
    # Not reaped yet: until then its number, and that of its group, are nobody else's.
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    _kill(server.pid)  # what it left running goes with it
    code = server.wait()
    return code if code >= 0 else 128 - code


def _stay(*_: object) -> None:
    """Take no notice of a signal."""


def _watch(tether: int, group: int) -> None:
    os.read(tether, 1)
    _kill(group)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
