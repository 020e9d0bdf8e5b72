"""HTML is converted to the text that a reader would see."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agents.tools.network.html_to_text import html_to_text


def convert(html: str) -> str:
    return html_to_text(html, "https://example.org/docs/page")


def test_title_headings_paragraphs_and_lists_stay_apart():
    html = "<title>T</title><h1>Big  <b>news</b></h1><p>One<br>two</p><ul>\n<li>a</li>\n<li>b</li></ul>"
    assert convert(f"{html}<p>End</p>") == "T\n\n# Big news\n\nOne\ntwo\n\n- a\n- b\n\nEnd"


def test_links_keep_their_target_in_full():
    assert convert('<a href="../x?a=1&amp;b=2">here</a>') == "here <https://example.org/x?a=1&b=2>"


@pytest.mark.parametrize("href", ["#top", "javascript:alert(1)", "mailto:a@b.c", "http://[bad", ""])
def test_links_that_lead_to_no_page_are_only_their_text(href):
    assert convert(f'<a href="{href}">here</a>') == "here"


def test_scripts_styles_and_comments_are_left_out():
    html = "a<script>if (a<b) '<!--'</script>b<STYLE>p{}</STYLE >c<!-- <p>d -->e"
    assert convert(f"{html}<svg><text>f</text></svg><noscript>g</noscript>h") == "abceh"


def test_a_script_that_never_ends_takes_the_rest_of_the_page():
    assert convert("<p>seen<script>var unseen") == "seen"


def test_entities_become_characters():
    assert convert("&lt;b&gt; &auml; &#8364;") == "<b> ä €"


def test_preformatted_text_keeps_its_lines_and_indentation():
    assert convert("<p>Code:</p><pre>def x():\n    pass</pre>") == "Code:\n\ndef x():\n    pass"


def test_a_table_keeps_its_rows():
    assert (
        convert("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>")
        == "| 1 | 2\n| 3 | 4"
    )


@pytest.mark.parametrize(
    "part", ["<a", "<!--", "</", "<a b='", "<a b=c ", "< ", "<a <", "<script", "&#", "<![CDATA["]
)
def test_a_hostile_page_is_converted_quickly(part):
    """Each of these took minutes to hours before the parser got chunks and a limit."""
    convert("<a " + part * (512 * 1024 // len(part)))


@given(some.text(some.sampled_from("<>!-/ab&;'\"= \n") | some.characters()))
def test_any_text_is_read_without_an_error(html):
    assert isinstance(convert(html), str)


@given(some.text(some.characters(categories=["L", "N"]), min_size=1))
def test_plain_text_is_unchanged(text):
    assert convert(f"<p>{text}</p>") == text
