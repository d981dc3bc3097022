"""Local projections by hand, against the regressions written out row by row, and on known effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import samples

from analysis.designs import group_time, local_projection
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal
from analysis.result import Effects

N = NEVER
LABELS = Labels("y", "t", "i", "g")


def panel(outcome, adoption, **changes) -> Panel:
    """A panel of these outcomes (units, periods), every unit its own cluster unless `changes` says otherwise."""
    y, units = np.array(outcome, dtype=float), len(outcome)
    none = np.zeros(units, dtype=int)
    built = Panel(
        y, np.arange(units), np.arange(y.shape[1]), np.array(adoption), np.ones(units), np.arange(units), LABELS, none
    )
    return replace(built, **changes)


def random_panel(weighted: bool = False, coarse: bool = False) -> Panel:
    """Forty-eight units over eight periods; adoption at 2, 3, 5, 7 or never."""
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.2, 3, 48) if weighted else np.ones(48)
    labels = Labels("y", "t", "i", "g", "w" if weighted else "", "c" if coarse else "")
    return panel(
        rng.normal(size=(48, 8)).cumsum(axis=1),
        np.array([N, 2, 3, 3, 5, 7])[np.arange(48) % 6],
        weight=weight / weight.mean(),
        cluster=np.arange(48) // 3 if coarse else np.arange(48),
        labels=labels,
    )


def by_rows(data: Panel, horizon: int, anticipation: int, comparison: str, *, equal: bool) -> tuple[float, float]:
    """Coefficient and clustered error of the switch in one horizon's regression, as lpdid runs it.

    Equal weights divide each row's weight by what least squares would give a treated row of its period.
    """
    import statsmodels.api as sm

    rows, g, last = [], data.adoption, data.outcome.shape[1] - 1
    for time in range(1 + anticipation, last + 1):
        if not 0 <= time + horizon <= last:
            continue
        later = g > time + max(horizon, 0) + anticipation
        clean = (g == N) | (later if comparison == "not_yet_treated" else False)
        for unit in np.flatnonzero((g == time) | clean):
            change = data.outcome[unit, time + horizon] - data.outcome[unit, time - 1 - anticipation]
            rows.append((time, g[unit] == time, change, data.weight[unit], data.cluster[unit]))
    time, switch, y, weight, cluster = np.array(rows, dtype=float).T
    if equal:
        share = np.array([(weight * switch)[time == t].sum() / weight[time == t].sum() for t in time])
        keep = (share > 0) & (share < 1)
        time, switch, y, cluster = time[keep], switch[keep], y[keep], cluster[keep]
        weight = weight[keep] / (1 - share[keep])
    x = np.column_stack([switch, time[:, None] == np.unique(time)]).astype(float)
    fit = sm.WLS(y, x, weights=weight).fit(cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": True})
    return float(fit.params[0]), float(fit.bse[0])


def test_two_dates_by_hand() -> None:
    """One unit adopts at 1: 2 against 1 (later and never treated: 0, 0, 2, 2). Two adopt at 2: 6 and 8 against 2.

    Equal weights: (1 x (2 - 1) + 2 x (7 - 2)) / 3 = 11/3. Least squares: weights 1 x 4/5 and 2 x 2/4: (.8 + 5)/1.8.
    """
    data = panel([[0, 2, 9], [5, 5, 11], [5, 5, 13], [1, 3, 5], [3, 5, 7]], [1, 2, 2, N, N])
    effects = local_projection.estimate(data, window=1)
    table = effects.table.set_index("event_time")
    assert table.loc[0, "estimate"] == pytest.approx(11 / 3, abs=1e-14)
    other = effects.related["variance_weighted"].table.set_index("event_time")
    assert other.loc[0, "estimate"] == pytest.approx((0.8 + 5.0) / 1.8, abs=1e-14)
    assert table.loc[-1, "estimate"] == table.loc[-1, "std_error"] == 0.0
    assert table.loc[1, "estimate"] == pytest.approx(9 - 4, abs=1e-14), (
        "the earlier cohort alone, against never treated"
    )


def test_one_date_is_the_difference_in_means() -> None:
    """Changes 3 and 5 less 1 and 0; clustered CR1: variance .625 times G/(G-1) = 4/3 and (N-1)/(N-K) = 3/2."""
    effects = local_projection.estimate(panel([[1, 4], [3, 8], [2, 3], [4, 4]], [1, 1, N, N]))
    for one in (effects, effects.related["variance_weighted"]):
        assert one.average(0.95).value == pytest.approx(3.5, abs=1e-14)
        assert one.average(0.95).std_error == pytest.approx(np.sqrt(0.625 * 4 / 3 * 3 / 2), abs=1e-14)


def check_rows(data: Panel, effects: Effects, anticipation: int, comparison: str, *, equal: bool) -> None:
    assert effects.reference == -1 - anticipation
    for row in effects.table[effects.table["event_time"] != effects.reference].itertuples():
        value, error = by_rows(data, row.event_time, anticipation, comparison, equal=equal)
        assert row.estimate == pytest.approx(value, abs=1e-12), row
        assert row.std_error == pytest.approx(error, rel=1e-10, abs=1e-13), row
    psi = effects.influence()
    np.testing.assert_allclose(psi.T @ psi, effects.joint, atol=1e-15)


@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
@pytest.mark.parametrize("anticipation", [0, 1])
@pytest.mark.parametrize(("weighted", "coarse"), [(False, False), (True, False), (True, True)])
def test_equals_the_regressions(weighted: bool, coarse: bool, anticipation: int, comparison: str) -> None:
    """statsmodels' weighted least squares with clustered errors, its small-sample factor included: no free factor."""
    data = random_panel(weighted, coarse)
    effects = local_projection.estimate(data, comparison=comparison, anticipation=anticipation)
    assert effects.table["event_time"].tolist() == list(range(-7, 6))
    check_rows(data, effects, anticipation, comparison, equal=True)
    check_rows(data, effects.related["variance_weighted"], anticipation, comparison, equal=False)


