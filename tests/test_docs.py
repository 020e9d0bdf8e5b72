"""What the documents say is so: the arrows, the bold words, the links, the commands and the settings."""

import ast
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class

from chat import transitions as reply_transitions
from chat.states import ARROWS as REPLY_ARROWS
from schedules import conf, transitions
from schedules.deliveries.webhook import signature, webhook_secret
from schedules.states import ARROWS

HOME = Path(__file__).resolve().parent.parent
PAGES = sorted([*HOME.glob("*.md"), *(HOME / "docs").rglob("*.md")])
LIFE, OPERATIONS, CONFIGURATION = (
    HOME / "docs" / f"{name}.md" for name in ("life-of-a-run", "operations", "configuration")
)
ADRS = sorted((HOME / "docs" / "adr").glob("0*.md"))

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
SETTING = re.compile(
    r"\b(?:SCHEDULE|STAGENT|ANTHROPIC|EMAIL)_[A-Z][A-Z_]*[A-Z]\b"
    r"|\b(?:DATABASE_URL|REDIS_URL|SECRET_KEY|DEBUG|ALLOWED_HOSTS|TIME_ZONE|LOG_LEVEL)\b"
)


def named(pages: list[Path]) -> list:
    return [pytest.param(page, id=str(page.relative_to(HOME))) for page in pages]


every_page = pytest.mark.parametrize("page", named(PAGES))


def fenced(page: Path, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(page.read_text()) if kind == language]


