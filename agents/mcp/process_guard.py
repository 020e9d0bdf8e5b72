"""Runs an MCP server as a child that cannot outlive the parent, even if the parent is killed.

Started as `python process_guard.py parent_pipe command arguments…`, with the server's pipes as its own. The
parent holds the other end of `parent_pipe` and never writes to it: when the parent closes it or dies, the
guard kills the server with its process group and exits. Imports nothing of Stagent.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

NOT_FOUND, NOT_ALLOWED = 127, 126  # exit codes of a shell


def main() -> int:
    """Run the command in sys.argv and return its exit code."""
    for each in (signal.SIGINT, signal.SIGTERM):  # the parent decides when it ends
        signal.signal(each, _ignore)  # not SIG_IGN, which the server would inherit
    try:
        server = subprocess.Popen(sys.argv[2:], start_new_session=True)  # noqa: S603 - the purpose of this program
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_ALLOWED
    for pipe in (0, 1):  # close our copies, so that the pipes end when the server closes them
        os.close(pipe)
    threading.Thread(target=_watch, args=(int(sys.argv[1]), server.pid), daemon=True).start()
    # WNOWAIT: until the server is reaped, its pid and process group cannot be reused.
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    _kill(server.pid)  # and its background processes
    code = server.wait()
    return code if code >= 0 else 128 - code


def _ignore(*_: object) -> None:
    """Ignore a signal."""


def _watch(parent_pipe: int, group: int) -> None:
    os.read(parent_pipe, 1)
    _kill(group)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
