"""Plain-language readings: what they say is what the numbers say."""

from __future__ import annotations

import math

import pytest

from analysis.estimate import Estimate
from analysis.report import readings
from analysis.report.display import Unit


def one(value: float, low: float, high: float, p: float) -> Estimate:
    return Estimate(
        value=value, std_error=1.0, low=low, high=high, p_value=p, level=0.95, n=100, clusters=20, treated_clusters=10,
        estimand="the effect", method="a method", inference="t", df=19.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0004, "less than once in 1,000 times"),
        (0.001, "about once in 1,000"),
        (0.004, "about 4 times in 1,000"),
        (0.0096, "about once in 100"),
        (0.03, "about 3 times in 100"),
        (0.5, "about 50 times in 100"),
        (0.999, "about 99 times in 100"),
    ],
)
def test_frequencies(share: float, words: str) -> None:
    assert readings.times(share) == words


def test_an_estimate_in_words() -> None:
    said = readings.estimate(one(2.0, 0.5, 3.5, 0.03), Unit("points"))
    assert "2.0 points fits the data best, and everything from 0.5 to 3.5 fits them too" in said
    assert said.endswith("this far from zero about 3 times in 100.")


def test_open_ends_are_not_numbers() -> None:
    assert "everything from 0.5 upwards" in readings.estimate(one(2.0, 0.5, math.inf, 0.03), Unit("points"))
    assert "no size of effect can be ruled out" in readings.estimate(
        one(2.0, -math.inf, math.inf, math.nan), Unit("points")
    )


def test_without_a_p_value_chance_is_not_mentioned() -> None:
    assert "chance" not in readings.estimate(one(2.0, 0.5, 3.5, math.nan), Unit("points"))


def test_disagreeing_conventions_are_told_apart() -> None:
    wide, narrow = one(2.0, -1.0, 5.0, 0.1), one(2.0, 0.5, 3.5, 0.03)
    assert "2.0 times as wide" in readings.inference([narrow, wide])
    assert "nearly the same" in readings.inference([narrow, narrow])
    assert readings.inference([narrow]) == ""


def test_balance_names_the_columns_that_differ() -> None:
    said = readings.balance(["Age", "Income"], [0.02, -0.3], 0.1)
    assert said == "1 of 2 columns is more than a tenth of the usual spread apart: income."
    assert "alike in all 2 columns" in readings.balance(["Age", "Income"], [0.02, 0.05], 0.1)


def test_clean_comparisons() -> None:
    assert readings.comparisons({"a": 0.6, "b": 0.4}, ("a",)).startswith("60\u202f% of what")
    assert readings.comparisons({"a": 1.0}, ("a",)).startswith("All that")
