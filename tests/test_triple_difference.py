"""Triple differences: by hand, against least squares, against their parts, why cohorts are not pooled, recovery."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import samples

from analysis.designs import triple_difference
from analysis.inference import doubly_robust, few_clusters
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal

Array = np.ndarray


def panel(outcome: Array, adoption: Array, eligible: Array, **columns: object) -> Panel:
    units, periods = np.shape(outcome)
    given = {
        "weight": np.ones(units),
        "cluster": np.arange(units),
        "labels": Labels("y", "year", "unit", "first", eligible="who"),
    }
    return Panel(
        outcome=np.array(outcome, dtype=float),
        units=np.arange(units),
        periods=np.arange(2000, 2000 + periods),
        adoption=np.array(adoption),
        upcoming=np.zeros(units, dtype=int),
        eligible=np.array(eligible, dtype=bool),
        **{**given, **columns},
    )


def drawn(sizes: dict[tuple[int, int], int], periods: int = 4, seed: int = 0) -> Panel:
    """Units by (adoption, eligible), normal outcomes, a covariate that differs between the groups."""
    draw = np.random.default_rng(seed)
    adoption, eligible = np.array([group for group, size in sizes.items() for _ in range(size)]).T
    x = draw.normal(size=len(adoption)) + 0.3 * eligible - 0.2 * (adoption == NEVER)
    outcome = draw.normal(size=(len(adoption), periods)).cumsum(axis=1) + 0.5 * x[:, None] * np.arange(periods)
    return panel(outcome, adoption, eligible, covariates={"x": np.repeat(x[:, None], periods, axis=1)})


STAGGERED = {(1, 1): 14, (1, 0): 11, (2, 1): 12, (2, 0): 15, (3, 1): 9, (3, 0): 10, (NEVER, 1): 13, (NEVER, 0): 16}
TWO = {(1, 1): 14, (1, 0): 11, (NEVER, 1): 13, (NEVER, 0): 16}


def test_eight_means_by_hand() -> None:
    """Changes: 10 for the eligible and 4 for the others where the policy came, 3 and 1 elsewhere.
    (10 - 4) - (3 - 1) = 4; errors 1/2 for each of two units per group, four groups: variance 4 x 2 x (1/2)^2 = 2."""
    before = np.array([5.0, 1, 2, 7, 4, 4, 0, 3])
    change = np.array([9.0, 11, 3, 5, 2, 4, 0, 2])
    adoption, eligible = np.repeat([1, NEVER], 4), np.tile([1, 1, 0, 0], 2)
    effects = triple_difference.estimate(panel(np.column_stack([before, before + change]), adoption, eligible))
    post = effects.post().table
    assert post["estimate"].to_list() == pytest.approx([4])
    assert post["std_error"].to_list() == pytest.approx([np.sqrt(2)])
    np.testing.assert_allclose(effects.influence()[:, 1], [-0.5, 0.5, 0.5, -0.5, 0.5, -0.5, -0.5, 0.5], atol=1e-15)
    assert post["treated_clusters"].to_list() == [2] and post["comparison_clusters"].to_list() == [2]
    assert effects.baseline == 3 and effects.n == 16 and effects.share == pytest.approx([0.5])


@pytest.mark.parametrize("weighted", [False, True])
def test_two_periods_equal_the_triple_interaction(weighted: bool) -> None:
    """Least squares on all eight cells with errors clustered by unit and no small-sample factor."""
    import statsmodels.api as sm

    data = drawn(TWO, periods=2)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(data.units)) if weighted else data.weight
    data = replace(data, weight=weight / weight.mean())
    here, who, after = np.meshgrid(data.adoption == 1, [0], [0, 1], indexing="ij")[0], data.eligible, np.array([0, 1])
    here, who, after = (np.broadcast_to(a, data.outcome.shape).ravel() for a in (here[:, 0], who[:, None], after))
    columns = [here * who * after, here * who, here * after, who * after, here, who, after, np.ones(len(here))]
    design = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    model = sm.WLS(data.outcome.ravel(), design, weights=np.repeat(data.weight, 2))
    groups = {"groups": np.repeat(data.units, 2), "use_correction": False}
    fit = model.fit(cov_type="cluster", cov_kwds=groups)
    post = triple_difference.estimate(data).post().table
    assert post["estimate"].iloc[0] == pytest.approx(fit.params[0], abs=1e-12)
    assert post["std_error"].iloc[0] == pytest.approx(fit.bse[0], abs=1e-12)


@pytest.mark.parametrize("adjustment", doubly_robust.ADJUSTMENTS)
def test_the_parts_are_three_adjusted_differences(adjustment: str) -> None:
    data = drawn(TWO)
    effects = triple_difference.estimate(data, covariates=["x"], adjustment=adjustment)
    x = np.column_stack([np.ones(len(data.units)), data.covariates["x"][:, 0]])
    change = data.outcome[:, 1:] - data.outcome[:, [0]]
    treated, value, psi = (data.adoption == 1) & data.eligible, np.zeros(3), np.zeros((len(data.units), 3))
    for sign, here, who in ((1, True, False), (1, False, True), (-1, False, False)):
        pair = treated | (((data.adoption == 1) == here) & (data.eligible == who))
        groups = doubly_robust.compared(treated[pair], x[pair], data.weight[pair], adjustment)
        part, contributions = doubly_robust.changes(groups, change[pair])
        value += sign * part
        psi[pair] += sign * contributions
    post = effects.post().table
    np.testing.assert_allclose(post["estimate"], value, atol=1e-12)
    np.testing.assert_allclose(post["std_error"], np.sqrt((psi**2).sum(axis=0)), atol=1e-12)


def alone(data: Panel, control: int) -> Panel:
    return data.only(np.isin(data.adoption, (1, control)), "test")


def test_comparison_cohorts_are_combined_for_the_smallest_variance() -> None:
    """Against the cohort of 2003 and the never-treated in 2002: each alone gives a value, contributions give their
    covariance V, and the weights are V^-1 1 / (1' V^-1 1)."""
    data = drawn({group: size for group, size in STAGGERED.items() if group[0] != 2})
    values, psi = [], np.zeros((len(data.units), 2))
    for column, control in enumerate((NEVER, 3)):
        one = triple_difference.estimate(alone(data, control), comparison="not_yet_treated")
        place = int(np.flatnonzero((one.table["cohort"] == 2001) & (one.table["period"] == 2002))[0])
        values.append(one.estimate[place])
        psi[np.isin(data.adoption, (1, control)), column] = one.influence()[:, place]
    inverse = np.linalg.inv(psi.T @ psi)
    weights = inverse.sum(axis=0) / inverse.sum()
    both = triple_difference.estimate(data).table.set_index(["cohort", "period"]).loc[(2001.0, 2002.0)]
    assert both["estimate"] == pytest.approx(weights @ values, abs=1e-12)
    assert both["std_error"] == pytest.approx(1 / np.sqrt(inverse.sum()), abs=1e-12)
    assert both["std_error"] < np.sqrt((psi**2).sum(axis=0)).min()


def test_pooling_comparison_cohorts_would_be_biased() -> None:
    """No effect, no noise, cohort trends, an eligibility trend common to all, and shares of eligible units that differ
    between the comparison cohorts: each alone gives zero; their pooled eligible and ineligible means do not."""
    adoption = np.repeat([1, 2, NEVER], 20)
    eligible = np.concatenate([np.arange(20) < k for k in (10, 16, 4)])
    slope = np.where(adoption == 2, 5.0, np.where(adoption == NEVER, -2.0, 1.0)) + 0.5 * eligible
    data = panel(slope[:, None] * np.arange(3), adoption, eligible)
    effects = triple_difference.estimate(data)
    np.testing.assert_allclose(effects.estimate, 0, atol=1e-12)
    change, here = data.outcome[:, 1] - data.outcome[:, 0], adoption == 1
    gap = [change[there & eligible].mean() - change[there & ~eligible].mean() for there in (here, ~here)]
    assert abs(gap[0] - gap[1]) > 3


def test_an_effect_on_the_treated_moves_the_answer_by_as_much() -> None:
    data = drawn(STAGGERED)
    for comparison in ("never_treated", "not_yet_treated"):
        first = triple_difference.estimate(data, comparison=comparison)
        moved = triple_difference.estimate(data.with_outcome(data.outcome + 0.7 * data.treated), comparison=comparison)
        for kind in ("simple", "event_time", "cohort", "period"):
            ours = [effects.along(kind).average(0.9).value for effects in (first, moved)]
            assert ours[1] - ours[0] == pytest.approx(0.7, abs=1e-10)


def test_averages_weight_cohorts_by_their_eligible_units() -> None:
    table = triple_difference.estimate(drawn(STAGGERED), comparison="never_treated").table
    size = table["cohort"].map({2001: 14, 2002: 12, 2003: 9})
    post = table["event_time"] >= 0
    np.testing.assert_allclose(table["weight"], np.where(post, size, 0) / size[post].sum())
    assert table["treated_clusters"].to_list() == size.to_list()


@pytest.mark.parametrize("base_period", ["varying", "universal"])
@pytest.mark.parametrize("covariates", [[], ["x"]], ids=["plain", "adjusted"])
def test_contributions_give_the_covariance_and_order_does_not_matter(base_period: str, covariates: list[str]) -> None:
    data = drawn(STAGGERED)
    options = {"base_period": base_period, "covariates": covariates}
    effects = triple_difference.estimate(data, **options)
    psi = effects.influence()
    assert psi.shape == (len(data.units), len(effects.table) + 3)
    np.testing.assert_allclose(psi.T @ psi, effects.joint, atol=1e-14)
    order = np.random.default_rng(7).permutation(len(data.units))
    shuffled = replace(
        data,
        outcome=data.outcome[order],
        adoption=data.adoption[order],
        eligible=data.eligible[order],
        covariates={"x": data.covariates["x"][order]},
    )
    again = triple_difference.estimate(shuffled, **options)
    np.testing.assert_allclose(again.estimate, effects.estimate, atol=1e-11)
    np.testing.assert_allclose(again.joint, effects.joint, atol=1e-12)
    moved = triple_difference.estimate(data.with_outcome(-2 * data.outcome + 9), **options)
    np.testing.assert_allclose(moved.estimate, -2 * effects.estimate, atol=1e-10)
    np.testing.assert_allclose(moved.table["std_error"], 2 * effects.table["std_error"], atol=1e-10)
    assert effects.refit(data).average(0.9) == effects.average(0.9)


def test_coarse_clusters_sum_contributions() -> None:
    data = drawn(STAGGERED)
    fine = triple_difference.estimate(data)
    coarse = replace(data, cluster=np.arange(len(data.units)) % 20, labels=replace(data.labels, cluster="c"))
    effects = triple_difference.estimate(coarse)
    np.testing.assert_allclose(effects.estimate, fine.estimate, atol=1e-14)
    summed = doubly_robust.summed(fine.influence(), coarse.cluster, 20)
    np.testing.assert_allclose(effects.influence(), summed, atol=1e-14)
    assert effects.clusters == 20 and "summed by c (20 clusters)" in effects.inference


def test_small_comparison_cohorts_are_used_only_where_there_is_no_other() -> None:
    small = drawn({**STAGGERED, (3, 0): 4})
    effects = triple_difference.estimate(small).table.set_index(["cohort", "period"])
    never = triple_difference.estimate(small, comparison="never_treated").table.set_index(["cohort", "period"])
    assert effects.loc[(2002.0, 2002.0), "estimate"] == pytest.approx(never.loc[(2002.0, 2002.0), "estimate"])
    without = small.only(small.adoption != NEVER, "test")
    assert (2002.0, 2002.0) in triple_difference.estimate(without).table.set_index(["cohort", "period"]).index


def test_few_clusters_are_permuted() -> None:
    """Six places with two units of each kind, one reached: six assignments."""
    place, draw = np.repeat(np.arange(6), 4), np.random.default_rng(3)
    outcome = draw.normal(size=(24, 3)).cumsum(axis=1)
    labels = Labels("y", "year", "unit", "first", cluster="place", eligible="who")
    who = np.tile([1, 1, 0, 0], 6)
    data = panel(outcome, np.where(place == 2, 1, NEVER), who, cluster=place, labels=labels)
    effects = triple_difference.estimate(data)
    shown = few_clusters.headline(data, effects, average="simple", level=0.8, seed=1)
    assert shown.std_error is None and (shown.p_value * 6) % 1 == pytest.approx(0, abs=1e-9)
    assert shown.low < shown.value < shown.high


def refused(data: object, **options: object) -> str:
    with pytest.raises(Refusal) as found:
        triple_difference.estimate(data, **options)
    return str(found.value)


def test_refusals_name_the_place_and_the_fix() -> None:
    assert refused(samples.mpdta()) == (
        "E131 STOP eligible — triple differences need to know which units the policy is meant for. "
        "Fix: name the column under `eligible`"
    )
    data = drawn(STAGGERED)
    for group, words in (
        ((data.adoption != NEVER) & data.eligible, "no eligible unit where the policy came"),
        ((data.adoption != NEVER) & ~data.eligible, "no ineligible unit where the policy came"),
        ((data.adoption == NEVER) & data.eligible, "no eligible unit where it did not come (yet)"),
        ((data.adoption == NEVER) & ~data.eligible, "no ineligible unit where it did not come (yet)"),
    ):
        left = data.only(~group, "test")
        assert refused(left, comparison="never_treated").startswith(f"E131 STOP eligible — {words}. Fix: ")
    treated = data.only(data.adoption != NEVER, "test")
    assert refused(treated, comparison="never_treated").startswith("P006 STOP comparison — no never-treated group")
    few = drawn({**STAGGERED, (NEVER, 0): 5})
    assert refused(few, covariates=["x"], comparison="never_treated").startswith(
        "E113 STOP comparison — 5 never-treated"
    )
    assert refused(samples.kielmc()).startswith("E130 STOP design")
    gap = data.outcome.copy()
    gap[3, 2] = np.nan
    assert refused(data.with_outcome(gap)).startswith("P007 STOP")
    copy = replace(data, covariates={**data.covariates, "copy": 1 - data.covariates["x"]})
    assert refused(copy, covariates=["x", "copy"]).startswith("E107 STOP covariates:copy")
    apart = np.where((data.adoption != NEVER) & data.eligible, 5.0, 0.0) + np.random.default_rng(0).random(100)
    told = replace(data, covariates={"x": np.repeat(apart[:, None], 4, axis=1)})
    assert refused(told, covariates=["x"]).startswith(
        "E126 STOP covariates — overlap condition violated for group 2001"
    )


def test_a_cohort_with_one_kind_only_is_left_aside() -> None:
    data = drawn(STAGGERED)
    effects = triple_difference.estimate(data.only((data.adoption != 2) | data.eligible, "test"))
    assert set(effects.table["cohort"]) == {2001, 2003}
    assert effects.estimand.endswith("only adopters of 2001, 2003, up to 2003, have a comparison")


def simulated(units: int, seed: int, *, propensity: str = "straight", outcome: str = "straight") -> Panel:
    """Five periods; cohorts at the third and fourth and never. Who is eligible, where the policy comes and how outcomes
    move all depend on x; the gap between eligible and ineligible units moves alike everywhere, given x. The effect on
    eligible units is 1 at first and grows by a half each period."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=units)
    bent = np.minimum(x**2, 4) - 0.9
    index = 0.5 * x + (0.5 * bent if propensity == "curved" else 0)
    eligible = draw.random(units) < 1 / (1 + np.exp(-0.8 * index))
    odds = np.exp(np.outer(index, [0.0, 0.8, 1.2]))
    place = (draw.random(units)[:, None] > np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)).sum(axis=1)
    adoption = np.array([NEVER, 2, 3])[np.minimum(place, 2)]
    moves = x + (bent if outcome == "curved" else 0)
    trend = np.array([0.1, 0.5, 0.9])[np.minimum(place, 2)] * (1 + moves) + eligible * (0.6 + 0.5 * moves)
    since = np.arange(5) - adoption[:, None]
    effect = np.where((adoption[:, None] != NEVER) & (since >= 0) & eligible[:, None], 1 + 0.5 * since, 0.0)
    y = draw.normal(size=(units, 1)) + trend[:, None] * np.arange(5) + effect + draw.normal(size=(units, 5))
    return panel(y, adoption, eligible, covariates={"x": np.repeat(x[:, None], 5, axis=1)})


def distances(data: Panel, **options: object) -> Array:
    """Errors of the averages by event time, which are 1, 1.5 and 2, in standard errors."""
    table = triple_difference.estimate(data, **options).by("event_time").post().table
    return np.abs(table["estimate"] - [1, 1.5, 2]).to_numpy() / table["std_error"].to_numpy()


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_one_right_model_is_enough(comparison: str) -> None:
    """Straight models are fitted: within four standard errors where one is right, beyond six where neither is."""
    for propensity, outcome in (("straight", "straight"), ("straight", "curved"), ("curved", "straight")):
        data = simulated(40_000, seed=5, propensity=propensity, outcome=outcome)
        assert (distances(data, covariates=["x"], comparison=comparison) < 4).all(), (propensity, outcome)
        assert (distances(data, comparison=comparison) > 6).all()
    data = simulated(40_000, seed=5, propensity="curved", outcome="curved")
    assert (distances(data, covariates=["x"], comparison=comparison) > 6).all()
    only = {"regression": ("curved", "straight"), "weighting": ("straight", "curved")}
    for adjustment, (propensity, outcome) in only.items():
        data = simulated(40_000, seed=5, propensity=propensity, outcome=outcome)
        assert (distances(data, covariates=["x"], adjustment=adjustment, comparison=comparison) < 4).all()


@pytest.mark.slow
@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("adjustment", doubly_robust.ADJUSTMENTS)
def test_intervals_cover(comparison: str, adjustment: str) -> None:
    """1,000 draws of 800 units: the Monte-Carlo band of a 95 % interval is [.9365, .9635]."""
    covered = 0
    for seed in range(1000):
        data = simulated(800, seed)
        effects = triple_difference.estimate(data, covariates=["x"], comparison=comparison, adjustment=adjustment)
        covered += not effects.by("event_time").average(0.95).excludes(1.5)
    assert 0.9365 <= covered / 1000 <= 0.9635, covered
