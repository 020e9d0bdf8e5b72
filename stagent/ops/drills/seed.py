"""The chance of a drill: one seed, which is printed and can be given again."""

import argparse
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What a drill is told on its command line."""

    rounds: int
    minutes: float
    seed: int


def options() -> Options:
    """Read them; without a seed one is drawn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=None)
    found = parser.parse_args()
    drawn = random.SystemRandom().randrange(1_000_000)
    return Options(found.rounds, found.minutes, drawn if found.seed is None else found.seed)
