"""A page is reduced to what a reader would see."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agents.tools.network.html_to_text import readable


def read(html: str) -> str:
    return readable(html, "https://example.org/docs/page")


def test_title_headings_paragraphs_and_lists_stay_apart():
    html = "<title>T</title><h1>Big  <b>news</b></h1><p>One<br>two</p><ul>\n<li>a</li>\n<li>b</li></ul>"
    assert read(f"{html}<p>End</p>") == "T\n\n# Big news\n\nOne\ntwo\n\n- a\n- b\n\nEnd"


def test_links_keep_their_target_in_full():
    assert read('<a href="../x?a=1&amp;b=2">here</a>') == "here <https://example.org/x?a=1&b=2>"


@pytest.mark.parametrize("href", ["#top", "javascript:alert(1)", "mailto:a@b.c", "http://[bad", ""])
def test_links_that_lead_to_no_page_are_only_their_text(href):
    assert read(f'<a href="{href}">here</a>') == "here"


def test_scripts_styles_and_comments_are_left_out():
    html = "a<script>if (a<b) '<!--'</script>b<STYLE>p{}</STYLE >c<!-- <p>d -->e"
    assert read(f"{html}<svg><text>f</text></svg><noscript>g</noscript>h") == "abceh"


def test_a_script_that_never_ends_takes_the_rest_of_the_page():
    assert read("<p>seen<script>var unseen") == "seen"


def test_entities_become_characters():
    assert read("&lt;b&gt; &auml; &#8364;") == "<b> ä €"


def test_preformatted_text_keeps_its_lines_and_indentation():
    assert read("<p>Code:</p><pre>def x():\n    pass</pre>") == "Code:\n\ndef x():\n    pass"


def test_a_table_keeps_its_rows():
    assert (
        read("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>")
        == "| 1 | 2\n| 3 | 4"
    )


@pytest.mark.parametrize(
    "part", ["<a", "<!--", "</", "<a b='", "<a b=c ", "< ", "<a <", "<script", "&#", "<![CDATA["]
)
def test_a_hostile_page_keeps_nobody_busy(part):
    """Each of these took minutes to hours before the parser was given chunks and a bound."""
    read("<a " + part * (512 * 1024 // len(part)))


@given(some.text(some.sampled_from("<>!-/ab&;'\"= \n") | some.characters()))
def test_any_text_is_read_without_an_error(html):
    assert isinstance(read(html), str)


@given(some.text(some.characters(categories=["L", "N"]), min_size=1))
def test_plain_words_come_through_unchanged(text):
    assert read(f"<p>{text}</p>") == text