def rows(page: Path, first_column: str) -> list[list[str]]:
    """Return the cells of the table whose first heading this is."""
    lines = page.read_text().split(f"| {first_column} |", 1)[1].splitlines()[2:]
    table = lines[: next(number for number, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def sources() -> Iterator[Path]:
    for package in ("agents", "chat", "schedules", "stagent"):
        yield from (path for path in (HOME / package).rglob("*.py") if "migrations" not in path.parts)


# The state machine.


LIVES = pytest.mark.parametrize(
    ("page", "arrows", "home"),
    [(LIFE, ARROWS, transitions), (HOME / "docs" / "life-of-a-reply.md", REPLY_ARROWS, reply_transitions)],
    ids=["run", "reply"],
)


@LIVES
def test_the_state_diagram_is_the_arrows(page, arrows, home):
    (diagram,) = (body for body in fenced(page, "mermaid") if body.startswith("stateDiagram"))
    drawn = re.findall(r"^ *(\S+) --> (\w+): (\w+)$", diagram, re.MULTILINE)
    assert sorted(drawn) == sorted((str(begin) or "[*]", str(end), name) for begin, end, name in arrows)
    ends = set(re.findall(r"^ *(\w+) --> \[\*\]$", diagram, re.MULTILINE))
    assert ends == {str(end) for _, end, _ in arrows} - {str(begin) for begin, _, _ in arrows}


@LIVES
def test_the_table_of_arrows_has_each_with_the_file_of_its_function(page, arrows, home):
    told = []
    for arrow, function, *_ in rows(page, "arrow"):
        name, path = re.fullmatch(r"\[`(\w+)`\]\(\.\./(\S+)\)", function).groups()
        assert f"def {name}(" in (HOME / path).read_text()
        assert name in home.__all__
        begin, _, end = arrow.partition("→")
        told.append((begin.strip(), end.strip(), name))
    assert sorted(told) == sorted((str(begin), str(end), name) for begin, end, name in arrows)


# The words.


def names_in_the_code() -> set[str]:
    """Return the names of classes, modules and columns, in lower case and without underscores."""
    found = {path.parent.name if path.stem == "__init__" else path.stem for path in sources()}
    for path in sources():
        found |= {
            node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
        }
    columns = {column.name for model in apps.get_models() for column in model._meta.get_fields()}
    found |= columns | {name.removesuffix("_expires_at") for name in columns}  # a lease is its end
    return {name.lower().replace("_", "") for name in found}


def test_the_bold_words_of_the_first_paragraph_are_classes_modules_or_columns():
    first = (HOME / "README.md").read_text().split("\n\n")[1]
    words = re.findall(r"\*\*(.+?)\*\*", first)
    assert len(words) > 12
    known = names_in_the_code()
    unknown = [word for word in words if not {word.replace(" ", ""), word.rstrip("s")} & known]
    assert not unknown


# Links and paths.


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
        for title in HEADING.findall(page.read_text())
    }


@every_page
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_files_and_folders_that_are_named_exist(page):
    for code in CODE.findall(page.read_text()):
        if re.fullmatch(r"(?:agents|chat|schedules|stagent|tests|docs|templates|benchmarks)/[\w./-]*", code):
            assert (HOME / code).exists(), code


@every_page
def test_modules_functions_and_permissions_that_are_named_exist(page):
    for code in CODE.findall(page.read_text()):
        if re.fullmatch(r"(?:agents|chat|schedules|stagent|tests)(?:\.\w+)+", code) and not resolves(code):
            pytest.fail(code)


def resolves(dotted: str) -> bool:
    """Tell whether this is a module, something in a module, or a permission of ours."""
    if dotted in {
        f"{model._meta.app_label}.{name}"
        for model in apps.get_models()
        for name, _ in model._meta.permissions
    }:
        return True
    try:
        importlib.import_module(dotted)
    except ImportError:
        module, _, name = dotted.rpartition(".")
        return hasattr(importlib.import_module(module), name)
    return True


def test_every_decision_is_in_the_index_and_in_three_parts():
    index = (HOME / "docs" / "adr" / "README.md").read_text()
    assert len(ADRS) >= 13
    for number, page in enumerate(ADRS, start=1):
        title, *parts = HEADING.findall(page.read_text())
        assert parts == ["Context", "Decision", "Consequences"], page.name
        assert title.startswith(f"{number}. ")
        assert f"| [{number}]({page.name}) | {title.partition('. ')[2]} |" in index


# Commands.


def said(page: Path) -> str:
    """Return what is code on a page, in fences and in lines."""
    text = page.read_text()
    return "\n".join([*(body for _, body in FENCE.findall(text)), *CODE.findall(FENCE.sub("", text))])


@every_page
def test_commands_and_their_options_exist(page):
    known = get_commands() | {"procrastinate": "schedules.cluster"}  # there where workers are chosen
    for name, rest in re.findall(r"manage\.py (\w+)([^\n#]*)", said(page)):
        assert name in known, name
        options = (
            load_command_class(known[name], name).create_parser("manage.py", name)._option_string_actions
        )
        assert set(re.findall(r"(?<!\S)--[\w-]+", rest)) <= options.keys(), f"{name}{rest}"


@every_page
def test_targets_of_make_exist(page):
    targets = set(re.findall(r"^(\w+):", (HOME / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]\w*)", said(page))) <= targets


def test_the_options_of_the_scheduler_are_told():
    parser = load_command_class("schedules", "runscheduler").create_parser("manage.py", "runscheduler")
    own = {"--once", "--no-execute", "--max-concurrent", "--lease-ttl", "--grace"}
    assert own <= parser._option_string_actions.keys()
    assert all(f"`{option}" in OPERATIONS.read_text() for option in own)


# Settings.


def read_from_the_environment() -> set[str]:
    """Return the variables that the code reads."""
    asked = re.compile(r'(?<!\.)\b(?:env\.\w+|os\.environ\.get)\(\s*"([A-Z_]+)"')
    return {name for path in sources() for name in asked.findall(path.read_text())} | conf.BY_NAME.keys()


@every_page
def test_settings_that_are_named_exist(page):
    assert set(SETTING.findall(page.read_text())) <= read_from_the_environment()


def test_every_setting_is_told():
    told = {
        name
        for row in re.findall(r"^\| (`.+?) \|", CONFIGURATION.read_text(), re.MULTILINE)
        for name in CODE.findall(row)
    }
    assert told == read_from_the_environment()


def test_the_scheduler_s_settings_are_told_with_default_and_range():
    told = {name.strip("`"): (default, span) for name, default, span, _ in rows(CONFIGURATION, "setting")}
    numbers = {key.name: (str(key.default), f"{key.least}–{key.most}") for key in conf.KEYS}
    assert told == numbers | {key.name: ("off", "on, off") for key in conf.KEYS if key.is_switch}


# What a reader may copy.


def test_the_recipe_that_checks_a_webhook_s_sender_works():
    (recipe,) = fenced(OPERATIONS, "python")
    kitchen: dict = {}
    exec(compile(recipe, "operations.md", "exec"), kitchen)
    body, now = b'{"type": "result"}', int(time.time())
    assert kitchen["is_ours"](webhook_secret(7), signature(7, body, now), body)
    assert not kitchen["is_ours"](webhook_secret(7), signature(7, body, now), body + b" ")
    assert not kitchen["is_ours"](webhook_secret(7), signature(7, body, now - 3600), body)
    assert not kitchen["is_ours"](webhook_secret(8), signature(7, body, now), body)


def test_the_picture_is_well_formed_and_says_in_words_what_it_shows():
    picture = ET.parse(HOME / "docs" / "picture.svg").getroot()
    words = " ".join(picture.itertext())
    for word in ("Schedule", "Firing", "tick", "drain", "reaper", "Ledger", "Budgets", "Live stream"):
        assert word in words
    assert "prefers-color-scheme: dark" in words
