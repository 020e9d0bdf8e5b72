"""The front end without a browser: names, folders, imports, and that styles and pages know the same classes.

Types and unused names are checked by `tsc` and eslint, where npm is there: `make lint`.
"""

import json
import re
from collections import Counter
from pathlib import Path

import django.contrib.admin
import pytest
from django.contrib.staticfiles import finders
from pygments.token import STANDARD_TYPES

from chat.feed.frames import SHAPES
from chat.states import FileKind, MessageStatus
from chat.views import SHARED_SHEETS, SHEETS
from stagent.api import api
from stagent.console.templatetags import console

HOME = Path(__file__).resolve().parent.parent
STATIC = [HOME / folder for folder in ("chat/static", "stagent/console/static", "stagent/static")]
MODULES = [path for folder in STATIC for path in sorted(folder.rglob("*.js"))]
STYLES = [path for folder in STATIC for path in sorted(folder.rglob("*.css"))]
WIRE = (HOME / "chat" / "wire.d.ts").read_text()
PACKAGES = ("agents", "chat", "schedules", "stagent")
LAYERS = ("lib", "compose", "thread", "page")
IMPORT = re.compile(r'^import (?:\{(?P<names>[^}]*)\} from )?"(?P<path>[^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
# Words of our own that stood for the field's: nobody finds a module or a function by them.
METAPHORS = {
    *("desk", "door", "doorbell", "knock", "leave", "leaves", "luggage", "outlook", "pen", "purse", "ring"),
    *("say", "said", "settle", "settled", "tell", "told", "tether"),
}


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(HOME)) for path in paths]


def test_no_two_modules_and_no_two_style_sheets_have_one_name():
    for paths in (MODULES, STYLES):
        assert len(paths) > 20
        names = Counter(path.name.lower() for path in paths)
        assert not [name for name, count in names.items() if count > 1]


@pytest.mark.parametrize("path", MODULES + STYLES, ids=ids(MODULES + STYLES))
def test_a_file_is_named_in_one_style(path):
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", path.stem)


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_a_module_says_what_it_is_and_uses_the_words_of_the_field(path):
    text = path.read_text()
    assert text.startswith(("// ", "/** ")), "its first line says what it is"
    # Without comments, what is shown, and the names of the wire.
    code = re.sub(r'"[^"\n]*"|`[^`]*`|/\*[\s\S]*?\*/|(?<!:)//.*', "", text)
    names = re.findall(r"[A-Za-z]+", code)
    words = {word.lower() for name in names for word in re.findall(r"[a-z]+|[A-Z][a-z]*", name)}
    assert not words & METAPHORS


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_what_a_module_imports_is_exported_there_and_stands_below_it(path):
    for found in IMPORT.finditer(path.read_text()):
        source = (path.parent / found["path"]).resolve()
        assert source.is_file(), found["path"]
        names = {name.strip() for name in (found["names"] or "").split(",") if name.strip()}
        assert names <= set(EXPORT.findall(source.read_text())), found["path"]
        if path.parent.name in LAYERS and source.parent.name in LAYERS:
            assert LAYERS.index(source.parent.name) <= LAYERS.index(path.parent.name), found["path"]


# Names that are put together elsewhere: by Django's admin of the names of fields and models, and by Markdown.
COMPOSED = re.compile(r"(field|column|model|id|language)[-_].+")


def words_of(folder: Path, *suffixes: str) -> set[str]:
    """Return all that may be a class or an id in the files of a folder."""
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.suffix in suffixes and not {"migrations", "locale"} & set(path.parts):
            found.update(re.findall(r"[A-Za-z][\w-]*", path.read_text(errors="ignore")))
    return found


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Return the words of our modules, templates and Python, and of Django's admin."""
    ours = [words_of(HOME / folder, ".py", ".js", ".html") for folder in (*PACKAGES, "templates")]
    return set(STANDARD_TYPES.values()).union(
        *ours, words_of(Path(django.contrib.admin.__file__).parent, ".py", ".js", ".html")
    )


@pytest.mark.parametrize("path", STYLES, ids=ids(STYLES))
def test_a_class_that_has_a_style_is_written_somewhere(path, known):
    selectors = re.sub(r"/\*.*?\*/|\{[^{}]*\}|@[^{;]*[{;]", " ", path.read_text(), flags=re.DOTALL)
    names = set(re.findall(r"[.#]([a-zA-Z][\w-]*)", selectors))
    assert not [name for name in names - known if not COMPOSED.fullmatch(name)]


def test_every_style_sheet_and_module_that_a_page_names_is_there():
    named = {*SHEETS, *SHARED_SHEETS, *console.stylesheets()}
    for path in (HOME / "templates").rglob("*.html"):
        named |= set(re.findall(r"""{% static ['"]([^'"]+)['"]""", path.read_text()))
    assert not [name for name in named if finders.find(name) is None]
    loaded = {Path(finders.find(name)).resolve() for name in named}
    assert not [path for path in STYLES if path not in loaded], "a style sheet that no page loads"


def test_a_rule_that_both_sites_need_is_written_once():
    def rules(path: Path) -> set[str]:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        blocks = re.findall(
            r"([^{}@]+)\{([^{}]*)\}", re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", text)
        )
        return {re.sub(r"\s+", " ", f"{selector.strip()} {{{body.strip()}}}") for selector, body in blocks}

    sites = [
        set().union(*(rules(path) for path in STYLES if f"/{site}/styles/" in path.as_posix()))
        for site in ("chat", "console")
    ]
    common = set.intersection(*sites)
    assert not common
    shared = set().union(*(rules(path) for path in STYLES if path.parent.name == "shared"))
    assert not [rule for site in sites for rule in site if rule in shared]


def test_the_checks_are_pinned_and_name_no_registry():
    package = json.loads((HOME / "package.json").read_text())
    assert package["private"]
    assert package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert "dependencies" not in package
    assert "://" not in (HOME / "package.json").read_text()


# The types of the wire against the server


def interface(name: str) -> set[str]:
    """Return the fields of an interface of `wire.d.ts`."""
    found = re.search(rf"^    interface {name} \{{(.*?)^    \}}", WIRE, re.MULTILINE | re.DOTALL)
    assert found, name
    return set(re.findall(r"^        (\w+)\??:", found[1], re.MULTILINE))


def union(name: str) -> set[str]:
    found = re.search(rf"type {name} = ([^;]+);", WIRE)
    assert found, name
    return set(re.findall(r'"(\w+)"', found[1]))


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("Conversation", "ConversationRow"),
        ("Message", "MessageRow"),
        ("Attachment", "AttachmentRow"),
        ("Part", "PartRow"),
        ("ToolCall", "ToolRow"),
        ("OpenApproval", "OpenApproval"),
        ("Snippet", "SnippetRow"),
    ],
)
def test_a_row_has_the_fields_of_the_api(name, schema):
    schemas = api.get_openapi_schema()["components"]["schemas"]
    assert interface(name) == set(schemas[schema]["properties"])


def test_the_states_and_frames_are_those_of_the_server():
    assert union("MessageStatus") == set(MessageStatus.values)
    kinds = re.search(r'kind: ((?:"\w+" ?\|? ?)+);\n\s+media_type', WIRE)
    assert kinds
    assert set(re.findall(r"\w+", kinds[1])) == set(FileKind.values)
    frames = set(re.findall(r'type: "(\w+)"', WIRE.split("interface Welcome")[1].split("type Request")[0]))
    sent = {shape({})["type"] for shape in SHAPES.values()}
    assert frames == sent | {"snapshot", "error", "accepted", "welcome"}
