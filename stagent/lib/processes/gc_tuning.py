"""Interpreter settings of a process: how often threads switch, and what the garbage collector scans."""

import gc
import sys

SWITCH_INTERVAL_SEC = 0.0001
FULL_COLLECTION_AFTER = 30  # collections of the middle generation; Python's default is 10


def tune_thread_switching() -> None:
    """Let threads switch fifty times as often as by default.

    A thread that queries the database releases the interpreter at every statement and waits one switch
    interval to get it back while another thread is busy. At 5 ms a transaction took 150 ms beside 200
    streams. An interval of 0.1 ms costs no more processor time there than 0.5 ms.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_SEC)


def freeze_gc() -> None:
    """Collect garbage once and exclude everything that is left from later collections.

    Call it when the slow imports are done. Django and the SDK are 200,000 objects, 200 replies in progress
    half as many: every full collection stopped all threads for 0.1 to 0.3 s. So full collections are rarer,
    too; `collect_garbage` runs one when the process is idle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_AFTER)


def collect_garbage() -> None:
    """Run a full collection; call it while the process is idle."""
    gc.collect()