@pytest.mark.parametrize("weight", ["", "popwt"])
def test_real_data_equal_the_regressions(weight: str) -> None:
    data = samples.castle(weight=weight)
    effects = local_projection.estimate(data, window=3)
    assert effects.table["event_time"].tolist() == list(range(-3, 4))
    check_rows(data, effects, 0, "not_yet_treated", equal=True)
    check_rows(data, effects.related["variance_weighted"], 0, "not_yet_treated", equal=False)


def test_covariance_of_two_horizons_is_that_of_their_sum() -> None:
    """2 cov(a, b) = var(a + b) - var a - var b, with the sum fitted as the first horizon of outcomes that hold it."""
    data = random_panel()
    once = replace(data, adoption=np.where(data.adoption == N, N, 3), outcome=data.outcome.copy())
    effects = local_projection.estimate(once, window=1)
    summed = once.outcome.copy()
    summed[:, 3] += once.outcome[:, 4] - once.outcome[:, 2]
    both = local_projection.estimate(once.with_outcome(summed), window=1)
    k = effects.table["event_time"].tolist().index(0)
    var, total = effects.covariance[k : k + 2, k : k + 2], both.covariance[k, k]
    assert 2 * var[0, 1] == pytest.approx(total - var[0, 0] - var[1, 1], abs=1e-12)
    average = effects.averaged_over()
    np.testing.assert_allclose(average.influence().T @ average.influence(), average.joint, atol=1e-16)


