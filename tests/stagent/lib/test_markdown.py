"""Answers as HTML: what Markdown can say, and nothing that a hostile one would."""

import re
import time

import pytest

from stagent.lib.web.markdown import MAX_BRACKETS, MAX_CHARS, to_html

SAFE = re.compile(
    r"</?(?:a|blockquote|br|code|em|h[1-6]|hr|li|ol|p|pre|s|span|strong|table|tbody|td|th|thead|tr|ul)"
    r'(?: (?:href="(?:https?:|mailto:)[^"]*"|title="[^"]*"|target="_blank"|rel="noopener noreferrer"'
    r'|class="[a-z0-9]+"|data-language="[^"]*"|start="\d+"))*>'
)


def is_safe(html: str) -> bool:
    """Tell whether every tag is one of ours, with nothing but our attributes."""
    return "<" not in SAFE.sub("", html)


def test_what_people_write_looks_as_they_meant_it():
    html = to_html("# Runs\n\n*Two* **failed**, ~~three~~:\n\n1. a\n2. b\n\n> said\n\n---\n`x < 1`")
    assert html == (
        "<h1>Runs</h1>\n<p><em>Two</em> <strong>failed</strong>, <s>three</s>:</p>\n"
        "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n<blockquote>\n<p>said</p>\n</blockquote>\n<hr>\n"
        "<p><code>x &lt; 1</code></p>\n"
    )


def test_a_table_says_how_its_columns_are_set_without_styles():
    html = to_html("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert '<th>a</th>\n<th class="right">b</th>' in html
    assert "style" not in html


def test_code_carries_its_language_and_its_colours():
    html = to_html("```Python title=x\ndef f(): ...\n```")
    assert html.startswith('<pre data-language="Python"><code><span class="k">def</span>')
    assert is_safe(html)


def test_code_in_a_language_that_nobody_knows_is_shown_plain():
    assert to_html("```zzz\n<b>\n```") == '<pre data-language="zzz"><code>&lt;b&gt;\n</code></pre>\n'


def test_indented_code_keeps_every_line():
    assert to_html("    a\n\n      b") == '<pre data-language=""><code>a\n\n  b\n</code></pre>\n'


def test_links_open_elsewhere_and_tell_nobody_where_from():
    assert to_html("[here](https://a.example/?b=1&c=2)") == (
        '<p><a href="https://a.example/?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">here</a></p>\n'
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://a.example/x_y_z?q=1.", "https://a.example/x_y_z?q=1"),
        ("(https://a.example)", "https://a.example"),
        ("https://a.example/&lt;", "https://a.example/"),
        ("**http://a.example**", "http://a.example"),
        ("<https://a.example/b>", "https://a.example/b"),
    ],
)
def test_a_plain_address_is_a_link(text, address):
    html = to_html(text)
    assert re.findall(r'href="([^"]*)"', html) == [address]
    assert is_safe(html)


@pytest.mark.parametrize(
    "text", ["`https://a.example`", "    https://a.example", "https://", "://x", "ahttp:"]
)
def test_what_is_no_address_or_is_code_is_no_link(text):
    assert "<a" not in to_html(text)


def test_a_link_in_a_link_is_one_link():
    assert to_html("[https://a.example](https://b.example)").count("<a ") == 1


def test_a_picture_is_a_link_to_it():
    html = to_html("![a *plan*](https://evil.example/p.png?q=secret)")
    assert "<img" not in html
    assert '<a href="https://evil.example/p.png?q=secret"' in html
    assert ">a plan</a>" in html


def test_a_picture_in_a_link_is_its_words():
    assert re.sub(r"<[^>]+>", "", to_html("[![plan](https://a.example/p)](https://b.example)")) == "plan\n"
    assert to_html("[![plan](https://a.example/p)](https://b.example)").count("<a ") == 1


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](vbscript:x)",
    "[x](//evil.example)",
    "[x](/admin/logout/)",
    "<javascript:alert(1)>",
    "<https://a.example/\"onclick='x'>",
    '[x](https://a.example "t" onclick="y")',
    '[x](https://a.example/"><script>)',
    '[x](https://a.example "\\"><script>alert(1)</script>")',
    "[x]: javascript:alert(1)\n\n[x]",
    '```"><script>alert(1)</script>\nx\n```',
    "```html\n<script>alert(1)</script>\n```",
    "`<script>`",
    "| <script> |\n|---|\n| <style>*{display:none}</style> |",
    "# <iframe src=//evil.example>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!-- --><style>@import 'x'</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "\0<script>\0",
    "- <details open ontoggle=alert(1)>",
    "[<b onmouseover=alert(1)>x</b>](https://a.example)",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_shown_and_does_nothing(text):
    html = to_html(text)
    assert is_safe(html), html
    assert not re.search(r'href="(?!https?:|mailto:)', html)


def test_the_measure_of_safety_sees_what_is_not_safe():
    for bad in ("<script>", "<a onclick=x>", '<a href="javascript:x">', "<p style='x'>", "<img>", "<p "):
        assert not is_safe(bad)


ENDLESS = {
    "brackets": "[" * MAX_CHARS,
    "pictures": "![[](" * (MAX_BRACKETS // 2),
    "links": "[a](<" * MAX_BRACKETS,
    "emphasis": "*a_ " * (MAX_CHARS // 4),
    "backticks": "".join("`" * n + " " for n in range(600)),
    "quotes": ">" * MAX_CHARS,
    "lists in quotes": "> - " * (MAX_CHARS // 4),
    "nested lists": "".join("  " * n + "- a\n" for n in range(400)),
    "tags": "<a " * (MAX_CHARS // 3),
    "columns": "|a" * 1000 + "\n" + "|-" * 1000 + "\n" + ("|a" * 1000 + "\n") * 50,
    "entities": "&" * MAX_CHARS,
    "code": "```js\n" + "${`" * 30_000,
    "half strings": "```python\n" + 'f"{' * 15_000,
    "short blocks": "```sql\nselect 1\n```\n" * 8000,
    "addresses": "https://a." * (MAX_CHARS // 10),
    "no addresses": "://" * (MAX_CHARS // 3),
    "stops": "http://" + "." * (MAX_CHARS - 7),
    "far too long": "a*b" * MAX_CHARS,
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_no_text_takes_for_ever(text):
    # Wide of what is measured here (a second and a half); what it keeps out takes minutes.
    began = time.process_time()
    assert is_safe(to_html(text))
    assert time.process_time() - began < 20


def test_what_is_too_long_is_shown_as_it_is():
    text = "**<b>**" + "x" * MAX_CHARS
    assert to_html(text) == f"<pre>**&lt;b&gt;**{'x' * MAX_CHARS}</pre>"
