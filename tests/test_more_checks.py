"""The remaining threats to validity: each finds what was planted and says what it could have missed.

Reference values: the pre-test power of Roth (2022) on the He-Wang event study, as his R package and its Stata version
print it. The Stata numbers are integrated to many digits; the R slope (0.05205871) is a root found to about 1e-5 with
probabilities good to 1e-3, so that it is compared at 1e-5 and the Stata one at 1e-6.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import samples
from scipy import stats
from test_checks import checked, simulated
from test_designs import study

from analysis import checks, designs
from analysis.checks import (
    _common,
    agreement,
    anticipation,
    bad_controls,
    comparisons,
    composition,
    leave_one_out,
    negative_weights,
    placebo,
    placebo_outcome,
    pretrends,
    regression_to_mean,
    spillover,
    weighting,
)
from analysis.data.panels import panel_from_frame
from analysis.data.samples import sample_from_frame
from analysis.designs import event_study, group_time, two_by_two
from analysis.panel import NEVER, Labels, Panel, Sample
from analysis.report import answer
from analysis.report.display import Unit

OURS = (
    comparisons,
    negative_weights,
    anticipation,
    leave_one_out,
    placebo_outcome,
    composition,
    weighting,
    bad_controls,
    regression_to_mean,
    spillover,
)
HE_WANG = np.array(
    [
        [0.0089065712, 0.0044883136, 0.0014587025, 0.0012157689, 0.0020327645, 0.0013225015, 0.0019617728],
        [0.0044883136, 0.0059369169, 0.0027500791, 0.0013505858, 0.0014315459, 0.0012067792, 0.0013847158],
        [0.0014587025, 0.0027500791, 0.0030386248, 0.0009056166, 0.0006791299, 0.0010167636, 0.0007090144],
        [0.0012157689, 0.0013505858, 0.0009056166, 0.0039247409, 0.0025961180, 0.0017326149, 0.0022345525],
        [0.0020327645, 0.0014315459, 0.0006791299, 0.0025961180, 0.0080658970, 0.0058753751, 0.0037414359],
        [0.0013225015, 0.0012067792, 0.0010167636, 0.0017326149, 0.0058753751, 0.0078815790, 0.0036507095],
        [0.0019617728, 0.0013847158, 0.0007090144, 0.0022345525, 0.0037414359, 0.0036507095, 0.0097884266],
    ]
)
LEADS = np.array([-3.0, -2.0, -1.0])
NORMAL = float(stats.norm.ppf(0.975))


def with_covariate(panel: Panel, name: str, values: np.ndarray) -> Panel:
    return replace(panel, covariates=panel.covariates | {name: values})


def staggered(effect: float = 0.0, growth: float = 0.0, units: int = 60, seed: int = 1) -> Panel:
    """Twelve periods; a quarter adopts in the fourth, a quarter in the eighth, half never."""
    noise = np.random.default_rng(seed).normal(size=(units, 12))
    date = np.where(np.arange(units) < units // 4, 4.0, np.where(np.arange(units) < units // 2, 8.0, np.nan))
    since = np.arange(1, 13) - date[:, None]
    y = noise + np.where(since >= 0, effect + growth * since, 0.0)
    frame = pd.DataFrame({"i": np.repeat(np.arange(units), 12), "t": np.tile(np.arange(1, 13), units), "y": y.ravel()})
    return panel_from_frame(frame.assign(g=np.repeat(date, 12)), Labels("y", "t", "i", "g", public=True))


def rows(treated_change: float = 0.0, periods: int = 6, seed: int = 2) -> Sample:
    """Repeated cross-sections of 200 rows a period, the policy in the second half of the periods for half of them."""
    generator = np.random.default_rng(seed)
    t = np.repeat(np.arange(1, periods + 1), 200)
    own = np.tile(np.arange(200) < 100, periods)
    start = periods // 2 + 1
    y = generator.normal(size=len(t)) + treated_change * (own & (t >= start))
    frame = pd.DataFrame({"t": t, "y": y, "g": np.where(own, float(start), np.nan), "x": generator.normal(size=len(t))})
    return sample_from_frame(frame, Labels("y", "t", "", "g"), covariates=["x"])


# Roth (2022)


def test_slope_that_a_look_at_single_leads_finds_half_the_time() -> None:
    slope = pretrends.single_slope(LEADS, HE_WANG[:3, :3], NORMAL, 0.5)
    assert slope == pytest.approx(0.0520662478209672, abs=1e-6)
    assert slope == pytest.approx(0.05205871, abs=1e-5)


def test_probability_and_mean_of_a_quiet_pretest() -> None:
    """Against the printed Stata results: Bayes factor, power against a quadratic trend, and means after the pre-test.

    Tolerance 1e-5: the grid integrates to about five digits.
    """
    sigma = HE_WANG[:3, :3]
    delta = 0.0520662478209672 * LEADS
    chance, mean = pretrends.quiet(delta, sigma, NORMAL)
    assert chance == pytest.approx(0.5, abs=1e-5)
    assert chance / pretrends.quiet(0 * LEADS, sigma, NORMAL)[0] == pytest.approx(0.5690176871738699, abs=1e-5)
    assert 1 - pretrends.quiet(0.024 * LEADS**2, sigma, NORMAL)[0] == pytest.approx(0.6624492444726371, abs=1e-5)
    assert mean == pytest.approx([-0.0923171, -0.0555576, -0.0279117], abs=1e-5)
    after = 0.0520662478209672 * np.arange(1, 5) + HE_WANG[3:, :3] @ np.linalg.solve(sigma, mean - delta)
    assert after == pytest.approx([0.0649147, 0.1208691, 0.1694932, 0.2245753], abs=1e-5)


def test_a_quiet_rectangle_by_hand() -> None:
    """One lead is an interval of the normal; independent leads multiply; means are those of truncated normals."""
    chance, mean = pretrends.quiet(np.array([1.0]), np.array([[4.0]]), 2.0)
    low, high = (-4 - 1) / 2, (4 - 1) / 2
    exact = stats.norm.cdf(high) - stats.norm.cdf(low)
    assert chance == pytest.approx(exact, abs=1e-7)
    truncated = 1 - 2 * (stats.norm.pdf(high) - stats.norm.pdf(low)) / exact
    assert mean[0] == pytest.approx(truncated, abs=1e-4)
    several, _ = pretrends.quiet(np.array([1.0, 0.0]), np.diag([4.0, 1.0]), 2.0)
    assert several == pytest.approx(exact * (stats.norm.cdf(2) - stats.norm.cdf(-2)), abs=1e-6)
    sigma = 0.5 * np.eye(6) + 0.5
    scipy = stats.multivariate_normal(mean=np.arange(6) / 3, cov=sigma).cdf(
        np.full(6, 2.0), lower_limit=np.full(6, -2.0)
    )
    assert pretrends.quiet(np.arange(6) / 3, sigma, 2.0)[0] == pytest.approx(scipy, abs=1e-4)


@pytest.mark.parametrize(
    ("leads", "power", "bias", "conditional"),
    [(3, 0.5, 1.43, 1.95), (3, 0.8, 2.15, 3.06), (5, 0.5, 0.76, 1.26), (5, 0.8, 1.20, 2.12)],
)
def test_bias_after_a_quiet_pretest(leads: int, power: float, bias: float, conditional: float) -> None:
    """Unit variances, correlations of one half, average of three effects: simulated values, in standard errors.

    Tolerance .01: they are printed to two digits and come from 400,000 draws.
    """
    shape, sigma = np.arange(-leads, 0.0), 0.5 * np.eye(leads) + 0.5
    slope = pretrends.single_slope(shape, sigma, 1.96, power)
    _, mean = pretrends.quiet(slope * shape, sigma, 1.96)
    error = math.sqrt((3 + 6 * 0.5) / 9)
    shift = np.full(leads, 0.5) @ np.linalg.solve(sigma, mean - slope * shape)
    assert 2 * slope / error == pytest.approx(bias, abs=0.01)
    assert (2 * slope + shift) / error == pytest.approx(conditional, abs=0.01)


def test_what_a_quiet_joint_test_adds_by_simulation() -> None:
    """A million draws of two effects and an answer that shares noise with them, tested as Hotelling does.

    The test divides the Wald statistic by an independent chi-square. Tolerance four Monte-Carlo errors.
    """
    sigma = np.array([[1.0, 0.4, 0.5], [0.4, 1.5, 0.3], [0.5, 0.3, 2.0]])
    mean, clusters, draws = np.array([1.0, 1.2]), 20, 1_000_000
    joint = pretrends.joint_test(mean, sigma[:2, :2], clusters)
    generator = np.random.default_rng(5)
    drawn = np.append(mean, 0.0) + generator.normal(size=(draws, 3)) @ np.linalg.cholesky(sigma).T
    wald = np.einsum("ik,kl,il->i", drawn[:, :2], np.linalg.inv(sigma[:2, :2]), drawn[:, :2])
    statistic = wald / joint.k / (generator.chisquare(joint.df, draws) / joint.df)
    kept = drawn[statistic <= stats.f.ppf(0.95, joint.k, joint.df), 2]
    found = pretrends.selection(mean, sigma[:2, :2], sigma[:2, 2], joint)
    assert abs(found) > 0.1
    assert kept.mean() == pytest.approx(found, abs=4 * kept.std() / math.sqrt(len(kept)))


def test_the_pretest_states_the_trend_it_misses_every_other_time() -> None:
    found = checked(pretrends, simulated(30, effect=4.0))
    amounts = found.amounts
    assert amounts["slope_half"] < amounts["slope"] and amounts["single_slope_half"] < amounts["single_slope"]
    assert amounts["bias_half"] == pytest.approx(amounts["bias"] * amounts["slope_half"] / amounts["slope"])
    assert amounts["bias_half_quiet"] != pytest.approx(amounts["bias_half"], rel=0.01)
    assert "misses one of {slope_half} every other time" in found.finding
    assert "every other time" not in checked(pretrends, simulated(30, slope=0.5)).finding


def test_the_answer_shares_noise_with_its_leads() -> None:
    """The shared covariance is the one in the joint covariance of the pieces by event time."""
    effects = group_time.estimate(simulated(30))
    path = effects.by("event_time")
    post = (path.table["event_time"] >= 0).to_numpy()
    expected = path.covariance[np.ix_(post, ~post)].mean(axis=0)[:-1]
    assert pretrends.shared_noise(effects.averaged_over(), path.pre()) == pytest.approx(expected, abs=1e-12)


# comparisons and weights


def test_comparisons_with_units_already_treated_are_a_caution() -> None:
    panel = staggered(growth=1.0)
    late = panel.only(panel.adoption != NEVER, "test")
    found = checked(comparisons, late)
    assert found.severity == "warn" and found.statistic > 0.1 and found.code == "E101"
    assert "made of group-time effects against not-yet-treated units" in found.finding
    assert found.amounts["late"] < found.amounts["clean"]
    quiet = checked(comparisons, samples.castle())
    assert quiet.severity == "note" and quiet.statistic == pytest.approx(0.0318981772470145, abs=1e-12)


def test_negative_weights_are_a_caution_with_the_spread_that_turns_them() -> None:
    found = checked(negative_weights, samples.mpdta())
    assert found.severity == "warn" and found.statistic == pytest.approx(-0.010851, abs=1e-6)
    assert found.amounts["coefficient"] == pytest.approx(-0.0365489366740669, abs=1e-10)
    assert 0 < found.amounts["seen"] < found.amounts["sign"] < found.amounts["opposite"]
    quiet = checked(negative_weights, samples.castle())
    assert quiet.severity == "note" and "none of the 20" in quiet.finding and math.isinf(quiet.amounts["opposite"])


# anticipation


def test_a_difference_that_is_one_contrast_has_its_error() -> None:
    """With one date, allowing for one period of anticipation moves the answer by exactly the lead just before it, so
    that the difference of the two answers has the lead's error, which neither answer's error gives."""
    panel = simulated(30)
    effects, other = group_time.estimate(panel), group_time.estimate(panel, anticipation=1)
    gap = _common.compared(panel, effects, other, "simple", 0.95)
    lead = other.by("event_time").table.set_index("event_time").loc[-1]
    assert gap.value == pytest.approx(lead["estimate"], abs=1e-12)
    half = stats.t.ppf(0.975, panel.clusters - 1) * lead["std_error"]
    assert (gap.low, gap.high) == pytest.approx((gap.value - half, gap.value + half), abs=1e-10)


def test_an_early_reaction_is_found_and_taken_out() -> None:
    panel = simulated(30, effect=3.0)
    early = panel.with_outcome(panel.outcome + 2.0 * ((panel.adoption >= 0)[:, None] & (np.arange(10) == 4)))
    found = checked(anticipation, early)
    assert (found.severity, found.code) == ("warn", "E112") and found.p_value < 0.001
    assert found.statistic == pytest.approx(2.0, abs=0.6) and found.amounts["gap"] == pytest.approx(found.statistic)
    assert "`anticipation: 1`" in found.advice
    quiet = checked(anticipation, panel)
    assert (quiet.severity, quiet.code) == ("note", "E110") and quiet.low < 0 < quiet.high
    declared = checked(anticipation, early, group_time.estimate(early, anticipation=1), anticipation=1)
    assert declared.severity == "note" and "the period 2 before adoption" in declared.finding


def test_designs_without_anticipation_leave_the_period_out() -> None:
    """Without the period before adoption, the mean of the earlier ones is what the answer starts from."""
    panel = simulated(30)
    found = checked(anticipation, panel, two_by_two.estimate(panel), event_study.estimate(panel))
    y, own = panel.outcome, panel.adoption >= 0
    change = y[:, 5:].mean(axis=1) - y[:, :4].mean(axis=1)
    assert found.amounts["other"] == pytest.approx(change[own].mean() - change[~own].mean(), abs=1e-10)
    few = checked(
        anticipation, samples.organ(), two_by_two.estimate(samples.organ()), event_study.estimate(samples.organ())
    )
    assert "among 26 reassignments" in few.finding and few.low is None and math.isnan(few.amounts["gap_low"])


# leaving out


def test_the_unit_that_carries_the_answer_is_named() -> None:
    panel = simulated(12, units=40, effect=0.0)
    outcome = panel.outcome.copy()
    outcome[3, 5:] += 40.0
    planted = panel.with_outcome(outcome)
    found = checked(leave_one_out, planted)
    assert found.severity == "warn" and found.code == "E116" and "without i 3" in found.finding
    people = replace(planted, labels=replace(planted.labels, public=False))
    hidden = checked(leave_one_out, people).finding
    assert "without i 3" not in hidden and "without one of them" in hidden
    assert checked(leave_one_out, simulated(20, units=40, effect=3.0)).severity == "note"


def test_leaving_out_is_the_estimate_without() -> None:
    panel = samples.castle()
    effects = group_time.estimate(panel)
    found = checked(leave_one_out, panel)
    without = [_common.number(group_time.estimate(panel.only(panel.cluster != c, "test")), "simple") for c in range(50)]
    cohorts = [
        _common.number(group_time.estimate(panel.only(panel.adoption != c, "test")), "simple")
        for c in panel.cohorts[1:]
    ]
    assert (found.amounts["cluster_low"], found.amounts["cluster_high"]) == (min(without), max(without))
    assert (found.amounts["cohort_low"], found.amounts["cohort_high"]) == (min(cohorts), max(cohorts))
    assert found.amounts["answer"] == _common.number(effects, "simple")


def test_among_many_units_the_farthest_is_tried() -> None:
    """All 500 counties left out in turn: the farthest is among the 20 that contributions point to."""
    panel = samples.mpdta()
    effects = group_time.estimate(panel)
    found = checked(leave_one_out, panel, effects)
    assert "one of the 20 of 500 clusters (countyreal) that count most" in found.finding
    value = _common.number(effects, "simple")
    moved = [
        _common.number(group_time.estimate(panel.only(panel.cluster != c, "test")), "simple") - value
        for c in range(500)
    ]
    ends = (found.amounts["cluster_low"] - value, found.amounts["cluster_high"] - value)
    assert max(abs(end) for end in ends) == pytest.approx(max(abs(m) for m in moved), abs=1e-12)


def test_a_cluster_that_cannot_be_left_out_is_a_caution() -> None:
    found = checked(leave_one_out, samples.organ(), two_by_two.estimate(samples.organ()))
    assert found.severity == "warn" and "Without State California there is nothing to estimate" in found.finding


def test_rows_that_count_most_are_tried() -> None:
    sample = samples.kielmc()
    found = checked(leave_one_out, sample, two_by_two.estimate(sample, errors="robust"))
    assert "one of the 20 of 321 rows that count most" in found.finding
    value, low, high = (found.amounts[name] for name in ("answer", "cluster_low", "cluster_high"))
    keep = np.ones(sample.n, dtype=bool)
    moved = []
    for row in range(sample.n):
        keep[row] = False
        moved.append(_common.number(two_by_two.estimate(sample.rows(keep), errors="robust"), "simple"))
        keep[row] = True
    assert (min(moved), max(moved)) == pytest.approx((min(low, value), max(high, value)), abs=1e-6)


# other outcomes


def test_a_placebo_outcome_that_moved_is_a_caution() -> None:
    panel = simulated(30)
    noise = np.random.default_rng(9).normal(size=panel.outcome.shape)
    quiet = checked(placebo_outcome, with_covariate(panel, "deaths", noise), placebo_outcome="deaths")
    assert quiet.severity == "note" and quiet.low < 0 < quiet.high and "standard deviations" in quiet.finding
    moved = checked(placebo_outcome, with_covariate(panel, "deaths", noise + panel.treated), placebo_outcome="deaths")
    assert moved.severity == "warn" and moved.p_value < 0.05
    effects = group_time.estimate(panel.with_outcome(noise + panel.treated))
    assert moved.statistic == pytest.approx(
        _common.number(effects, "simple") / (noise + panel.treated).std(), abs=1e-12
    )
    assert "No outcome is named" in checked(placebo_outcome, panel).finding


def test_covariates_that_react_are_named() -> None:
    panel = simulated(30)
    noise = np.random.default_rng(9).normal(size=panel.outcome.shape)
    moving = with_covariate(with_covariate(panel, "calm", noise), "pulled", noise[::-1] + panel.treated)
    found = checked(
        bad_controls, moving, group_time.estimate(panel), design="two_by_two", covariates=["calm", "pulled"]
    )
    assert found.severity == "warn" and found.code == "E106" and "pulled by" in found.finding
    assert "calm by" not in found.finding
    quiet = checked(bad_controls, moving, group_time.estimate(panel), design="two_by_two", covariates=["calm"])
    assert quiet.severity == "note" and "could have been missed" in quiet.finding
    fixed = with_covariate(panel, "area", np.repeat(noise[:, :1], 10, axis=1))
    same = checked(bad_controls, fixed, group_time.estimate(panel), design="two_by_two", covariates=["area"])
    assert "the same in every period" in same.finding and same.p_value is None


def test_holm_by_hand() -> None:
    """p-values .04, .01, .03 of three: .03 for the smallest, then .06 twice (never below the one before)."""
    three = [bad_controls._Reaction(name, 1.0, p) for name, p in (("a", 0.04), ("b", 0.01), ("c", 0.03))]
    assert [(r.name, round(r.p_value, 10)) for r in bad_controls._holm(three)] == [
        ("b", 0.03),
        ("c", 0.06),
        ("a", 0.06),
    ]


def test_rows_of_another_kind_are_found() -> None:
    sample = rows()
    shifted = replace(sample, covariates={"x": sample.covariates["x"] + (sample.treated & (sample.period >= 3))})
    effects = two_by_two.estimate(shifted, covariates=["x"], errors="robust")
    found = checked(bad_controls, shifted, effects, design="two_by_two", errors="robust", covariates=["x"])
    assert found.severity == "warn" and "other kinds of rows" in found.finding


# composition


@pytest.mark.parametrize("average", ["simple", "event_time", "cohort", "period"])
def test_weights_of_cells_give_the_answer(average: str) -> None:
    effects = group_time.estimate(samples.castle())
    weights = composition._weights(effects, average)
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert weights @ effects.estimate == pytest.approx(_common.number(effects, average), abs=1e-12)


def test_the_balanced_window_is_the_estimate_on_its_cohorts() -> None:
    """Against never-treated counties the cells of the 2004 and 2006 cohorts do not depend on the 2007 one."""
    panel = samples.mpdta()
    effects = group_time.estimate(panel, comparison="never_treated")
    found = checked(composition, panel, effects)
    both = panel.only(np.isin(panel.periods[panel.adoption], [2004, 2006]) | (panel.adoption == NEVER), "test")
    path = group_time.estimate(both, comparison="never_treated").by("event_time").table.set_index("event_time")
    assert found.amounts["other"] == pytest.approx(path.loc[[0, 1], "estimate"].mean(), abs=1e-12)
    every = effects.by("event_time").table.set_index("event_time")
    assert found.amounts["answer"] == pytest.approx(every.loc[[0, 1], "estimate"].mean(), abs=1e-12)
    assert found.amounts["gap_low"] < found.amounts["gap"] < found.amounts["gap_high"]
    assert "Periods 2 to 3 since adoption rest on a single cohort" in found.finding and found.severity == "note"


def test_thin_cohorts_are_a_caution_where_the_answer_rests_on_them() -> None:
    found = checked(composition, samples.castle())
    assert (found.severity, found.code) == ("warn", "E113") and "Of 5 cohorts 4 (2005" in found.finding
    assert found.statistic == pytest.approx((1 * 6 + 4 * 4 + 2 * 3 + 1 * 2) / (1 * 6 + 13 * 5 + 4 * 4 + 2 * 3 + 1 * 2))
    early = checked(composition, staggered())
    assert (early.severity, early.code) == ("warn", "E114") and early.statistic == pytest.approx(4 / 14)


def test_the_error_of_a_held_mix_by_influence() -> None:
    """The delta method on joint covariances equals the cross-product of contributions to the two averages."""
    panel = samples.castle()
    effects = group_time.estimate(panel)
    gap = composition._balanced(panel, effects, "simple", 0.95, 4, np.array([2005.0, 2006.0]))
    path = effects.by("event_time")
    events = path.table["event_time"].isin(range(5)).to_numpy()
    every = path.influence()[:, : len(path.table)][:, events].mean(axis=1)
    inside = effects._only(effects.table["cohort"].isin([2005, 2006]).to_numpy()).by("event_time")
    chosen = inside.table["event_time"].isin(range(5)).to_numpy()
    fixed = inside.influence()[:, : len(inside.table)][:, chosen].mean(axis=1)
    half = stats.t.ppf(0.975, effects.df) * np.linalg.norm(fixed - every)
    assert gap.high - gap.value == pytest.approx(half, rel=1e-10)


# weights and spill-over


def test_the_answer_without_weights_is_the_unweighted_one() -> None:
    found = checked(weighting, samples.mpdta(weight="size"), weight="size")
    plain = _common.number(group_time.estimate(samples.mpdta()), "simple")
    assert found.amounts["other"] == pytest.approx(plain, abs=1e-12)
    assert "No weight is declared" in checked(weighting, samples.mpdta()).finding


def test_weights_that_turn_the_sign_are_a_caution() -> None:
    panel = simulated(30, effect=0.0)
    large = np.arange(60) % 2 == 0
    turned = panel.with_outcome(panel.outcome + panel.treated * np.where(large, 2.0, -3.0)[:, None])
    weight = np.where(large, 9.0, 1.0)
    heavy = replace(turned, weight=weight / weight.mean(), labels=replace(panel.labels, weight="people"))
    found = checked(weighting, heavy, weight="people")
    assert (found.severity, found.code) == ("warn", "E115") and "opposite directions" in found.finding
    assert found.p_value < 0.05


def test_exposed_comparison_units_are_left_out() -> None:
    panel = simulated(30, units=90, effect=2.0)
    touched = (np.arange(90) >= 60)[:, None] & (np.arange(10) >= 5)
    moved = with_covariate(panel.with_outcome(panel.outcome + 1.0 * touched), "near", touched.astype(float))
    found = checked(spillover, moved, exposure="near")
    clean = moved.only(np.arange(90) < 60, "test")
    assert found.amounts["other"] == pytest.approx(_common.number(group_time.estimate(clean), "simple"), abs=1e-12)
    assert (found.severity, found.code) == ("warn", "E118") and found.amounts["gap"] == pytest.approx(0.5, abs=0.3)
    assert "30 of 60 comparison units exposed" in found.finding
    quiet = checked(spillover, with_covariate(panel, "near", touched.astype(float)), exposure="near")
    assert quiet.severity == "note" and quiet.amounts["gap_low"] < 0 < quiet.amounts["gap_high"]


def test_shares_of_exposure_split_at_the_median() -> None:
    panel = simulated(30)
    share = np.repeat(np.linspace(0.1, 0.9, 60)[:, None], 10, axis=1)
    found = checked(spillover, with_covariate(panel, "near", share), exposure="near")
    assert "15 of 30 comparison units more exposed than the median" in found.finding
    none = checked(spillover, with_covariate(panel, "near", 0 * share), exposure="near")
    assert "None of the 30" in none.finding
    alike = checked(spillover, with_covariate(panel, "near", np.ones_like(share)), exposure="near")
    assert "none is left to compare with" in alike.finding
    assert "cannot be checked" in checked(spillover, panel).finding


def test_the_error_of_leaving_units_out_is_a_jackknife_apart() -> None:
    """A second opinion: the leave-one-cluster-out spread of the difference, within a tenth of the analytic error."""
    panel = simulated(30, units=90)
    near = np.repeat((np.arange(90) >= 60)[:, None], 10, axis=1).astype(float)
    effects = group_time.estimate(panel)
    kept = np.arange(90) < 60
    gap = _common.compared(panel, effects, group_time.estimate(panel.only(kept, "t")), "simple", 0.95, kept)
    differences = []
    for unit in range(90):
        left = np.arange(90) != unit
        part = panel.only(left, "t")
        other = part.only(kept[left], "t")
        differences.append(
            _common.number(group_time.estimate(other), "simple") - _common.number(group_time.estimate(part), "simple")
        )
    spread = math.sqrt(89 / 90 * np.sum((np.array(differences) - np.mean(differences)) ** 2))
    half = stats.t.ppf(0.975, panel.only(kept, "t").clusters - 1)
    assert near.sum() == 300 and (gap.high - gap.value) / half == pytest.approx(spread, rel=0.1)


# regression to the mean


def test_a_departure_by_hand() -> None:
    """The last period less the earlier mean, adopters less the others; the error of a difference in means."""
    panel = simulated(30)
    found = checked(regression_to_mean, panel)
    y, own = panel.outcome, panel.adoption >= 0
    dip = y[:, 4] - y[:, :4].mean(axis=1)
    assert found.statistic == pytest.approx(dip[own].mean() - dip[~own].mean(), abs=1e-12)
    error = math.sqrt(dip[own].var() / own.sum() + dip[~own].var() / (~own).sum())
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.ppf(0.975, 59) * error, abs=1e-10)
    assert found.severity == "note" and found.amounts["fade"] == -found.statistic


def test_a_departure_over_several_dates_by_loops() -> None:
    panel = samples.castle()
    found = checked(regression_to_mean, panel)
    total = value = 0.0
    for cohort in panel.cohorts[panel.cohorts != NEVER]:
        own, others = panel.adoption == cohort, (panel.adoption == NEVER) | (panel.adoption > cohort)
        dip = panel.outcome[:, cohort - 1] - panel.outcome[:, : cohort - 1].mean(axis=1)
        value += own.sum() * (dip[own].mean() - dip[others].mean())
        total += own.sum()
    assert found.statistic == pytest.approx(value / total, abs=1e-12)
    effects = group_time.estimate(panel)
    one = regression_to_mean._departure(panel, effects=effects, anticipation=0)
    psi = one.influence()[:, 0]
    assert math.sqrt(psi @ psi) == pytest.approx(one.table["std_error"].iloc[0], rel=1e-12)


def test_selection_on_a_low_is_a_caution_and_fades_into_an_effect() -> None:
    """Units are picked for a low last period: without any policy the answer is the rebound."""
    noise = np.random.default_rng(4).normal(size=(80, 8))
    picked = np.argsort(noise[:, 3])[:25]
    frame = pd.DataFrame({"i": np.repeat(np.arange(80), 8), "t": np.tile(np.arange(1, 9), 80), "y": noise.ravel()})
    frame["g"] = np.where(frame["i"].isin(picked), 5.0, np.nan)
    panel = panel_from_frame(frame, Labels("y", "t", "i", "g"))
    found = checked(regression_to_mean, panel)
    assert (found.severity, found.code) == ("warn", "E127") and found.statistic < -1
    assert found.amounts["fade"] == pytest.approx(_common.number(group_time.estimate(panel), "simple"), abs=0.6)
    assert "below the others" in found.finding


# placebo dates for rows observed once


def test_rows_of_several_periods_allow_a_false_date() -> None:
    sample = rows()
    effects = two_by_two.estimate(sample, errors="robust")
    found = checked(placebo, sample, effects, design="two_by_two", errors="robust")
    y, own, t = sample.outcome, sample.treated, sample.period
    means = [[y[(own == g) & (t == s)].mean() for s in range(3)] for g in (True, False)]
    change = [np.mean(m[2:]) - np.mean(m[:2]) for m in means]
    assert found.severity == "note" and found.statistic == pytest.approx(change[0] - change[1], abs=1e-10)
    early = sample.with_outcome(y + 1.0 * (own & (t == 2)))
    assert checked(placebo, early, effects, design="two_by_two", errors="robust").severity == "warn"


# all of them, everywhere


@pytest.mark.parametrize("data", [samples.castle, samples.mpdta, samples.organ, samples.kielmc, rows])
def test_every_finding_is_a_sentence_with_its_amounts(data) -> None:
    one = data()
    if isinstance(one, Sample):
        effects, path = two_by_two.estimate(one, errors="robust"), None
    elif one.staggered:
        effects = group_time.estimate(one)
        path = effects.by("event_time")
    else:
        effects, path = two_by_two.estimate(one), event_study.estimate(one)
    for module in OURS:
        found = checked(module, one, effects, path)
        said = answer.finding(Unit("log"), found)
        assert said[0].isupper() and said.endswith(".") and "{" not in said and "nan" not in said.lower().split()
        assert found.advice.endswith(".") and found.assumption.endswith(".") and "passed" not in said
        assert not said.endswith("..") and "  " not in said


def test_an_outcome_without_noise_and_a_tiny_panel_stop_nothing() -> None:
    panel = simulated(20, units=40)
    exact = panel.with_outcome(2.0 * panel.treated + np.arange(10.0))
    short = panel.until(6)
    for one in (
        exact,
        short,
        replace(
            short,
            outcome=short.outcome[:, 4:],
            periods=short.periods[4:],
            adoption=np.where(short.adoption < 0, NEVER, 1),
        ),
    ):
        effects = group_time.estimate(one)
        for module in OURS:
            found = checked(module, one, effects)
            assert found.severity in checks.ORDER and found.finding.endswith(".")
            if one is exact:
                assert found.severity == "note", found


def test_panels_that_two_way_fixed_effects_cannot_take_are_told_so() -> None:
    panel = samples.castle()
    effects = group_time.estimate(panel)
    for broken in (replace(panel, treatment=panel.treated.astype(float)), panel.before_adoption()):
        for module in (comparisons, negative_weights):
            found = checked(module, broken, effects)
            assert found.severity == "note" and "cannot be" in found.finding


def test_checks_do_not_depend_on_the_order_of_units() -> None:
    panel = samples.castle()
    order = np.random.default_rng(3).permutation(50)
    shuffled = replace(
        panel,
        outcome=panel.outcome[order],
        units=panel.units[order],
        adoption=panel.adoption[order],
        cluster=np.arange(50),
        upcoming=panel.upcoming[order],
    )
    names = [module.__name__.rpartition(".")[2] for module in OURS]
    chosen = study(checks=names, seed=3)
    found = []
    for one in (panel, shuffled):
        effects = designs.estimate(chosen, one)
        found.append(checks.run(chosen, one, effects, effects.by("event_time")))
    for first, second in zip(*found, strict=True):
        assert (first.name, first.severity, first.finding) == (second.name, second.severity, second.finding)
        assert first.statistic == pytest.approx(second.statistic, abs=1e-9)


def test_a_design_without_leads_is_told_from_data_without_earlier_periods() -> None:
    from analysis.designs import extended_twfe

    panel = samples.mpdta()
    effects = extended_twfe.estimate(panel)
    found = pretrends.run(panel, effects, effects.by("event_time"), average="simple", draws=99, seed=1, covariates=[])
    assert "this design estimates no effects before adoption" in found.finding and found.severity == "warn"


def test_estimators_that_make_the_same_comparison_are_said_to_be_the_same() -> None:
    panel = samples.mpdta()
    effects = group_time.estimate(panel)
    found = agreement.run(
        panel, effects, None, average="simple", level=0.95, gaps={"group time": 1e-17, "stacked": 0.0}
    )
    assert found.severity == "note" and found.finding.startswith("All 2 other estimators give the same number")
