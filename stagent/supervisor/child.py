"""Runs a Python module as a child of `manage.py up`, and exits when the parent is gone.

The parent holds the other end of a pipe and never writes. When it dies, even by SIGKILL, the pipe closes and
the child shuts down in order.
"""

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

LEAVE_SEC = 45  # longer than a scheduler needs to hand its runs back


def main() -> None:
    """Parse `tether module arguments…` from the command line."""
    tether, module, *arguments = sys.argv[1:]
    threading.Thread(target=_watch, args=(int(tether),), name="parent watch", daemon=True).start()
    sys.argv = [module, *arguments]
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(tether: int) -> None:
    os.read(tether, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LEAVE_SEC)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
