"""How values look: moments, durations, money; every piece escaped."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils.html import strip_tags

from stagent.lib.web import formatting, svg_charts
from stagent.lib.web.svg_charts import Bar

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=5), "in 5 s"),
        (timedelta(seconds=-59), "59 s ago"),
        (timedelta(minutes=61), "in 1 h"),
        (timedelta(days=-3, hours=-5), "3 d ago"),
    ],
)
def test_a_moment_is_told_as_its_distance(away, said):
    assert formatting.relative_time(away) == said


def test_the_exact_moment_is_in_its_title():
    assert 'title="2026-11-24 12:00:00 UTC"' in formatting.ago(NOW, NOW)


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (4200, "4.2 s"),
        (192_000, "3 min 12 s"),
        (3_600_000, "1 h"),
        (93_600_000, "1 d 2 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(milliseconds, said):
    assert formatting.duration_text(milliseconds) == said


@pytest.mark.parametrize(
    ("amount", "said"), [("0", "$0.00"), ("0.01234", "$0.0123"), ("4.2", "$4.20"), ("1234.5", "$1,234.50")]
)
def test_money_has_the_digits_it_needs(amount, said):
    assert strip_tags(formatting.usd(Decimal(amount))) == said


@pytest.mark.parametrize(
    ("number", "said"), [(940, "940"), (12_345, "12k"), (3_456_000, "3,456k"), (34_560_000, "34.6M")]
)
def test_tokens_are_rounded_where_nobody_counts_them(number, said):
    assert strip_tags(formatting.tokens(number)) == said


@pytest.mark.parametrize("piece", [formatting.duration, formatting.usd, formatting.count, formatting.tokens])
def test_what_did_not_happen_is_a_dash(piece):
    assert strip_tags(piece(None)) == "–"


def test_nothing_that_is_shown_can_be_markup():
    evil = '<img src=x onerror="x">'
    pieces = [
        formatting.badge(evil, "good", evil),
        formatting.link("/x", evil),
        svg_charts.bars([Bar(evil, [("good", 1)], evil)], evil),
    ]
    assert not [piece for piece in pieces if "<img" in piece]


def test_the_tallest_bar_reaches_the_top_and_the_smallest_can_be_seen():
    drawn = svg_charts.bars(
        [Bar("much", [("good", 1000)]), Bar("little", [("bad", 1)]), Bar("none", [])], "label"
    )
    assert 'class="good" x="0.11" y="0.0"' in drawn
    assert 'height="4.0"' in drawn
    assert drawn.count('<rect class="background"') == 3


def test_a_meter_warns_before_it_is_full():
    assert [svg_charts.meter(used, 100, "")[12:22].split()[1].strip('"') for used in (10, 85, 120)] == [
        "good",
        "wait",
        "bad",
    ]
