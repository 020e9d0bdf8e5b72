"""The shape of the house: who imports whom, how long things are, what must not lie about."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOME = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text())
PACKAGES = sorted(path.parent.name for path in HOME.glob("*/apps.py"))
LONGEST_FILE = 300
MOST_MODULES = 15  # in a folder, without __init__
LONGEST_TEST_FILE = 350  # a list of sentences is read more lightly
READ_BY_PEOPLE = {".py", ".js", ".css", ".html"}


def tracked() -> list[Path]:
    """Return the files that git knows, or, outside a checkout, those of the packages."""
    listed = subprocess.run(["git", "ls-files"], cwd=HOME, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for name in listed.stdout.splitlines() if (path := HOME / name).is_file()]
    return [
        path for package in [*PACKAGES, "tests"] for path in (HOME / package).rglob("*") if path.is_file()
    ]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path.relative_to(HOME), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def product() -> list[tuple[Path, str]]:
    """Return our Python, without tests, migrations and empty files."""
    return [
        (path, text)
        for path, text in texts()
        if path.suffix == ".py"
        and path.parts[0] in PACKAGES
        and "migrations" not in path.parts
        and text.strip()
    ]


def function_lengths() -> Iterator[tuple[int, str]]:
    for path, text in product():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                said = ast.get_docstring(node) is not None
                first = node.body[min(said, len(node.body) - 1)]
                yield node.end_lineno - first.lineno + 1, f"{path}:{node.name}"


def test_everybody_imports_only_whom_they_may():
    judge = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    verdict = subprocess.run(
        [sys.executable, "-c", judge], cwd=HOME, capture_output=True, text=True, check=False
    )
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_every_app_stands_under_the_contracts():
    assert sorted(PROJECT["tool"]["importlinter"]["root_packages"]) == PACKAGES


def test_no_file_is_longer_than_a_person_reads_at_once():
    long = {
        str(path): lines
        for path, text in texts()
        if path.suffix in READ_BY_PEOPLE
        and "migrations" not in path.parts
        and (lines := len(text.splitlines())) > (LONGEST_TEST_FILE if "tests" in path.parts else LONGEST_FILE)
    }
    assert not long, "is there a noun trying to get out?"


def test_no_folder_holds_more_than_a_person_can_survey():
    modules = Counter(path.parent for path, _ in product() if path.name != "__init__.py")
    assert not {str(folder): many for folder, many in modules.items() if many > MOST_MODULES}


def test_every_package_says_what_it_does():
    silent = [
        str(path)
        for path in tracked()
        if path.name == "__init__.py"
        and path.relative_to(HOME).parts[0] in PACKAGES
        and path.parent.name != "migrations"
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_no_two_classes_of_an_app_have_one_name():
    homes: dict[tuple[str, str], list[str]] = {}
    for path, text in product():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and "management" not in path.parts:
                homes.setdefault((path.parts[0], node.name), []).append(str(path))
    assert not {name: paths for name, paths in homes.items() if len(paths) > 1}


METAPHORS = (
    "desk",
    "purse",
    "luggage",
    "tether",
    "scribe",
    "household",
    "doorbell",
    "landing",
    "knock",
    "quicker",
)


def is_metaphor(name: str) -> bool:
    """Tell whether a word of a name is one that a newcomer would not search for."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    return any(word.lower().removesuffix("s") in METAPHORS for word in words)


def test_names_are_standard_terms():
    named = [
        f"{path}: {node.name}"
        for path, text in product()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and is_metaphor(node.name)
    ]
    assert named + [str(path) for path, _ in product() if is_metaphor(path.stem)] == []


def test_functions_are_small():
    lengths = list(function_lengths())
    assert median(length for length, _ in lengths) <= 9
    assert quantiles((length for length, _ in lengths), n=10)[-1] <= 15
    assert max(lengths)[0] <= 40, max(lengths)


def test_every_module_says_what_it_is_for():
    silent = [
        str(path)
        for path, text in product()
        if path.name not in {"apps.py", "__init__.py"} and not ast.get_docstring(ast.parse(text))
    ]
    assert not silent


def test_every_migration_is_named_for_what_it_does():
    names = [path.stem for package in PACKAGES for path in (HOME / package / "migrations").glob("0*.py")]
    assert not [
        name for name in names if re.search(r"_auto_|_and_more|_(alter|add|remove)_\w+_\w+_and", name)
    ]


def test_nothing_tells_of_the_machine_it_was_written_on():
    places = (str(HOME), f"{Path.home()}/")
    telling = re.compile("|".join(rf"(?<![\w/]){re.escape(place)}" for place in places))
    assert not [f"{path}: {found[0]}" for path, text in texts() if (found := telling.search(text))]


def test_the_lock_holds_hashes_and_no_addresses():
    lock = (HOME / "requirements.lock").read_text()
    assert "://" not in lock
    pinned = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==\S+.*", lock, re.MULTILINE)
    assert len(pinned) > 40
    assert all(line.endswith("\\") for line in pinned), "every pin is followed by its hashes"


def wanted() -> list[Requirement]:
    """Return what pyproject.toml asks for, the extras included."""
    project = PROJECT["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    return [Requirement(line) for line in project["dependencies"] + extras]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_the_lock_is_in_step_with_the_project(requirement):
    lock = (HOME / "requirements.lock").read_text()
    pins = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", lock, re.MULTILINE))
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    locked = versions.get(canonicalize_name(requirement.name))
    assert locked is not None, f"{requirement} is not locked; CONTRIBUTING.md tells how"
    assert requirement.specifier.contains(locked, prereleases=True)
