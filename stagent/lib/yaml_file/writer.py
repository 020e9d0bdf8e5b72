"""A YAML file with one list, written for people and for every YAML reader; and its differences in words."""

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
    """Long text in lines of its own; quotes around what any YAML reader could take for a number."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    for _readers in (yaml.SafeDumper, Loader):
        for _first, _known in _readers.yaml_implicit_resolvers.items():
            yaml_implicit_resolvers.setdefault(_first, []).extend(_known)
    for _first in "-+.0123456789":  # YAML 1.2, which takes 1e3 and 0o17 for numbers, too
        yaml_implicit_resolvers.setdefault(_first, []).append(("tag:yaml.org,2002:float", NUMBER))

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if UNUSUAL.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write(root: str, items: list[dict[str, Any]], head: str = "") -> str:
    """Return the file that holds these, under a comment."""
    if not items:
        return f"{head}{root}: []\n"
    return f"{head}{root}:\n" + "\n".join(_item(fields) for fields in items)


def _item(fields: dict[str, Any]) -> str:
    options: Any = {"Dumper": _Dumper, "sort_keys": False, "allow_unicode": True, "width": 100, "indent": 2}
    text: str = yaml.dump({"items": [fields]}, **options)
    return text.partition("\n")[2]


def differences(fields: dict[str, tuple[Any, Any]], *, is_new: bool) -> Iterator[str]:
    """Say how each field changes, line by line where it is long; None is the default."""
    for name, (old, new) in fields.items():
        yield from _difference(name, old, new, is_new=is_new)


def _difference(name: str, old: Any, new: Any, *, is_new: bool) -> Iterator[str]:
    if "\n" in f"{old}{new}":
        yield f"    {name}:"
        differing = ndiff(_rows(old), _rows(new))
        yield from (f"      {row.rstrip()}" for row in differing if row[0] in "+-")
    else:
        yield f"    {name}: {_said(new)}" if is_new else f"    {name}: {_said(old)} -> {_said(new)}"


def _rows(value: Any) -> list[str]:
    return [] if value is None else str(value).splitlines()


def _said(value: Any) -> str:
    return "(default)" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
