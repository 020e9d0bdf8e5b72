"""Markdown to HTML that is safe to show: what models and tools say may be hostile.

Raw HTML is shown as text, pictures are links, only web and mail addresses are links, and what comes out goes
through an allow-list at the end. Nothing is fetched from anywhere when it is shown.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from stagent.lib.web.highlight import highlighted

LONGEST = 200_000  # characters; what is longer is shown as it is
MOST_BRACKETS = 5000  # each may begin a link, and the search for their ends takes quadratic time
CACHED_CHARS, CACHED = 20_000, 1000
DEEPEST = 20  # quotes and lists within each other
SCHEMES = {"http", "https", "mailto"}
TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li",
    "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "pre": {"data-language"},
    "span": {"class"},
    "td": {"class"},
    "th": {"class"},
}
CLASS = re.compile(r"left|right|center|[a-z][a-z0-9]?[a-z0-9]?")  # ours, and those of Pygments

BARE = re.compile(r"""(https?://[^\s<>*`"'“”‘’«»]*[^\s<>*`"'“”‘’«».,;:!?)\]])""")

type Tokens = Sequence[Token]


def html_of(text: str, *, finished: bool = True) -> str:
    """Return a text as HTML; a finished one is remembered, for it is read again."""
    return _remembered(text) if finished and len(text) <= CACHED_CHARS else _html_of(text)


def _html_of(text: str) -> str:
    if len(text) > LONGEST or text.count("[") > MOST_BRACKETS:
        return f"<pre>{escape(text, quote=False)}</pre>"
    return nh3.clean(
        _MARKDOWN.render(text, {}),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


_remembered = lru_cache(CACHED)(_html_of)


class Renderer(RendererHTML):
    """What we draw in our own way."""

    def fence(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        """Draw code, with its language for whoever shows a button to copy it."""
        token = tokens[index]
        language = (token.info.split() or [""])[0][:40]
        code = highlighted(token.content, language.lower(), env)
        return f'<pre data-language="{escape(language)}"><code>{code}</code></pre>\n'

    def code_block(self, tokens: Tokens, idx: int, options: Any, env: Any) -> str:
        return self.fence(tokens, idx, options, env)

    def text(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        """Draw words; a web address among them is a link without further signs."""
        words = tokens[index].content
        if env.get("in_link") or "://" not in words:
            return escape(words)
        parts = BARE.split(words)  # every second one is an address
        return "".join(_linked(part) if place % 2 else escape(part) for place, part in enumerate(parts))

    def image(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        """Draw a picture as a link to it: showing it would tell its server who reads this."""
        token = tokens[index]
        text = escape(self.renderInlineAsText(token.children, options, env) or "image")
        source = str(token.attrs.get("src", ""))
        return text if env.get("in_link") else f'<a href="{escape(source)}">{text}</a>'

    def link_open(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        env["in_link"] = True
        return self.renderToken(tokens, index, options, env)

    def link_close(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        env["in_link"] = False
        return self.renderToken(tokens, index, options, env)

    def th_open(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        """Say how a column is set with a class: the page's policy takes no styles from here."""
        token = tokens[index]
        aligned = str(token.attrs.get("style", "")).removeprefix("text-align:")
        return f'<{token.tag} class="{aligned}">' if aligned else f"<{token.tag}>"

    td_open = th_open


def _linked(address: str) -> str:
    return f'<a href="{escape(address)}">{escape(address)}</a>'


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return value if CLASS.fullmatch(value) else None
    return value


def _may_link(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in SCHEMES
    except ValueError:
        return False


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}, renderer_cls=Renderer)
    markdown.enable(["table", "strikethrough"])
    markdown.validateLink = _may_link  # type: ignore[method-assign]
    return markdown


_MARKDOWN = _markdown()
