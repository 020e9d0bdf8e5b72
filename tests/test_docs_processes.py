"""What docs/processes-and-threads.md says of threads and tasks is what the supervisor is told of them."""

import ast
import importlib
import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from stagent.lib.processes.supervised_task import STUCK_SEC
from tests.test_house import HOME, product

PAGE = HOME / "docs" / "processes-and-threads.md"
ROW = re.compile(
    r"^\| (?P<names>[^|]*`[^|]*) \|(?:[^|]*\|){3} (?P<end>[^|]*) \| (?P<stuck>[^|]*)\|$", re.MULTILINE
)
NAME = re.compile(r"`([^`]+)`")
# Named by a variable: a table of tasks, one thread for each channel, one for each kind of process.
NAMED_ELSEWHERE = {
    "chat/worker/worker.py": {"reply renewer", "reply guard", "reply maintenance"},
    "schedules/deliveries/sender_threads.py": {"delivery sender", "chat sender"},
    "schedules/monitoring/process_reports.py": {"report of …"},
}


class Part(NamedTuple):
    name: str | None  # None: a variable
    path: str
    is_fatal: bool
    stuck: str | None  # as the page has it; None: computed when it starts


def parts() -> Iterator[Part]:
    """Yield the threads and tasks that the source hands to a supervisor."""
    for path, text in product():
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and call.args and _is_supervised(call.func):
                options = {option.arg: option.value for option in call.keywords}
                fatal = ast.unparse(options["policy"]) == "Policy.FATAL" if "policy" in options else False
                name = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
                yield Part(name, str(path), fatal, _seconds(str(path), options.get("stuck_sec")))


def _is_supervised(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(ast.Name(owner), "thread" | "task"):
            return owner.lower() == "supervisor"
        case ast.Name("Watched"):
            return True
    return False


def _seconds(path: str, value: ast.expr | None) -> str | None:
    if value is None:
        return f"{STUCK_SEC:g} s"
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    try:
        seconds = eval(ast.unparse(value), vars(module).copy())
    except NameError:
        return None
    return "never" if seconds == float("inf") else f"{seconds:g} s"


def rows() -> dict[str, tuple[str, str]]:
    """Return for each name of the page what follows an unexpected end, and after what it is stuck."""
    return {
        name: (row["end"].strip(), row["stuck"].strip())
        for row in ROW.finditer(PAGE.read_text())
        for name in NAME.findall(row["names"])
    }


def test_every_supervised_thread_and_task_is_on_the_page():
    found = list(parts())
    unnamed = {part.path for part in found if part.name is None} - {"stagent/lib/processes/supervisor.py"}
    assert unnamed == NAMED_ELSEWHERE.keys()
    named = {part.name for part in found if part.name}
    assert len(named) > 9
    assert named | set().union(*NAMED_ELSEWHERE.values()) <= rows().keys()


@pytest.mark.parametrize("part", [pytest.param(part, id=part.name) for part in parts() if part.name])
def test_what_follows_an_end_and_a_standstill_is_as_on_the_page(part: Part):
    end, stuck = rows()[part.name]
    assert end.startswith("fatal" if part.is_fatal else "restarted")
    assert part.stuck is None or stuck.startswith(part.stuck)


@pytest.mark.parametrize("picture", ["picture.svg", "processes.svg"])
def test_pictures_are_read_aloud_and_have_a_dark_side(picture: str):
    root = ET.parse(HOME / "docs" / picture).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert all((root.findtext(space + each) or "").strip() for each in ("title", "desc"))
    assert "prefers-color-scheme: dark" in (root.findtext(space + "style") or "")
