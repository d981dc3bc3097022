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
    near = one(2.0, -0.02, 3.4, 0.052)
    said = readings.inference([narrow, near, narrow])
    assert "1 of 3 includes zero: take zero as plausible." in said
    assert "zero" not in readings.inference([narrow, narrow])
    assert readings.inference([narrow]) == ""


def test_balance_names_the_columns_that_differ() -> None:
    said = readings.balance(["Age", "Income"], [0.02, -0.3], 0.1)
    assert said == "1 of 2 columns is more than a tenth of the usual spread apart: income."
    assert "alike in all 2 columns" in readings.balance(["Age", "Income"], [0.02, 0.05], 0.1)


def test_clean_comparisons() -> None:
    assert readings.comparisons({"a": 0.6, "b": 0.4}, ("a",)).startswith("60\u202f% of what")
    assert readings.comparisons({"a": 1.0}, ("a",)).startswith("All that")


def test_a_missing_interval_is_not_an_unbounded_one() -> None:
    said = readings.estimate(one(2.0, math.nan, math.nan, 0.04), Unit("points"))
    assert "no interval is shown" in said and "ruled out" not in said and "about 4 times in 100" in said
    assert readings.inference([one(2.0, math.nan, math.nan, 0.04), one(2.0, 1.0, 3.0, 0.04)]) == ""


def test_estimators_side_by_side() -> None:
    said = readings.estimators([0.02, 0.05, -0.01], [(0.01, 0.03), (math.nan, math.nan), (-0.03, 0.01)], Unit("share"))
    assert "run from \u22121.0 to 5.0 percentage points" in said
    assert said.endswith("1 of 2 intervals leaves zero out.")
    assert "need not agree" in readings.estimators([0.02], [(0.01, 0.03)], Unit("share"))
    log = readings.estimators([-0.25, -0.25], [(-0.5, math.inf), (-math.inf, 0.1)], Unit("log"))
    assert "all come to about \u221222\u202f%" in log and "None of 2 intervals leave zero out" in log


def test_effects_by_period() -> None:
    said = readings.path([(-1, 1), (0.1, 2)], [(1, 2), (0.5, 3)])
    assert said.startswith(
        "Before the policy, 1 of 2 intervals leaves zero out; under the policy, 2 of 2 intervals leave zero out."
    )
    assert readings.path([], [(1, 2)]).startswith("Under the policy, the one interval leaves zero out.")
    assert readings.path([], []) == "" and readings.path([(math.nan, math.nan)], []) == ""


def test_stages_are_in_the_units_of_their_columns() -> None:
    said = readings.stages("price", "sale", (0.1, -0.2), (Unit("log"), Unit("share")))
    assert "a rise of 11\u202f% in price, and a fall of 20 percentage points in sale" in said


def test_counts_of_tries() -> None:
    assert readings.false_starts([0.1, -0.3, 0.2], 1, -0.25, 0.95) == (
        "1 of 3 false starts leaves zero out, where chance alone would give about 0; 1 is as large as the answer."
    )
    assert "None of 2 made-up cut-offs show a jump" in readings.elsewhere([0.1, -0.2], [(-1, 1), (-1, 1)], 0.5)
    assert "none are at least as large" in readings.elsewhere([0.1, -0.2], [(-1, 1), (-1, 1)], 0.5)
    assert readings.jumps([0.3], 0.05) == "The one column does not jump by more than chance explains."
    assert readings.jumps([0.01, 0.3], 0.05).startswith("1 of 2 columns jumps")
    assert readings.covariates([0.01], [0.0], 0.1).startswith("No covariate differs by more")
    assert readings.covariates([0.4], [0.0], 0.1).startswith("The one covariate differs by more")
    assert readings.side([-1.0, -2.0, 1.0], -0.5).startswith("In 2 of 3 periods")
    assert "lies below" in readings.side([-1.0], -0.5) and "lies above" in readings.side([1.0], 0.5)
    assert readings.errors(0.52, 0, 24).endswith("chance alone puts about one in 20 there.")
    assert "Of 2 dots with more of the treatment than expected, 1 has a lower" in readings.dots(
        [-1.0, 1.0, 2.0], [0.5, -0.5, 0.5], -0.3
    )
    assert readings.dots([-1.0], [0.5], -0.3) == ""


def test_no_effect_among_those_that_fit() -> None:
    assert "is not among the sizes" in readings.fit(False, False) and "is among the sizes" in readings.fit(True, False)
    assert readings.fit(False, True).startswith("No size of effect agrees")


def test_widths_and_bounds() -> None:
    said = readings.widths([0.1, -0.02], [(0.05, 0.2), (-0.1, 0.1)], Unit("share"))
    assert said.startswith("The estimates at 2 widths run from \u22122.0 to 10 percentage points.")
    assert said.endswith("1 of 2 intervals leaves zero out. The sign depends on the width.")
    assert readings.missing("1", "2", Unit("points"), holds_zero=False).endswith(
        "to between 1 and 2 points; the interval around these bounds leaves zero out."
    )


def test_groups_made_alike() -> None:
    assert "1 of 2 covariates differs by more than 0.1" in readings.covariates([0.5, 0.05], [0.02, 0.01], 0.1)
    assert "none do once weighted" in readings.covariates([0.5, 0.05], [0.02, 0.01], 0.1)
    assert "share 40\u202f% of their bars as they are and 90\u202f% once weighted" in readings.overlap(0.4, 0.9)
    assert readings.donors(-16.0, [1.0, -20.0], Unit("packs")).startswith(
        "Under the policy the outcome is on average 16 packs lower than expected. Of 2 donors drawn, 1 strays"
    )
