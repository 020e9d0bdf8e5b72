"""Entry point of the reply worker's process, started by `stagent.web.reply_worker_process`.

1. Start the reply worker (`chat.worker.worker`).
2. Look for work when the web process signals some; signal changes to the web process, one signal at a time.
3. On a shutdown signal, or when the web process is gone: finalise the replies under way, and exit.
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
    from stagent.lib.processes.supervised_task import Watched

SHUTDOWN = b"l"
NEWS = b"n"
WORK, RECEIVED = b"w", b"h"
IDLE_SEC = 5.0
RECEIPT_SEC = 0.25  # to wait for the web process to confirm a signal; pages poll as often by themselves


def main(sock: socket.socket) -> None:
    """Work until a shutdown signal or until the socket closes."""
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
    news, received = threading.Event(), threading.Event()
    broadcast.subscribe(news.set)
    SUPERVISOR.thread(
        "news to the web process", lambda watched: _signal_news(news, received, sock, watched)
    ).start()
    worker, reporter = ReplyWorker(), Reporter("replies", holder_id("replies"))
    worker.open()
    reporter.start()
    while (signals := _receive(sock)) and SHUTDOWN not in signals:
        if RECEIVED in signals:
            received.set()
        if WORK in signals:
            worker.wake()
    close_in_order([("end the replies", worker.close), ("end the report", reporter.stop)])


def _receive(sock: socket.socket) -> bytes:
    """Wait for signals; empty if the web process is gone."""
    try:
        return sock.recv(4096)
    except OSError:
        return b""


def _signal_news(
    news: threading.Event, received: threading.Event, sock: socket.socket, watched: "Watched"
) -> None:
    with suppress(OSError):  # the web process is gone
        while True:
            if news.wait(IDLE_SEC):
                news.clear()
                received.clear()
                sock.send(NEWS)
                received.wait(RECEIPT_SEC)
            watched.beat()
    watched.stop()


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stagent.settings")
    web_process = socket.socket(fileno=int(sys.argv[1]))
    web_process.set_inheritable(False)  # else a tool's process would keep the socket open after our end
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the web process, which signals us
    signal.signal(signal.SIGTERM, lambda *_: web_process.shutdown(socket.SHUT_RD))
    main(web_process)
    # A thread that still runs, such as a loop that hangs, must not meet an interpreter that is being torn
    # down.
    logging.shutdown()
    os._exit(0)
