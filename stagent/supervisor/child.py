"""Run a Python module as the child of `manage.py up`, and leave when the parent is gone, however it went.

The parent holds the other end of a pipe and never writes to it. When it dies, SIGKILL included, the pipe
closes and this process asks itself to stop: the same on every system, and in good order.
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
    """Take `tether module arguments…` from the command line."""
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
