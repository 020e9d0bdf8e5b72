"""Code in colours, as classes: of languages that people use, up to a length, so that nothing takes long."""

from html import escape
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

MOST_CHARS = 50_000  # of all the code in one text
NAMES = """
bash c c++ console cpp cs csharp css diff django docker dockerfile elixir erlang go graphql haskell hcl html
http ini java javascript jinja js json jsx kotlin lua make makefile markdown md nginx nix objective-c ocaml
perl php postgres postgresql powershell protobuf py pycon python r rb rs ruby rust scala sh shell sql swift
terraform toml ts tsx typescript vue xml yaml yml zig zsh
"""
LANGUAGES = frozenset(NAMES.split())

_FORMATTER: HtmlFormatter[str] = HtmlFormatter(nowrap=True)


def highlighted(code: str, language: str, env: dict[str, Any]) -> str:
    """Return code as safe HTML; `env` lives as long as one text and counts what was spent on it."""
    env["coloured"] = env.get("coloured", 0) + len(code)
    if language not in LANGUAGES or env["coloured"] > MOST_CHARS:
        return escape(code, quote=False)
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return str(highlight(code, lexer, _FORMATTER))
