"""A YAML file with one list: every item with the line of each of its fields.

YAML as people mean it: `17:00` and dates are text, `yes` is a word, `010` is ten; only true, false, null and
decimal numbers are more than text. What would make a file say something else than a reader sees (anchors,
merge keys, tags, a field said twice, several documents) is refused with its line.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MOST_CHARS = 10_000_000
KINDS: dict[str, tuple[str, str, Callable[[str], Any]]] = {  # name: spelling, its first letters, its value
    "null": ("null|~|", "n~", lambda text: None),
    "bool": ("true|false", "tf", lambda text: text == "true"),
    "int": ("[-+]?[0-9]+", "-+0123456789", int),
    "float": (r"[-+]?[0-9]*\.[0-9]+", "-+0123456789.", float),
}
TAG = "tag:yaml.org,2002:"
MOST_DIGITS = 18  # of a number: no column holds more
NO_ANCHORS = (
    "Anchors and aliases (& and *) are not read: write the value out. Text that begins so needs quotes."
)
NO_TAGS = "Tags (!) are not read: leave it out. Text that begins with ! needs quotes."
NO_MERGING = "Merge keys (<<) are not read: write the fields out."
ONE_DOCUMENT = "Another document begins here; the file is to hold one."
QUOTES = "Text that begins with * or & or @ or ` or % needs quotes."
TOO_DEEP = "The file is nested too deeply."


class Loader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises; it only composes, `_value` makes the values."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise Faulty(Fault(event.start_mark.line + 1, NO_ANCHORS))
        if getattr(event, "tag", None):
            raise Faulty(Fault(event.start_mark.line + 1, NO_TAGS))
        return super().compose_node(parent, index)


for _kind, (_text, _first, _) in KINDS.items():
    Loader.add_implicit_resolver(f"{TAG}{_kind}", re.compile(f"^(?:{_text})$"), list(_first))
Loader.yaml_implicit_resolvers.setdefault("", []).append((f"{TAG}null", re.compile("^$")))


@dataclass(frozen=True)
class Fault:
    """What is wrong, in which line."""

    line: int
    text: str


class Faulty(Exception):
    """The file cannot be applied; nothing was written."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Entry:
    """An item of the list as the file has it."""

    line: int
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, name: str, text: str) -> Fault:
        """Say what is wrong with a field, where it stands or else where its item begins."""
        return Fault(self.lines.get(name.partition(".")[0], self.line), f"{name}: {text}")


def read(text: str, root: str, first: str = "name") -> list[Entry]:
    """Return the items of the list `root:`; raises Faulty with every line that is wrong.

    `first` is the field that an item usually begins with.
    """
    if len(text) > MOST_CHARS:
        said = f"The file has {len(text):,} characters; at most {MOST_CHARS:,} are read. Split it."
        raise Faulty(Fault(1, said))
    try:
        found = Loader(text).get_single_node()
        return [_entry(node, first) for node in _items(found, root)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Faulty(Fault(mark.line + 1 if mark else 1, _plain(error))) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        said = f"The character U+{ord(text[error.position]):04X} has to be written as an escape in quotes."
        raise Faulty(Fault(line, said)) from None
    except RecursionError:
        raise Faulty(Fault(1, TOO_DEEP)) from None


def _plain(error: yaml.MarkedYAMLError) -> str:
    """Say what PyYAML found, in the words of somebody who does not know its grammar."""
    problem, context = error.problem or "", error.context or ""
    if "another document" in problem:
        return ONE_DOCUMENT
    if "'\\t'" in problem:
        return "Indent with spaces: there is a tab."
    if "alias" in context or "anchor" in context or "cannot start any token" in problem:
        return f"{problem}. {QUOTES}"
    return f"{problem or context}."


def _items(found: Node | None, root: str) -> list[Node]:
    fields = _fields(found) if isinstance(found, MappingNode) else {}
    if set(fields) != {root} or not isinstance(fields[root][1], SequenceNode):
        line = found.start_mark.line + 1 if found else 1
        raise Faulty(Fault(line, f"The file is to hold one list, `{root}:`, and nothing else."))
    return fields[root][1].value  # type: ignore[no-any-return]


def _entry(node: Node, first: str) -> Entry:
    line = node.start_mark.line + 1
    if not isinstance(node, MappingNode):
        raise Faulty(Fault(line, f"An item is a list of fields, beginning with `- {first}: …`."))
    fields = _fields(node)
    values = {name: _value(name, value) for name, (_, value) in fields.items()}
    return Entry(line, values, {name: at for name, (at, _) in fields.items()})


def _fields(node: MappingNode) -> dict[str, tuple[int, Node]]:
    """Return the fields of a mapping, each once."""
    fields: dict[str, tuple[int, Node]] = {}
    for key, value in node.value:
        line, name = key.start_mark.line + 1, key.value
        if not isinstance(key, ScalarNode):
            raise Faulty(Fault(line, "The name of a field is a word, and no list."))
        if name == "<<":
            raise Faulty(Fault(line, NO_MERGING))
        if name in fields:
            raise Faulty(Fault(line, f"{name}: it is said twice, first in line {fields[name][0]}."))
        fields[name] = (line, value)
    return fields


def _value(name: str, node: Node) -> Any:
    """Return what a field says: text, or one of the kinds above, alone or in lists and mappings."""
    if isinstance(node, SequenceNode):
        return [_value(name, item) for item in node.value]
    if isinstance(node, MappingNode):
        return {key: _value(name, value) for key, (_, value) in _fields(node).items()}
    kind = KINDS.get(node.tag.removeprefix(TAG))
    if kind and len(node.value) > MOST_DIGITS:
        raise Faulty(Fault(node.start_mark.line + 1, f"{name}: The number is too long."))
    return kind[2](node.value) if kind else node.value
