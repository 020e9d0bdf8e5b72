"""Turn a web page into text that a model can read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

SILENT = frozenset({"noscript", "template", "svg", "iframe"})
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
MAX_TAG_CHARS = 262_144  # room for a picture inside an attribute
ENOUGH_CHARS = 100_000  # more than a result may have


def readable(html: str, base_url: str) -> str:
    """Reduce HTML to its text, with headings, lists and links still to be seen."""
    reader = _Reader(base_url)
    html = _without_scripts(html)
    for start in range(0, len(html), CHUNK_CHARS):
        reader.feed(html[start : start + CHUNK_CHARS])
        # The parser goes over an unfinished tag again with each chunk, and once more for each of its
        # characters at the end: a page that is one huge tag would keep it busy for hours.
        if len(reader.rawdata) > MAX_TAG_CHARS or reader.length > ENOUGH_CHARS:
            break
    if len(reader.rawdata) <= CHUNK_CHARS:
        reader.close()
    return _tidy("".join(reader.pieces))


def _without_scripts(html: str) -> str:
    """Leave out comments, scripts and styles in one pass; one that never ends takes the rest of the page."""
    kept, end = [], 0
    while opening := OPENING.search(html, end):
        kept.append(html[end : opening.start()])
        closing = CLOSING[opening[1].lower()].search(html, opening.end())
        end = html.find(">", closing.end()) + 1 if closing else 0
        if not end:
            return "".join(kept)
    return "".join([*kept, html[end:]])


class _Reader(HTMLParser):
    """Collects the text of a page, and the address behind each link."""

    def __init__(self, base_url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = [""]
        self.length = 0
        self._base_url = base_url
        self._silent = ""  # the tag whose content is being left out
        self._link = ""
        self._as_is = False  # inside <pre>

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent:
            return
        if tag in SILENT:
            self._silent = tag
        if tag == "a":
            self._link = _target(self._base_url, dict(attrs).get("href"))
        if tag == "pre":
            self._as_is = True
        self._break(tag)
        self._add(MARKS.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""
        if tag == "a" and self._link:
            self._add(f" <{self._link}>")
            self._link = ""
        if tag == "pre":
            self._as_is = False
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._add(data if self._as_is else re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in PARAGRAPHS or tag in HEADINGS or (tag in LINES and self.pieces[-1] != "\n"):
            self._add("\n")

    def _add(self, piece: str) -> None:
        if piece and not (piece == " " and self.pieces[-1] == "\n"):
            self.pieces.append(piece)
            self.length += len(piece)


def _target(base_url: str, href: str | None) -> str:
    """Complete a link; nothing for one that leads nowhere else."""
    if not href or href.startswith("#"):
        return ""
    try:
        target = urljoin(base_url, href)
    except ValueError:
        return ""
    return target if target.startswith(("http://", "https://")) else ""


def _tidy(text: str) -> str:
    lines = (re.sub(r"^ (?=\S)", "", line.rstrip()) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
