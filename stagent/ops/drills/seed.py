"""The random seed of a drill, printed and repeatable."""

import argparse
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The command-line options of a drill."""

    rounds: int
    minutes: float
    seed: int


def options() -> Options:
    """Parse them; draw a seed if none is given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=None)
    found = parser.parse_args()
    drawn = random.SystemRandom().randrange(1_000_000)
    return Options(found.rounds, found.minutes, drawn if found.seed is None else found.seed)
