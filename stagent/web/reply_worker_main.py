"""The process that works on replies, started by the web process: see `chat.worker.process`.

1. Start the reply worker. Wake the web process when there is news, not again before it has read the last one.
2. Look for work whenever the web process wakes it.
3. On a request to leave, or when the web process is gone: finalise what is being answered, and exit.
"""

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stagent.lib.processes.watched import Watched

LEAVE = b"l"
NEWS = b"n"
IDLE_SEC = 5.0
WORK, HEARD = b"w", b"h"
ANSWER_SEC = 0.25  # for the web process to say that it has heard; pages look by themselves as often


def main(line: socket.socket) -> None:
    """Work until the line is cut or says so."""
    import django

    django.setup()
    from chat.feed import broadcast
    from chat.worker.worker import ReplyWorker
    from schedules.monitoring.process_reports import Reporter
    from stagent.lib.processes.gc_tuning import tune_thread_switching
    from stagent.lib.processes.process_id import holder_id
    from stagent.lib.processes.shutdown import close_in_order
    from stagent.lib.processes.supervisor import SUPERVISOR

    tune_thread_switching()
    news, heard = threading.Event(), threading.Event()
    broadcast.subscribe(news.set)
    SUPERVISOR.thread("news to the web process", lambda watched: _tell(news, heard, line, watched)).start()
    worker, reporter = ReplyWorker(), Reporter("replies", holder_id("replies"))
    worker.open()
    reporter.start()
    while (bells := _heard(line)) and LEAVE not in bells:
        if HEARD in bells:
            heard.set()
        if WORK in bells:
            worker.find_ready()
    close_in_order([("end the replies", worker.close), ("end the report", reporter.stop)])


def _heard(line: socket.socket) -> bytes:
    """Wait for bells; none means that the web process is gone, however it went."""
    try:
        return line.recv(4096)
    except OSError:
        return b""


def _tell(news: threading.Event, heard: threading.Event, line: socket.socket, watched: "Watched") -> None:
    with suppress(OSError):  # nobody listens any more
        while True:
            if news.wait(IDLE_SEC):
                news.clear()
                heard.clear()
                line.send(NEWS)
                heard.wait(ANSWER_SEC)
            watched.beat()
    watched.stop()


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")
    mate = socket.socket(fileno=int(sys.argv[1]))
    mate.set_inheritable(False)  # or a tool's process would hold the line when we are gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the web process, which tells us
    signal.signal(signal.SIGTERM, lambda *_: mate.shutdown(socket.SHUT_RD))
    main(mate)
    # What is still at work here, a loop that hangs for one, must not meet an interpreter that is taken apart.
    logging.shutdown()
    os._exit(0)
