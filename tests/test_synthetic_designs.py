"""The designs that weigh donors: by hand, known effects recovered, several dates, inference and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import synthetic_samples
from contract_synthetic_control import DONORS, STAGGERED, START, factors
from synthetic_samples import simple

from analysis.designs import synthetic_control as sc
from analysis.designs import synthetic_did, unweighted_did
from analysis.inference import synthetic as kernel
from analysis.inference import synthetic_errors, synthetic_predictors
from analysis.panel import NEVER, Panel
from analysis.refusal import Refusal

DESIGNS = (
    "synthetic_control",
    "augmented_synthetic_control",
    "differenced_synthetic_control",
    "synthetic_did",
    "unweighted_did",
)
WEIGHED = DESIGNS[:-1]


def fit(design: str, panel: Panel, uncertainty: str = "none", **options: object):
    return import_module(f"analysis.designs.{design}").estimate(panel, uncertainty=uncertainty, **options)


# by hand


def halfway() -> Panel:
    """a lies halfway between b and c before, and 3 above that afterwards; d is far away."""
    b, c = np.array([0.0, 2, 1, 3, 5]), np.array([4.0, 2, 5, 7, 5])
    a = (b + c) / 2 + np.array([0, 0, 0, 3, 3])
    return simple(np.array([a, b, c, b + 50]), [3, NEVER, NEVER, NEVER])


def test_half_of_each_of_two_donors() -> None:
    effects = fit("synthetic_control", halfway())
    np.testing.assert_allclose(effects.weights, [[0.5, 0.5, 0.0]], atol=1e-6)
    np.testing.assert_allclose(effects.gaps, [0, 0, 0, 3, 3], atol=1e-5)
    np.testing.assert_array_equal(effects.table["event_time"], [-3, -2, -1, 0, 1])
    np.testing.assert_array_equal(effects.table["period"], [2001, 2002, 2003, 2004, 2005])
    np.testing.assert_allclose(effects.table["weight"], [0, 0, 0, 0.5, 0.5])
    assert effects.average(0.9).value == pytest.approx(3, abs=1e-5)
    assert effects.baseline == pytest.approx(3.0) and effects.pre_rmspe == pytest.approx(0, abs=1e-5)


def test_equal_weights_by_hand() -> None:
    panel = halfway()
    effects = fit("unweighted_did", panel)
    y = panel.outcome
    by_hand = (y[0, 3:].mean() - y[0, :3].mean()) - (y[1:, 3:].mean() - y[1:, :3].mean())
    assert effects.average(0.9).value == pytest.approx(by_hand, abs=1e-12)
    np.testing.assert_allclose(effects.time_weights, [[1 / 3, 1 / 3, 1 / 3, 0, 0]])


def test_a_difference_in_level_counts_in_synthetic_control_only() -> None:
    panel = halfway()
    lifted = panel.with_outcome(panel.outcome + np.array([[-7.0], [0], [0], [0]]))
    for design in ("differenced_synthetic_control", "synthetic_did", "unweighted_did"):
        np.testing.assert_allclose(fit(design, lifted).estimate, fit(design, panel).estimate, atol=1e-5)
    assert abs(fit("synthetic_control", lifted).average(0.9).value - 3) > 1


def test_augmentation_lies_between_the_weights_and_a_perfect_fit() -> None:
    problem = synthetic_samples.problem(synthetic_samples.prop99())
    plain = kernel.plain(problem)
    np.testing.assert_allclose(kernel.augmented(problem, 1e15).unit, plain.unit, atol=1e-9)
    distances = [kernel.distance(problem, kernel.augmented(problem, ridge)) for ridge in (1e6, 1e3, 1.0, 1e-6)]
    assert kernel.distance(problem, plain) > distances[0] > distances[1] > distances[2] > distances[3]
    assert distances[3] < 1e-4
    chosen = kernel.augmented(problem, kernel.chosen_ridge(problem))
    assert chosen.unit.sum() == pytest.approx(1) and chosen.unit.min() < 0


def test_augmentation_by_hand() -> None:
    """Donors 0 and 2 and a target of 4 in one period, centred at 1: all weight on 2 leaves 2, of which a ridge of 2
    takes up 1 / (1 + 1 + 2) on each side of the mean."""
    problem = kernel.Problem(np.array([4.0, 9.0]), np.array([[0.0, 0.0], [2.0, 0.0]]), 0, 1)
    np.testing.assert_allclose(kernel.augmented(problem, 2.0).unit, [-0.5, 1.5])


# known effects


@pytest.mark.parametrize("design", DESIGNS)
def test_a_known_effect_is_found(design: str) -> None:
    """An effect of 2 under noise of .5: the median over 12 panels, some of them with the treated outside the donors."""
    found = np.array([fit(design, factors(3, seed=seed)).average(0.9).value for seed in range(12)])
    assert abs(np.median(found) - 2) < (0.25 if design in WEIGHED else 2.5)


def test_weights_fit_better_than_none() -> None:
    panel = synthetic_samples.prop99()
    fits = {design: fit(design, panel).pre_rmspe for design in DESIGNS}
    assert fits["augmented_synthetic_control"] < fits["synthetic_control"] < fits["unweighted_did"]
    assert fits["differenced_synthetic_control"] < fits["synthetic_did"] < fits["unweighted_did"]


# several dates


@pytest.mark.parametrize("design", DESIGNS)
def test_cohorts_are_weighed_apart_and_count_by_unit_periods(design: str) -> None:
    panel = STAGGERED()
    both = fit(design, panel)
    dates = [START, START + 2]
    apart = [fit(design, panel.only((panel.adoption == NEVER) | (panel.adoption == d), "x")) for d in dates]
    size = [len(panel.periods) - date for date in dates]
    values = [one.average(0.9).value for one in apart]
    assert both.average(0.9).value == pytest.approx(np.average(values, weights=size), rel=1e-9)
    np.testing.assert_allclose(both.weights, np.vstack([one.weights for one in apart]), atol=1e-12)
    first = both.table.set_index("event_time")
    assert first.loc[0, "estimate"] == pytest.approx(
        np.mean([a.table.set_index("event_time").loc[0, "estimate"] for a in apart])
    )
    assert first.loc[4, "treated_clusters"] == 2 and first.loc[0, "treated_clusters"] == 4
    assert both.table["weight"].sum() == pytest.approx(1) and (both.table["period"] == -1).all()
    np.testing.assert_array_equal(both.cohorts, [2001 + START, 2003 + START])


def test_an_earlier_date_is_tried_on_several_cohorts() -> None:
    """Cells from adoption on are masked; every cohort is fitted before and measured up to its own adoption."""
    panel = STAGGERED().before_adoption().adopt_earlier(3)
    effects = fit("synthetic_did", panel)
    assert effects.post().table["event_time"].tolist() == [0, 1, 2]
    assert abs(effects.average(0.9).value) < 1


# placebo units


def test_placebos_are_the_design_on_every_donor() -> None:
    panel = synthetic_samples.prop99()
    for design in ("synthetic_control", "synthetic_did"):
        effects = fit(design, panel, "placebo")
        donors = panel.only(panel.adoption == NEVER, "placebo")
        for place in (0, 17, 37):
            adoption = np.full(len(donors.units), NEVER)
            adoption[place] = 19
            alone = fit(design, replace(donors, adoption=adoption))
            np.testing.assert_allclose(effects.placebos.gaps[place], alone.estimate, atol=1e-6)
            assert effects.placebos.pre_rmspe[place] == pytest.approx(alone.pre_rmspe)
        values = effects.placebos.estimate
        if design == "synthetic_control":
            values = values / effects.placebos.pre_rmspe * effects.pre_rmspe
        assert values.std() == pytest.approx(effects.average(0.9).std_error)
        assert list(effects.placebos.donors) == list(effects.donors)


def test_ranks_and_intervals_agree() -> None:
    """The interval holds zero just where the p-value exceeds one minus its level."""
    others = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    assert synthetic_errors.permuted(8.5, 1.0, others, 0.8) == (0.5, 16.5, 0.2)
    assert synthetic_errors.permuted(9.5, 1.0, others, 0.9) == (0.5, 18.5, 0.1)
    assert synthetic_errors.permuted(17.0, 2.0, others, 0.8) == (1.0, 33.0, 0.2)
    low, high, p_value = synthetic_errors.permuted(9.5, 1.0, others, 0.95)
    assert (low, high, p_value) == (-np.inf, np.inf, 0.1)
    rng = np.random.default_rng(1)
    for _ in range(200):
        drawn, value = np.abs(rng.normal(size=39)), rng.normal(scale=2)
        low, high, p_value = synthetic_errors.permuted(value, 1.3, drawn, 0.9)
        assert (p_value <= 0.1) == (not low <= 0 <= high)


def test_ratio_of_gaps_ranks_the_treated_unit() -> None:
    effects = fit("synthetic_control", synthetic_samples.prop99(), "placebo")
    gaps, pre = effects.gaps, effects.table["event_time"].to_numpy() < 0
    own = np.sqrt((gaps[~pre] ** 2).mean() / (gaps[pre] ** 2).mean())
    assert effects.placebos.own == pytest.approx(own, rel=1e-9)
    assert effects.placebos.p_value == pytest.approx((1 + (effects.placebos.ratio >= own).sum()) / 39)


def test_sets_of_donors_stand_in_for_several_treated_units() -> None:
    panel = factors(3)
    first, again = (fit("synthetic_did", panel, "placebo", draws=99, seed=5) for _ in range(2))
    assert first.average(0.9).std_error == again.average(0.9).std_error
    other = fit("synthetic_did", panel, "placebo", draws=99, seed=6)
    assert other.average(0.9).std_error != first.average(0.9).std_error
    assert "99 random sets of 3 donors (seed 5)" in first.inference
    assert first.placebos.gaps.shape == (DONORS, len(panel.periods))


def test_rows_have_their_own_limits() -> None:
    effects = fit("synthetic_control", synthetic_samples.prop99(), "placebo")
    limits, path = effects.limits(0.9), effects.estimate
    np.testing.assert_allclose(limits[:, :2].mean(axis=1), path, atol=1e-9)
    assert ((limits[:, 2] <= 0.1) == ((limits[:, 0] > 0) | (limits[:, 1] < 0))).all()


# jackknife and bootstrap


def test_jackknife_by_hand() -> None:
    panel = factors(4)
    effects = fit("unweighted_did", panel, "jackknife")
    change = panel.outcome[:, START:].mean(axis=1) - panel.outcome[:, :START].mean(axis=1)
    treated = panel.adoption != NEVER
    rest = []
    for row in range(len(change)):
        keep = np.arange(len(change)) != row
        rest.append(change[keep & treated].mean() - change[keep & ~treated].mean())
    n = len(change)
    by_hand = np.sqrt((n - 1) / n * ((np.array(rest) - np.mean(rest)) ** 2).sum())
    assert effects.average(0.9).std_error == pytest.approx(by_hand, rel=1e-12)


def test_bootstrap_agrees_with_the_error_of_a_difference_in_means() -> None:
    panel = factors(12)
    change = panel.outcome[:, START:].mean(axis=1) - panel.outcome[:, :START].mean(axis=1)
    treated = panel.adoption != NEVER
    plain = np.sqrt(change[treated].var() / treated.sum() + change[~treated].var() / (~treated).sum())
    effects = fit("unweighted_did", panel, "bootstrap", draws=999)
    assert effects.average(0.9).std_error == pytest.approx(plain, rel=0.1)


# conformal


def test_conformal_moves_with_a_shift_of_the_treated_cells() -> None:
    panel = factors()
    moved = panel.with_outcome(panel.outcome + 5.0 * panel.treated)
    for design in ("synthetic_control", "differenced_synthetic_control", "unweighted_did"):
        first, second = (fit(design, one, "conformal").average(0.8) for one in (panel, moved))
        assert second.low == pytest.approx(first.low + 5, abs=1e-4)
        assert second.high == pytest.approx(first.high + 5, abs=1e-4)
        assert second.p_value <= first.p_value


def test_conformal_by_hand() -> None:
    """Equal weights, one treated period: the residual under an effect c is compared with the eleven others."""
    panel = factors(seed=7).until(2001 + START)
    effects = fit("unweighted_did", panel, "conformal")
    gap = panel.outcome[0] - panel.outcome[1:].mean(axis=0)
    for value in (0.0, 1.7, 4.0):
        null = gap - value * (np.arange(len(gap)) == START)
        residual = np.abs(null - null.mean())
        by_hand = (residual >= residual[-1] - 1e-12).mean()
        moved = panel.with_outcome(panel.outcome - value * panel.treated)
        assert fit("unweighted_did", moved, "conformal").average(0.8).p_value == pytest.approx(by_hand)
    low, high, _ = effects.limits(0.8)[-1]
    one = effects.average(0.8)
    assert (one.low, one.high) == pytest.approx((low, high))


def test_conformal_is_unbounded_with_few_periods() -> None:
    answer = fit("synthetic_control", factors(), "conformal").average(0.95)
    assert (answer.low, answer.high) == (-np.inf, np.inf) and answer.std_error > 0


@pytest.mark.parametrize(
    ("design", "panel", "options"),
    [("synthetic_did", factors, {}), ("synthetic_control", STAGGERED, {}),
     ("synthetic_control", factors, {"predictors": ["income"], "optimise_weights": False})],
)  # fmt: skip
def test_placebos_stand_in_where_conformal_is_not_defined(design: str, panel, options: dict) -> None:
    effects = fit(design, panel(), "conformal", draws=99, **options)
    same = fit(design, panel(), "placebo", draws=99, **options)
    assert effects.inference.startswith("conformal inference is not defined")
    assert effects.average(0.8) == replace(same.average(0.8), inference=effects.inference)


# predictors


def test_predictors_are_means_over_their_periods() -> None:
    panel = factors()
    names = ["income", "share@2002-2004", "y@2002-2004"]
    effects = fit("synthetic_control", panel, predictors=names, optimise_weights=False)
    table = effects.predictors.set_index("name")
    assert table.loc["income", "treated"] == pytest.approx(panel.covariates["income"][0, :START].mean())
    assert table.loc["y@2002-2004", "treated"] == pytest.approx(panel.outcome[0, 1:4].mean())
    by_hand = np.nanmean(panel.covariates["share"][1:, 1:4], axis=1).mean()
    assert table.loc["share@2002-2004", "donors"] == pytest.approx(by_hand)
    assert table["weight"].sum() == pytest.approx(1)
    donors = panel.covariates["income"][1:, :START].mean(axis=1)
    assert table.loc["income", "synthetic"] == pytest.approx(effects.weights[0] @ donors)


def test_predictors_of_one_period_must_be_there() -> None:
    with pytest.raises(Refusal, match=r"P007 STOP predictors:share@2003 — missing for 1 units, first: unit 03"):
        fit("synthetic_control", factors(), predictors=["share@2003"])


def test_gradient_of_the_search_is_exact() -> None:
    panel = factors()
    problem = sc.book(panel, name="x", fit_from=None, exclude=(), predictors=["income", "share", "y@2003", "y@2009"])
    match = synthetic_predictors.match_of(problem.setting.problem(0))
    for seed in range(4):
        theta = np.log(np.random.default_rng(seed).dirichlet(np.ones(4)))
        slope = synthetic_predictors._Search(match).loss_and_slope(theta)[1]
        moved = [
            synthetic_predictors._Search(match).loss(theta + step * unit)
            for unit in np.eye(4)
            for step in (1e-5, -1e-5)
        ]
        np.testing.assert_allclose(slope, (np.array(moved[::2]) - moved[1::2]) / 2e-5, rtol=1e-3, atol=1e-6)


def test_the_search_is_as_good_from_every_seed_and_better_than_a_regression() -> None:
    panel = synthetic_samples.prop99()
    names = ["packs@1975", "packs@1980", "packs@1988", "packs@1970-1974"]
    found = [fit("synthetic_control", panel, predictors=names, seed=seed).objective for seed in (1, 2)]
    regression = fit("synthetic_control", panel, predictors=names, optimise_weights=False).objective
    path = fit("synthetic_control", panel).objective
    assert found[0] == pytest.approx(found[1], rel=0.01)
    assert path * (1 - 1e-9) <= min(found) <= regression


# what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": ["unit 5"]}, "R302 STOP exclude — no unit is called 'unit 5'. Fix: did you mean 'unit 05'?"),
        ({"exclude": ["unit 00"]}, "R302 STOP exclude — unit 00 is treated, not a donor"),
        ({"fit_from": 2011}, "P005 STOP fit_from — 1 periods before the policy"),
        ({"uncertainty": "jackknife"}, "E104 STOP uncertainty — jackknife errors need two treated units"),
        ({"uncertainty": "bootstrap"}, "E104 STOP uncertainty — bootstrap errors need two treated units"),
        ({"predictors": ["y@2012"]}, "E106 STOP predictors:y@2012 — 2012 is not before the policy"),
        ({"predictors": ["tax"]}, "D402 STOP predictors:tax — the data do not hold this column"),
        ({"predictors": ["y@1950"]}, "R302 STOP predictors:y@1950 — no period of the data lies there"),
    ],
)
def test_what_cannot_be_weighed_is_refused(options: dict, message: str) -> None:
    with pytest.raises(Refusal) as refused:
        sc.estimate(factors(), **options)
    assert message in str(refused.value)


def test_panels_that_cannot_be_weighed_are_refused() -> None:
    panel = factors()
    gaps = panel.with_outcome(np.where(np.arange(16) == 3, np.nan, panel.outcome))
    with pytest.raises(Refusal, match="P007 STOP"):
        synthetic_did.estimate(gaps)
    with pytest.raises(Refusal, match="P006 STOP unit — 1 units without the policy"):
        synthetic_did.estimate(panel.only(np.arange(15) < 2, "x"))
    with pytest.raises(Refusal, match="E104 STOP uncertainty — 2 donors cannot stand in"):
        unweighted_did.estimate(panel.only(np.arange(15) < 3, "x"))
    answer = unweighted_did.estimate(panel.only(np.arange(15) < 3, "x"), uncertainty="conformal").average(0.8)
    assert answer.std_error is None and np.isfinite([answer.low, answer.high]).all()
    with pytest.raises(Refusal, match="E105 STOP"):
        synthetic_did.estimate(replace(panel, cluster=np.arange(15) // 2))
    with pytest.raises(Refusal, match="P002 STOP"):
        synthetic_did.estimate(replace(panel, treatment=np.zeros((15, 16))))


def test_a_donor_left_out_by_name_is_as_if_it_were_not_there() -> None:
    panel = factors()
    named = fit("synthetic_control", panel, "placebo", exclude=["unit 05"])
    gone = fit("synthetic_control", panel.only(panel.units != "unit 05", "x"), "placebo")
    np.testing.assert_array_equal(named.estimate, gone.estimate)
    assert named.excluded == ("unit 05",) and "without unit 05" in named.method
    assert "unit 05" not in named.donors


def test_a_refit_may_skip_the_inference() -> None:
    effects = fit("synthetic_control", factors(), "placebo")
    quick = partial(effects.refit, uncertainty="none")(factors())
    np.testing.assert_array_equal(quick.estimate, effects.estimate)
    assert np.isnan(quick.joint).all() and np.isnan(quick.average(0.9).p_value)
    np.testing.assert_allclose(quick.placebos.gaps, effects.placebos.gaps)


def test_paths_and_fit_before() -> None:
    panel = synthetic_samples.prop99()
    effects = fit("synthetic_control", panel, fit_from=1975)
    row = panel.adoption != NEVER
    np.testing.assert_allclose(effects.observed, panel.outcome[row][0])
    np.testing.assert_allclose(effects.predicted, effects.weights[0] @ panel.outcome[~row], atol=1e-9)
    assert effects.fitted.sum() == 14
    assert effects.pre_rmspe == pytest.approx(np.sqrt((effects.gaps[effects.fitted] ** 2).mean()))
    assert effects.pre_scale == pytest.approx(panel.outcome[row][0][effects.fitted].std(ddof=1))
