"""Races: real processes at once on a test's database, and an observer with a plain connection of its own."""

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

from django.db import connection

from tests.support.observer import Observer
from tests.support.racer import BASE, Report, take_part
from tests.support.seed import SEED

__all__ = ["BASE", "Reports", "race"]

PATIENCE_SEC = 60.0

type Actor = Callable[..., Any]

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.support.racer"])


class Reports(list[Report]):
    """What the racers had to say when it was over."""

    def of(self, actor: Actor) -> list[Any]:
        return [report.result for report in self if report.actor == actor.__name__]

    def total(self, actor: Actor, key: str) -> int:
        return sum(result[key] for result in self.of(actor))

    @property
    def complaints(self) -> list[str]:
        return [f"{report.actor}: {line}" for report in self for line in report.complaints]

    @property
    def ended_twice(self) -> list[int]:
        times = Counter(run for report in self for run in report.ended)
        return [run for run, count in times.items() if count > 1]


class Racer:
    """The test's end of one racing process."""

    def __init__(self, over: Event, number: int, actor: Actor, arguments: dict[str, Any]) -> None:
        self.link, theirs = context.Pipe()
        name = connection.settings_dict["NAME"]
        seed = f"{SEED} {actor.__name__} {number}"
        self._process = context.Process(target=take_part, args=(theirs, over, name, seed, actor, arguments))
        self._process.start()
        theirs.close()

    def hear(self) -> Any:
        assert self.link.poll(PATIENCE_SEC), "a racer says nothing"
        return self.link.recv()

    def __enter__(self) -> Connection:
        return self.link

    def __exit__(self, *_: object) -> None:
        self._process.join(1)
        self._process.kill()
        self._process.join()
        self._process.close()
        self.link.close()


def race(
    *actors: tuple[Actor, dict[str, Any]],
    seconds: float,
    enough: Callable[[], bool] = lambda: True,
    observer: Observer | None = None,
) -> Reports:
    """Let actors race for some seconds, and on a busy machine on until enough has happened.

    Nobody may have logged an error, and no run may have ended twice.
    """
    connection.close()  # what the test did is written, and it holds no lock
    over = context.Event()
    with ExitStack() as stack:
        racers = [Racer(over, number, *told) for number, told in enumerate(actors)]
        for racer in racers:
            stack.enter_context(racer)
        for racer in racers:
            racer.hear()
        started = time.time()
        for racer in racers:
            racer.link.send(started)
        _let_pass(observer.watch if observer else threading.Event().wait, seconds, enough)
        over.set()
        reports = Reports(racer.hear() for racer in racers)
    assert not reports.complaints, "\n".join(reports.complaints[:3])
    assert not reports.ended_twice
    return reports


def _let_pass(watch: Callable[[float], object], seconds: float, enough: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SEC
    watch(seconds)
    while not enough():
        assert time.monotonic() < until, "too little happened"
        watch(1)