def heterogeneous(adoption: np.ndarray, periods: int, anticipation: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes without noise and effects that differ by cohort and grow at different rates; early reactions of 3."""
    rng = np.random.default_rng(2)
    since = np.arange(periods) - adoption[:, None]
    reached = adoption[:, None] != N
    effect = reached * (since >= 0) * (1 + adoption[:, None] / 3 + 0.5 * adoption[:, None] * since)
    early = 3.0 * (reached & (since < 0) & (since >= -anticipation))
    return rng.normal(size=(len(adoption), 1)) + rng.normal(size=periods) + effect + early, effect


@pytest.mark.parametrize("anticipation", [0, 1])
@pytest.mark.parametrize("never", [True, False])
def test_known_effects_are_recovered_exactly(never: bool, anticipation: int) -> None:
    """Each horizon is the mean over treated units observed then, of cohorts that still have a clean control."""
    adoption = np.array(([N, N] if never else []) + [2, 3, 3, 4, 9] * 2)
    y, effect = heterogeneous(adoption, 12, anticipation)
    effects = local_projection.estimate(panel(y, adoption), anticipation=anticipation)
    last = 12 if never else 9 - anticipation
    for row in effects.table[effects.table["event_time"] >= 0].itertuples():
        kept = (adoption != N) & (adoption + row.event_time < last) & (never | (adoption < 9))
        assert row.estimate == pytest.approx(effect[kept, adoption[kept] + row.event_time].mean(), abs=1e-12)
        assert row.treated_clusters == kept.sum()
    early = effects.table[effects.table["event_time"].between(-anticipation, -1)]
    assert early["estimate"].tolist() == pytest.approx([3.0] * anticipation)
    before = effects.table[effects.table["event_time"] < -anticipation]["estimate"]
    np.testing.assert_allclose(before, 0, atol=1e-12)
    assert ("only adopters of 2, 3, 4 have a clean control" in effects.estimand) == (not never)


def test_equal_weights_are_group_time_effects_by_event_time() -> None:
    """With the same controls (never treated) both average the same cohort effects by size."""
    data = samples.castle()
    first = local_projection.estimate(data, comparison="never_treated").table.set_index("event_time")
    second = group_time.estimate(data, comparison="never_treated").by("event_time").table.set_index("event_time")
    np.testing.assert_allclose(first["estimate"], second.loc[first.index, "estimate"], atol=1e-13)


def test_averages_know_their_cohorts() -> None:
    effects = local_projection.estimate(samples.castle())
    table = effects.table.set_index("event_time")
    assert table.loc[5, "treated_clusters"] == 1 and table.loc[0, "treated_clusters"] == 21
    assert effects.averaged_over().effective < 21, "late horizons rest on few states"
    assert effects.related["variance_weighted"].refit(samples.castle()).estimate.tolist() == (
        effects.related["variance_weighted"].estimate.tolist()
    )


def test_shifts_and_order_do_not_matter() -> None:
    data, rng = random_panel(weighted=True, coarse=True), np.random.default_rng(3)
    first = local_projection.estimate(data)
    shift = 100 * rng.normal(size=(48, 1)) + 100 * rng.normal(size=8)
    moved = local_projection.estimate(data.with_outcome(data.outcome + shift))
    np.testing.assert_allclose(moved.estimate, first.estimate, atol=1e-11)
    np.testing.assert_allclose(moved.joint, first.joint, atol=1e-11)
    order = rng.permutation(48)
    kept = {name: getattr(data, name)[order] for name in ("outcome", "units", "adoption", "weight", "upcoming")}
    mixed = local_projection.estimate(
        replace(data, **kept, cluster=np.unique(data.cluster[order], return_inverse=True)[1])
    )
    np.testing.assert_allclose(mixed.estimate, first.estimate, atol=1e-12)
    np.testing.assert_allclose(mixed.joint, first.joint, atol=1e-12)


def test_units_treated_throughout_take_no_part() -> None:
    data = random_panel()
    wider = panel(np.vstack([data.outcome, data.outcome[:2]]), [*data.adoption, 0, 0])
    first, second = local_projection.estimate(data), local_projection.estimate(wider)
    np.testing.assert_allclose(second.estimate, first.estimate, atol=1e-14)
    np.testing.assert_allclose(second.covariance, first.covariance, atol=1e-14)
    assert second.clusters == first.clusters


def test_a_single_unit_cohort_is_its_own_path() -> None:
    """Its change less that of the others; the error comes from the controls alone, since one unit has no spread."""
    data = panel([[1, 2, 9], [0, 1, 0], [5, 5, 6], [2, 2, 2]], [2, N, N, N])
    change = data.outcome[:, 2] - data.outcome[:, 1]
    estimate = local_projection.estimate(data).average(0.95)
    assert estimate.value == pytest.approx(7 - change[1:].mean())
    spread = ((change[1:] - change[1:].mean()) ** 2).sum() / 9
    assert estimate.std_error == pytest.approx(np.sqrt(spread * 4 / 3 * 3 / 2))


def test_false_dates_use_what_masked_panels_leave() -> None:
    """Several dates mask the treated cells, one date cuts the panel; both leave an average to look at."""
    effects = local_projection.estimate(samples.castle().before_adoption().adopt_earlier(2))
    assert effects.table["event_time"].max() == 1 and effects.average(0.95).std_error > 0
    cut = local_projection.estimate(samples.organ().before_adoption().adopt_earlier(1))
    assert cut.table["event_time"].max() == 0 and np.isfinite(cut.average(0.95).value)


def test_what_cannot_be_done_is_refused() -> None:
    data = random_panel()
    treated = data.only(data.adoption != N, "test")
    with pytest.raises(Refusal, match="P006 STOP comparison — no never-treated group"):
        local_projection.estimate(treated, comparison="never_treated")
    with pytest.raises(Refusal, match="P005 STOP comparison — no treated unit has a clean control"):
        local_projection.estimate(panel(np.random.default_rng(1).normal(size=(4, 3)), [1, 1, 1, 1]))
    holes = np.where(np.arange(8) == np.arange(48)[:, None], np.nan, data.outcome)
    with pytest.raises(Refusal, match=r"P007 STOP .* local projection needs every unit in every period"):
        local_projection.estimate(data.with_outcome(holes))
    with pytest.raises(Refusal, match="E130 STOP design"):
        local_projection.estimate(samples.kielmc())


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_intervals_cover(rho: float) -> None:
    """300 draws of 60 units with AR(1) errors; effects 1 + .1 e over horizons 0 to 3; both weightings."""
    rng, adoption = np.random.default_rng(5), np.array([N, N, 4, 6, 8])[np.arange(60) % 5]
    since = np.arange(12) - adoption[:, None]
    effect = (adoption[:, None] != N) * (since >= 0) * (1 + 0.1 * since)
    found = []
    for _ in range(300):
        errors = rng.normal(size=(60, 12))
        for t in range(1, 12):
            errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho**2) * errors[:, t]
        effects = local_projection.estimate(panel(errors + effect, adoption), window=3)
        found.append([one.average(0.95) for one in (effects, effects.related["variance_weighted"])])
    for draws in zip(*found, strict=True):
        values = np.array([one.value for one in draws])
        covered = np.mean([one.low <= 1.15 <= one.high for one in draws])
        assert abs(values.mean() - 1.15) < 4 * values.std() / np.sqrt(300) and 0.91 <= covered <= 0.985, covered
