"""Converts Markdown to safe HTML: the output of models and tools may be hostile.

Raw HTML is shown as text, images become links, only web and mail addresses are links, and the result passes
an allow-list. Nothing is fetched when it is shown.
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

from stagent.lib.web.highlight import highlight_code

MAX_CHARS = 200_000  # longer text is shown unformatted
MAX_BRACKETS = 5000  # each may begin a link, and finding their ends takes quadratic time
CACHED_CHARS, CACHED_TEXTS = 20_000, 1000
MAX_NESTING = 20  # nested quotes and lists
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
CLASS = re.compile(
    r"left|right|center|[a-z][a-z0-9]?[a-z0-9]?"
)  # our alignment classes and those of Pygments

BARE_URL = re.compile(r"""(https?://[^\s<>*`"'“”‘’«»]*[^\s<>*`"'“”‘’«».,;:!?)\]])""")

type Tokens = Sequence[Token]


def to_html(text: str, *, finished: bool = True) -> str:
    """Return a text as HTML; the HTML of a finished text is cached."""
    return _convert_cached(text) if finished and len(text) <= CACHED_CHARS else _convert(text)


def _convert(text: str) -> str:
    if len(text) > MAX_CHARS or text.count("[") > MAX_BRACKETS:
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


_convert_cached = lru_cache(CACHED_TEXTS)(_convert)


class Renderer(RendererHTML):
    """markdown-it's renderer with our own code blocks, links, images and tables."""

    def fence(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        """Render a code block with its language; the page adds a copy button."""
        token = tokens[index]
        language = (token.info.split() or [""])[0][:40]
        code = highlight_code(token.content, language.lower(), env)
        return f'<pre data-language="{escape(language)}"><code>{code}</code></pre>\n'

    def code_block(self, tokens: Tokens, idx: int, options: Any, env: Any) -> str:
        return self.fence(tokens, idx, options, env)

    def text(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        """Render text; a bare URL in it becomes a link."""
        words = tokens[index].content
        if env.get("in_link") or "://" not in words:
            return escape(words)
        parts = BARE_URL.split(words)  # every second part is a URL
        return "".join(_link(part) if position % 2 else escape(part) for position, part in enumerate(parts))

    def image(self, tokens: Tokens, index: int, options: Any, env: Any) -> str:
        """Render an image as a link: loading it would tell its server who reads the text."""
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
        """Render the alignment of a column as a class: the page's CSP allows no inline styles."""
        token = tokens[index]
        aligned = str(token.attrs.get("style", "")).removeprefix("text-align:")
        return f'<{token.tag} class="{aligned}">' if aligned else f"<{token.tag}>"

    td_open = th_open


def _link(url: str) -> str:
    return f'<a href="{escape(url)}">{escape(url)}</a>'


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return value if CLASS.fullmatch(value) else None
    return value


def _is_linkable(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in SCHEMES
    except ValueError:
        return False


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING}, renderer_cls=Renderer)
    markdown.enable(["table", "strikethrough"])
    markdown.validateLink = _is_linkable  # type: ignore[method-assign]
    return markdown


_MARKDOWN = _markdown()
