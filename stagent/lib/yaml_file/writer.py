"""Writes a YAML file with one list, for people and for every YAML reader, and describes changes."""

import re
from collections.abc import Iterator
from difflib import ndiff
from typing import Any

import yaml

from stagent.lib.yaml_file.reader import Loader

UNUSUAL = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
NUMBER = re.compile(r"[-+]?([0-9.]+([eE][-+]?[0-9]+)?|0o[0-7]+)$")


class _Dumper(yaml.SafeDumper):
    """Writes long text on separate lines, and quotes what any YAML reader could take for a number."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    for _readers in (yaml.SafeDumper, Loader):
        for _first, _known in _readers.yaml_implicit_resolvers.items():
            yaml_implicit_resolvers.setdefault(_first, []).extend(_known)
    for _first in "-+.0123456789":  # YAML 1.2 reads 1e3 and 0o17 as numbers, too
        yaml_implicit_resolvers.setdefault(_first, []).append(("tag:yaml.org,2002:float", NUMBER))

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if UNUSUAL.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)


def write(root: str, items: list[dict[str, Any]], head: str = "") -> str:
    """Return the file with these items, below a comment."""
    if not items:
        return f"{head}{root}: []\n"
    return f"{head}{root}:\n" + "\n".join(_item(fields) for fields in items)


def _item(fields: dict[str, Any]) -> str:
    options: Any = {"Dumper": _Dumper, "sort_keys": False, "allow_unicode": True, "width": 100, "indent": 2}
    text: str = yaml.dump({"items": [fields]}, **options)
    return text.partition("\n")[2]


def describe_changes(fields: dict[str, tuple[Any, Any]], *, is_new: bool) -> Iterator[str]:
    """Yield how each field changes, line by line if it is long; None is the default."""
    for name, (old, new) in fields.items():
        yield from _describe_change(name, old, new, is_new=is_new)


def _describe_change(name: str, old: Any, new: Any, *, is_new: bool) -> Iterator[str]:
    if "\n" in f"{old}{new}":
        yield f"    {name}:"
        changed = ndiff(_rows(old), _rows(new))
        yield from (f"      {row.rstrip()}" for row in changed if row[0] in "+-")
    else:
        yield f"    {name}: {_format(new)}" if is_new else f"    {name}: {_format(old)} -> {_format(new)}"


def _rows(value: Any) -> list[str]:
    return [] if value is None else str(value).splitlines()


def _format(value: Any) -> str:
    return "(default)" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
