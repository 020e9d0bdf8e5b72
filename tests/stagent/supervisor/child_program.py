# ruff: noqa: T201
"""A child process for the supervisor's tests; its argument is polite, stubborn, shortlived or haunted."""

import os
import signal
import subprocess
import sys

# Named for whose it is: other tests, here or in another suite on this machine, have ghosts of their own.
GHOST = f"import signal; signal.pause()  # the ghost of {os.environ['STAGENT_DATA_DIR']}"


def leave(number, frame):
    print("goodbye", flush=True)
    sys.exit(0)


def live(manner):
    if manner == "shortlived":
        print("famous last words", end="")
        sys.exit(3)
    if manner == "haunted":  # leaves a process behind that holds its output open
        subprocess.Popen([sys.executable, "-c", GHOST])
        sys.exit(4)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if manner == "stubborn" else leave)
    print("at home", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    live(sys.argv[1])
