"""Matching: hand arithmetic with ties, the errors of Abadie and Imbens, and the numbers of R's Matching."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from contract_weighting import EFFECT, rows
from deviations import near
from test_weighting import ALIKE, loaded

from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.designs import matching
from analysis.inference import common_support, nearest
from analysis.inference.doubly_robust import logit
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.rows import Rows

PLAIN = ALIKE | {"neighbours": 1, "calliper": None, "distance": "mahalanobis", "bias_adjusted": False}


def small() -> Rows:
    """Treated at 1 and 4 (y 10, 20); others at 0, 2, 5, 9 (y 1, 3, 8, 0): the first ties with two of them."""
    frame = pd.DataFrame({"d": [1, 1, 0, 0, 0, 0], "x": [1.0, 4, 0, 2, 5, 9], "y": [10.0, 20, 1, 3, 8, 0]})
    return rows_from_frame(frame, Labels("y", ""), columns=["d", "x"])


def fit(data: Rows, **changes):
    return matching.estimate(data, **PLAIN | {"covariates": ["x"]} | changes)


def test_ties_share_a_match_by_hand() -> None:
    """10 - (1 + 3)/2 = 8 and 20 - 8 = 12, so 10; weights 1/4, 1/4, 1/2 on the first three others."""
    found = fit(small())
    assert found.estimate[0] == pytest.approx(10)
    assert found.weights[~found.treated].tolist() == pytest.approx([0.25, 0.25, 0.5, 0])
    assert found.pairs.tolist() == pytest.approx([8, 12])


def test_errors_by_hand() -> None:
    """((8 - 10)^2 + (12 - 10)^2)/4 = 2, plus (K^2 - K')s^2/4 with K = 1/2, 1/2, 1 and K' = 1/4, 1/4, 1: nothing."""
    assert fit(small()).table["std_error"][0] == pytest.approx(np.sqrt(2))
    used, squared = np.array([2.0, 1.0]), np.array([2.0, 1.0])
    value = nearest.variance(np.array([1.0, 2, 3]), 2.0, used, squared, np.array([0.5, 9.0]), everyone=False)
    assert value == pytest.approx((1 + 0 + 1) / 9 + (4 - 2) * 0.5 / 9)
    value = nearest.variance(np.array([1.0, 2, 3]), 2.0, used, squared, np.array([0.5, 9.0]), everyone=True)
    assert value == pytest.approx(2 / 9 + ((4 - 2 + 4) * 0.5 + (1 - 1 + 2) * 9) / 9)


def test_noise_is_half_of_a_squared_gap_for_one_neighbour_and_by_hand_for_two() -> None:
    """Outcomes 0, 3, 6 at 0, 1, 5: for the first, neighbours average 4.5, and 2/3 x 4.5^2."""
    found = nearest.noise(np.array([0.0, 3, 6]), np.array([[0.0], [1], [5]]), np.array([True, False, False]))
    assert found.tolist() == pytest.approx([2 / 3 * 4.5**2, 0, 0])


def test_bias_adjustment_by_hand() -> None:
    """The second is matched at distance; a line through three equally spaced controls (slope 2) moves the match."""
    frame = pd.DataFrame({"d": [1, 1, 0, 0, 0], "x": [1.0, 3.5, 0, 1, 3], "y": [5.0, 9, 0, 2, 6]})
    data = rows_from_frame(frame, Labels("y", ""), columns=["d", "x"])
    assert fit(data).estimate[0] == pytest.approx((3 + 3) / 2)
    adjusted = fit(data, bias_adjusted=True)
    assert adjusted.estimate[0] == pytest.approx((3 + (9 - 6 - 2 * 0.5)) / 2)
    off = ~adjusted.treated
    level = adjusted.weights[off] @ data.outcome[off]
    assert 7 - level == pytest.approx(adjusted.estimate[0]) and adjusted.weights[off].sum() == pytest.approx(1)


def test_a_calliper_leaves_rows_out_and_counts_them() -> None:
    assert fit(small(), calliper=0.31).unmatched == 0  # a distance of 1 is 1/3.27 of a standard deviation
    wide = fit(small().with_column("x", np.array([1.0, 40, 0, 2, 5, 9])), calliper=0.5)
    assert wide.unmatched == 1 and "1 rows without a match left out" in wide.method
    assert wide.weights[wide.treated].tolist() == [1] and wide.n == 5
    counted = common_support.used(small(), wide).dropped
    assert [(one.reason, one.rows) for one in counted] == [(common_support.APART, 1)]
    with pytest.raises(Refusal, match="E126 STOP calliper — no row has a match so near"):
        fit(small(), calliper=1e-3)


def test_everyone_is_matched_both_ways() -> None:
    one = matching.estimate(rows(), **PLAIN | {"estimand": "everyone"})
    on = matching.estimate(rows(), **PLAIN)
    swapped = rows().with_column("d", 1 - rows().column("d"))
    off = matching.estimate(swapped, **PLAIN)
    share = rows().column("d").mean()
    assert one.estimate[0] == pytest.approx(share * on.estimate[0] - (1 - share) * off.estimate[0])


def test_equals_r_matching_on_the_trial() -> None:
    """Match() of R's Matching on the 445 rows of the trial, propensity of fourteen terms (its documentation and Sekhon
    2011): 2153.3 (825.4) on the treated with 346 pairs, 2013.3 (817.76) over everyone with 756.

    Two of its conventions are put in here: pairs tie within 1e-5 of squared distance in standard deviations, and one
    outcome variance serves all rows, half the weighted mean squared deviation of pairs.
    """
    f = table.load("nsw_cps")
    f = f[f["data_id"] != "CPS1"]
    y, d = f["re78"].to_numpy(), f["treat"].to_numpy() == 1
    terms = [f["age"], f["age"] ** 2, f["educ"], f["educ"] ** 2, f["black"], f["hisp"], f["marr"], f["nodegree"]]
    terms += [f["re74"], f["re74"] ** 2, f["re75"], f["re75"] ** 2, f["no_earnings_74"], f["no_earnings_75"]]
    x = np.column_stack(terms).astype(float)
    design = np.column_stack([np.ones(len(y)), (x - x.mean(axis=0)) / x.std(axis=0)])
    chance = logit(d.astype(float), design, np.ones(len(y)))[1]
    for everyone, wanted in ((False, (2153.3, 825.4, 346)), (True, (2013.3, 817.76, 756))):
        value, error, pairs = _as_r(y, d, chance / chance.std(ddof=1), everyone=everyone)
        assert pairs == wanted[2]
        assert near("R Matching: estimates", value, wanted[0], 0.05, "printed digits")
        assert near("R Matching: errors", error, wanted[1], 0.05, "printed digits")


def _as_r(y: np.ndarray, d: np.ndarray, score: np.ndarray, *, everyone: bool) -> tuple[float, float, int]:
    differences, used, squared, pairs, weights = [], np.zeros(len(y)), np.zeros(len(y)), [], []
    for sign, own in ((1, d), (-1, ~d))[: 2 if everyone else 1]:
        apart = (score[own][:, None] - score[~own][None]) ** 2
        tied = apart <= apart.min(axis=1, keepdims=True) + 1e-5
        share = tied / tied.sum(axis=1, keepdims=True)
        used[~own] += share.sum(axis=0)
        squared[~own] += (share**2).sum(axis=0)
        differences.append(sign * (y[own] - share @ y[~own]))
        i, j = np.nonzero(tied)
        pairs.append(sign * (y[own][i] - y[~own][j]))
        weights.append(share[i, j])
    gaps, pair, weight = (np.concatenate(part) for part in (differences, pairs, weights))
    value = float(gaps.mean())
    spread = 0.5 * float((weight * (pair - value) ** 2).sum() / weight.sum())
    variance = nearest.variance(gaps, value, used, squared, np.full(len(y), spread), everyone=everyone)
    return value, float(np.sqrt(variance)), len(pair)


def test_distance_of_mahalanobis_is_that_of_its_formula() -> None:
    x = np.random.default_rng(2).normal(size=(30, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 2.0]])
    points, inverse = nearest.whitened(x), np.linalg.inv(np.cov(x, rowvar=False))
    gap = x[3] - x[17]
    assert np.linalg.norm(points[3] - points[17]) == pytest.approx(np.sqrt(gap @ inverse @ gap))


def test_units_of_covariates_do_not_matter() -> None:
    scaled = rows().with_column("x", 1000 * rows().column("x") + 3)
    for distance in ("mahalanobis", "propensity"):
        first = matching.estimate(rows(), **PLAIN | {"distance": distance, "bias_adjusted": True})
        again = matching.estimate(scaled, **PLAIN | {"distance": distance, "bias_adjusted": True})
        assert again.estimate[0] == pytest.approx(first.estimate[0], rel=1e-6)


def test_a_known_effect_is_recovered() -> None:
    values = [
        matching.estimate(rows(seed=seed), **PLAIN | {"bias_adjusted": True, "neighbours": 2}).estimate[0]
        for seed in range(50)
    ]
    assert abs(np.mean(values) - EFFECT) < 3 * np.std(values) / np.sqrt(50)


def test_weights_and_clusters_are_refused() -> None:
    with pytest.raises(Refusal, match="E129 STOP weight — matching does not take sampling weights"):
        matching.estimate(rows(weight="w"), **PLAIN)
    with pytest.raises(Refusal, match="E105 STOP cluster — the errors of matching take every row as independent"):
        matching.estimate(rows(cluster="group"), **PLAIN)


def test_matching_of_the_panel_comparison_is_stable() -> None:
    """No printed number: pinned, so that a change of method is noticed; without bias adjustment next to it."""
    study, found = loaded("lalonde")
    four = matching.estimate(
        found,
        **PLAIN | {"treatment": "treat", "covariates": study.covariates, "neighbours": 4, "bias_adjusted": True},
    )
    assert round(four.estimate[0], 1) == 1178.2 and round(four.table["std_error"][0], 1) == 842.6
    assert replace(four, pairs=four.pairs).pairs.shape == (185,)
