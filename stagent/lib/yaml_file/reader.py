"""Reads a YAML file with one list: every item with the line of each of its fields.

YAML as people expect it: `17:00` and dates are text, `yes` is a word, `010` is ten; only true, false, null
and decimal numbers are more than text. Whatever could make a file mean something else than a reader sees
(anchors, merge keys, tags, a repeated field, several documents) is an error with its line.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_CHARS = 10_000_000
KINDS: dict[str, tuple[str, str, Callable[[str], Any]]] = {  # name: pattern, its first characters, conversion
    "null": ("null|~|", "n~", lambda text: None),
    "bool": ("true|false", "tf", lambda text: text == "true"),
    "int": ("[-+]?[0-9]+", "-+0123456789", int),
    "float": (r"[-+]?[0-9]*\.[0-9]+", "-+0123456789.", float),
}
TAG = "tag:yaml.org,2002:"
MAX_DIGITS = 18  # of a number: no column stores more
NO_ANCHORS = (
    "Anchors and aliases (& and *) are not supported: write the value out. Quote text that begins with them."
)
NO_TAGS = "Tags (!) are not supported: remove it. Quote text that begins with !."
NO_MERGING = "Merge keys (<<) are not supported: write the fields out."
ONE_DOCUMENT = "A second document begins here; only one is allowed."
QUOTES = "Quote text that begins with *, &, @, ` or %."
TOO_DEEP = "The file is nested too deeply."


class Loader(yaml.SafeLoader):
    """SafeLoader without the surprises of YAML 1.1; it only composes nodes, `_value` converts them."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise InvalidFile(Fault(event.start_mark.line + 1, NO_ANCHORS))
        if getattr(event, "tag", None):
            raise InvalidFile(Fault(event.start_mark.line + 1, NO_TAGS))
        return super().compose_node(parent, index)


for _kind, (_text, _first, _) in KINDS.items():
    Loader.add_implicit_resolver(f"{TAG}{_kind}", re.compile(f"^(?:{_text})$"), list(_first))
Loader.yaml_implicit_resolvers.setdefault("", []).append((f"{TAG}null", re.compile("^$")))


@dataclass(frozen=True)
class Fault:
    """An error and its line."""

    line: int
    text: str


class InvalidFile(Exception):
    """The file cannot be applied; nothing was written."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Entry:
    """An item of the list as written in the file."""

    line: int
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, name: str, text: str) -> Fault:
        """Return an error of a field, with the field's line or else the line of its item."""
        return Fault(self.lines.get(name.partition(".")[0], self.line), f"{name}: {text}")


def read(text: str, root: str, first: str = "name") -> list[Entry]:
    """Return the items of the list `root:`; raises InvalidFile with all errors.

    `first` is the usual first field of an item.
    """
    if len(text) > MAX_CHARS:
        message = f"The file has {len(text):,} characters; at most {MAX_CHARS:,} are allowed. Split it."
        raise InvalidFile(Fault(1, message))
    try:
        root_node = Loader(text).get_single_node()
        return [_entry(node, first) for node in _items(root_node, root)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidFile(Fault(mark.line + 1 if mark else 1, _message(error))) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"Write the character U+{ord(text[error.position]):04X} as an escape in quotes."
        raise InvalidFile(Fault(line, message)) from None
    except RecursionError:
        raise InvalidFile(Fault(1, TOO_DEEP)) from None


def _message(error: yaml.MarkedYAMLError) -> str:
    """Return PyYAML's error in words that need no knowledge of its grammar."""
    problem, context = error.problem or "", error.context or ""
    if "another document" in problem:
        return ONE_DOCUMENT
    if "'\\t'" in problem:
        return "Indent with spaces, not with tabs."
    if "alias" in context or "anchor" in context or "cannot start any token" in problem:
        return f"{problem}. {QUOTES}"
    return f"{problem or context}."


def _items(root_node: Node | None, root: str) -> list[Node]:
    fields = _fields(root_node) if isinstance(root_node, MappingNode) else {}
    if set(fields) != {root} or not isinstance(fields[root][1], SequenceNode):
        line = root_node.start_mark.line + 1 if root_node else 1
        raise InvalidFile(Fault(line, f"The file must contain one list, `{root}:`, and nothing else."))
    return fields[root][1].value  # type: ignore[no-any-return]


def _entry(node: Node, first: str) -> Entry:
    line = node.start_mark.line + 1
    if not isinstance(node, MappingNode):
        raise InvalidFile(Fault(line, f"An item must be a list of fields, beginning with `- {first}: …`."))
    fields = _fields(node)
    values = {name: _value(name, value) for name, (_, value) in fields.items()}
    return Entry(line, values, {name: at for name, (at, _) in fields.items()})


def _fields(node: MappingNode) -> dict[str, tuple[int, Node]]:
    """Return the fields of a mapping; a repeated one is an error."""
    fields: dict[str, tuple[int, Node]] = {}
    for key, value in node.value:
        line, name = key.start_mark.line + 1, key.value
        if not isinstance(key, ScalarNode):
            raise InvalidFile(Fault(line, "The name of a field must be a word, not a list."))
        if name == "<<":
            raise InvalidFile(Fault(line, NO_MERGING))
        if name in fields:
            raise InvalidFile(
                Fault(line, f"{name}: this field is repeated; it is first set in line {fields[name][0]}.")
            )
        fields[name] = (line, value)
    return fields


def _value(name: str, node: Node) -> Any:
    """Return the value of a field: text, or one of the KINDS above, alone or in lists and mappings."""
    if isinstance(node, SequenceNode):
        return [_value(name, item) for item in node.value]
    if isinstance(node, MappingNode):
        return {key: _value(name, value) for key, (_, value) in _fields(node).items()}
    kind = KINDS.get(node.tag.removeprefix(TAG))
    if kind and len(node.value) > MAX_DIGITS:
        raise InvalidFile(Fault(node.start_mark.line + 1, f"{name}: the number is too long."))
    return kind[2](node.value) if kind else node.value
