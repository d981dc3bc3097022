"""Rounding, units and escaping: what is shown is what was computed, in natural units, and data stay inert."""

from __future__ import annotations

import math

import pytest

from analysis.report import display
from analysis.report.display import Unit
from analysis.result import Estimate


def estimate(value: float, error: float, level: float = 0.95) -> Estimate:
    half = 1.96 * error
    return Estimate(value, error, value - half, value + half, level, 0.01, 100.0, 10, 10, 5, "e", "m", "i")


@pytest.mark.parametrize(
    ("x", "digits", "shown"),
    [(0.0123, 2, "0.012"), (1234.5, 2, "1,200"), (-0.5, 2, "−0.50"), (0, 2, "0"), (99.96, 3, "100"), (2.0, 2, "2.0")],
)
def test_significant(x: float, digits: int, shown: str) -> None:
    assert display.significant(x, digits) == shown


def test_fixed_has_no_negative_zero_and_names_the_infinite() -> None:
    assert display.fixed(-0.001, 1) == "0.0" and display.fixed(-1234.56, 1) == "−1,234.6"
    assert display.fixed(math.inf, 2) == "unbounded" and display.fixed(math.nan, 2) == "not shown"


def test_interval_shares_its_decimals() -> None:
    assert display.interval_numbers(estimate(0.0679832, 0.0078), Unit("share")) == ("6.8", "5.3", "8.3")
    assert display.interval_numbers(estimate(-14177.9, 6512.3), Unit("US dollars")) == ("−14,178", "−26,942", "−1,414")


def test_units() -> None:
    assert Unit("share").amount(0.0468) == "4.7 percentage points" and Unit("share").level(0.676) == "67.6\u202f%"
    assert Unit("percentage points").amount(7.41) == "7.4 percentage points"
    assert Unit("percentage points").level(45.2) == "45.2\u202f%"
    assert Unit("log").shown(math.log(1.1)) == pytest.approx(10) and Unit("log").level(1.0) is None
    assert Unit("log").amount(-0.04) == "−3.9\u202f%" and Unit("").amount(2.5) == "2.5"
    assert Unit("weeks").relative(1.0, 4.0) == "25.0\u202f%" and Unit("weeks").relative(1.0, 0.0) == "not defined"
    assert Unit("log").shown(math.inf) == math.inf


def test_words() -> None:
    assert display.p_words(0.0004) == "below 0.001" and display.p_words(0.185) == "0.18"
    assert display.percent(0.999) == "above 99\u202f%" and display.percent(0.001) == "below 1\u202f%"
    assert [display.likely(p) for p in (0.95, 0.7, 0.5, 0.2, 0.05)] == [
        "very likely",
        "likely",
        "about as likely as not",
        "unlikely",
        "very unlikely",
    ]


def test_data_are_escaped_in_tables_and_prose() -> None:
    hostile = '<script>alert(1)</script>"'
    block = display.table("table", [hostile, "b"], [[hostile, hostile]], hostile, hostile)
    assert "<script" not in block.html and "&lt;script" in block.html
    assert "<script" not in display.prose(hostile).html


def test_table_is_accessible() -> None:
    html = display.table_html(["a", "b"], [["x", "1.0"]], "Caption")
    assert html.startswith("<table><caption>Caption</caption>")
    assert '<th scope="col">a</th>' in html and '<th scope="row">x</th>' in html


def test_figure_block_shows_a_picture_and_keeps_its_numbers_beside() -> None:
    data, meta = display.Block("figure", "text", png=b"\x89PNG", meta={"alt": "A chart."})._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert meta["image/png"] == {"alt": "A chart."} and meta["analysis"]["kind"] == "figure"


def test_csv_keeps_full_precision() -> None:
    assert display.csv_text(["a", "b"], [["x, y", 0.1 + 0.2]]) == 'a,b\n"x, y",0.30000000000000004\n'


def test_unbounded_ends_are_missing_in_results() -> None:
    number = display.number(
        "headline", "l", Estimate(1, None, -math.inf, 2, 0.9, 0.2, None, 3, 3, 1, "e", "m", "i"), "share"
    )
    assert number["low"] is None and number["high"] == 2 and number["std_error"] is None
