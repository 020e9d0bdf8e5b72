"""The file as it is written: every schedule with the line of each of its fields.

YAML as people mean it: `17:00` and dates are text, `yes` is a word; only true, false, null and numbers are
more than text.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

ROOT = "schedules"
MOST_BYTES = 10_000_000


class _Loader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for _tag, _text, _first in (
    ("null", "null|~|", "n~"),
    ("bool", "true|false", "tf"),
    ("int", "[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]*\.[0-9]+", "-+0123456789."),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_text})$"), list(_first))
_Loader.yaml_implicit_resolvers.setdefault("", []).append(("tag:yaml.org,2002:null", re.compile("^$")))


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
    """A schedule as the file has it."""

    line: int
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    def fault(self, name: str, text: str) -> Fault:
        """Say what is wrong with a field, where it stands or else where its schedule begins."""
        return Fault(self.lines.get(name.partition(".")[0], self.line), f"{name}: {text}")


def read(text: str) -> list[Entry]:
    """Return the schedules of a file; raises Faulty with every line that is wrong."""
    try:
        loader = _Loader(text[:MOST_BYTES])
        root = loader.get_single_node()
        return [_entry(loader, node) for node in _items(root)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = f"{error.problem or error.context}. A text that begins with * or & or @ needs quotes."
        raise Faulty(Fault(mark.line + 1 if mark else 1, said)) from None
    except yaml.YAMLError as error:
        raise Faulty(Fault(1, str(error).partition("\n")[0])) from None


def _items(root: Node | None) -> list[Node]:
    fields = _fields(root) if isinstance(root, MappingNode) else {}
    if set(fields) != {ROOT} or not isinstance(fields[ROOT][1], SequenceNode):
        line = root.start_mark.line + 1 if root else 1
        raise Faulty(Fault(line, f"The file is to hold one list, `{ROOT}:`, and nothing else."))
    return fields[ROOT][1].value  # type: ignore[no-any-return]


def _entry(loader: yaml.SafeLoader, node: Node) -> Entry:
    line = node.start_mark.line + 1
    if not isinstance(node, MappingNode):
        raise Faulty(Fault(line, "A schedule is a list of fields, beginning with `- name: …`."))
    fields = _fields(node)
    values = {name: loader.construct_object(value, deep=True) for name, (_, value) in fields.items()}
    return Entry(line, values, {name: at for name, (at, _) in fields.items()})


def _fields(node: MappingNode) -> dict[str, tuple[int, Node]]:
    """Return the fields of a mapping, each once."""
    fields: dict[str, tuple[int, Node]] = {}
    for key, value in node.value:
        line, name = key.start_mark.line + 1, str(key.value)
        if name in fields:
            raise Faulty(Fault(line, f"{name}: it is said twice, first in line {fields[name][0]}."))
        fields[name] = (line, value)
    return fields
