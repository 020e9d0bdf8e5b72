"""How a process treats its one interpreter: who has it when, and what it looks through for garbage."""

import gc
import sys

TURN_SEC = 0.0001
FULL_LOOK_AFTER = 30  # looks at what is new; Python's own is 10


def tune_thread_switching() -> None:
    """Let threads take turns fifty times as often as Python does by itself.

    Who talks to the database gives the interpreter away at every statement and waits a turn to have it back
    while another thread is busy: 5 ms each, so a transaction took 150 ms beside 200 streams. Turns of a tenth
    of a millisecond cost no more processor there than turns of a half.
    """
    sys.setswitchinterval(TURN_SEC)


def freeze_gc() -> None:
    """Look through all there is for garbage once, and never again through what is left.

    Called when what takes long is imported. Django and the SDK are 200,000 objects, 200 answers under way
    half as many: every full look stopped each thread for 0.1 to 0.3 s, in which no word moved. So it is taken
    less often, too; who knows a quiet moment tidies up then.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_LOOK_AFTER)


def collect_garbage() -> None:
    """Look through everything now, because nobody waits for anything."""
    gc.collect()
