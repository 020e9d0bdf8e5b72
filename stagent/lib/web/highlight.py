"""Syntax highlighting as CSS classes, for common languages and up to a length, to bound its time."""

from html import escape
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

MAX_CHARS = 50_000  # of all the code in one text
NAMES = """
bash c c++ console cpp cs csharp css diff django docker dockerfile elixir erlang go graphql haskell hcl html
http ini java javascript jinja js json jsx kotlin lua make makefile markdown md nginx nix objective-c ocaml
perl php postgres postgresql powershell protobuf py pycon python r rb rs ruby rust scala sh shell sql swift
terraform toml ts tsx typescript vue xml yaml yml zig zsh
"""
LANGUAGES = frozenset(NAMES.split())

_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True)


def highlight_code(code: str, language: str, env: dict[str, Any]) -> str:
    """Return code as safe HTML; `env` belongs to one text and counts the characters highlighted in it."""
    env["highlighted_chars"] = env.get("highlighted_chars", 0) + len(code)
    if language not in LANGUAGES or env["highlighted_chars"] > MAX_CHARS:
        return escape(code, quote=False)
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return str(highlight(code, lexer, _FORMATTER))
