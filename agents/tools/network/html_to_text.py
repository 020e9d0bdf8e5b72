"""Converts HTML to text that a model can read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

OMITTED = frozenset({"noscript", "template", "svg", "iframe"})
PARAGRAPHS = frozenset({"blockquote", "dl", "hr", "ol", "p", "pre", "table", "title", "ul"})
LINES = frozenset({"address", "article", "aside", "body", "br", "dd", "div", "dt", "figcaption", "figure"})
LINES |= {"footer", "form", "header", "li", "main", "nav", "section", "tbody", "thead", "tr"}
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
MARKS = {"li": "- ", "td": " | ", "th": " | ", **HEADINGS}
OPENING = re.compile(r"<(!--|script\b|style\b)", re.IGNORECASE | re.ASCII)
CLOSING = {
    "!--": re.compile(r"--(?=!?>)"),
    "script": re.compile(r"</script", re.IGNORECASE | re.ASCII),
    "style": re.compile(r"</style", re.IGNORECASE | re.ASCII),
}
CHUNK_CHARS = 16_384
MAX_TAG_CHARS = 262_144  # enough for an image in a data: attribute
MAX_TEXT_CHARS = 100_000  # more than a result can have


def html_to_text(html: str, base_url: str) -> str:
    """Return the text of a page; headings, lists and links stay visible."""
    parser = _TextParser(base_url)
    html = _without_scripts(html)
    for start in range(0, len(html), CHUNK_CHARS):
        parser.feed(html[start : start + CHUNK_CHARS])
        # HTMLParser rescans an unfinished tag with each chunk, and for each of its characters at the end:
        # a page that is one huge tag would take hours.
        if len(parser.rawdata) > MAX_TAG_CHARS or parser.length > MAX_TEXT_CHARS:
            break
    if len(parser.rawdata) <= CHUNK_CHARS:
        parser.close()
    return _collapse_blank_lines("".join(parser.pieces))


def _without_scripts(html: str) -> str:
    """Remove comments, scripts and styles in one pass; an unclosed one removes the rest of the page."""
    parts, end = [], 0
    while opening := OPENING.search(html, end):
        parts.append(html[end : opening.start()])
        closing = CLOSING[opening[1].lower()].search(html, opening.end())
        end = html.find(">", closing.end()) + 1 if closing else 0
        if not end:
            return "".join(parts)
    return "".join([*parts, html[end:]])


class _TextParser(HTMLParser):
    """Collects the text of a page and the targets of its links."""

    def __init__(self, base_url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = [""]
        self.length = 0
        self._base_url = base_url
        self._omitted = ""  # the open tag whose content is omitted
        self._link = ""
        self._preformatted = False  # inside <pre>

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._omitted:
            return
        if tag in OMITTED:
            self._omitted = tag
        if tag == "a":
            self._link = _resolve_link(self._base_url, dict(attrs).get("href"))
        if tag == "pre":
            self._preformatted = True
        self._break(tag)
        self._add(MARKS.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._omitted:
            self._omitted = ""
        if tag == "a" and self._link:
            self._add(f" <{self._link}>")
            self._link = ""
        if tag == "pre":
            self._preformatted = False
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._omitted:
            self._add(data if self._preformatted else re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in PARAGRAPHS or tag in HEADINGS or (tag in LINES and self.pieces[-1] != "\n"):
            self._add("\n")

    def _add(self, piece: str) -> None:
        if piece and not (piece == " " and self.pieces[-1] == "\n"):
            self.pieces.append(piece)
            self.length += len(piece)


def _resolve_link(base_url: str, href: str | None) -> str:
    """Return the absolute URL of a link; empty if it does not lead to another page."""
    if not href or href.startswith("#"):
        return ""
    try:
        target = urljoin(base_url, href)
    except ValueError:
        return ""
    return target if target.startswith(("http://", "https://")) else ""


def _collapse_blank_lines(text: str) -> str:
    lines = (re.sub(r"^ (?=\S)", "", line.rstrip()) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
