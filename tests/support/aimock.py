"""`@copilotkit/aimock`, a model server that nobody here wrote, started beside a test."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

PROGRAM = "node_modules/@copilotkit/aimock/dist/cli.js"
FEW_LETTERS, PAUSE_MS = "3", "2"  # of a piece of text, and before the next

type Json = dict[str, Any]


class Aimock:
    """One that is running; `chaos` sets how often, from 0 to 1, which trouble comes."""

    def __init__(self, url: str) -> None:
        self.url = url

    def chaos(self, **rates: float) -> None:
        httpx2.post(f"{self.url}/__aimock/chaos", json=rates).raise_for_status()


@contextmanager
def aimock(folder: Path, *fixtures: Json) -> Iterator[Aimock]:
    """Run it with these fixtures, on a port of its own."""
    known = folder / "fixtures.json"
    known.write_text(json.dumps({"fixtures": fixtures}))
    program = Path(os.environ["AIMOCK_HOME"]) / PROGRAM
    options = ["-p", "0", "-f", str(known), "-c", FEW_LETTERS, "-l", PAUSE_MS, "--strict"]
    with subprocess.Popen(["node", str(program), *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield Aimock(next(line.split()[-1] for line in process.stdout if "listening on" in line))
        finally:
            process.kill()
