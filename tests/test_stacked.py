"""Stacked regression by hand, against the stack written out row by row, and on known effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import samples

from analysis.designs import group_time, stacked
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal

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
    """Forty-eight units over nine periods; adoption at 3, 4, 6, 8 or never."""
    rng = np.random.default_rng(1)
    weight = rng.uniform(0.2, 3, 48) if weighted else np.ones(48)
    labels = Labels("y", "t", "i", "g", "w" if weighted else "", "c" if coarse else "")
    return panel(
        rng.normal(size=(48, 9)).cumsum(axis=1),
        np.array([N, 3, 4, 4, 6, 8])[np.arange(48) % 6],
        weight=weight / weight.mean(),
        cluster=np.arange(48) // 3 if coarse else np.arange(48),
        labels=labels,
    )


def by_rows(data: Panel, before: int, after: int, anticipation: int, comparison: str, *, published: bool = False):
    """Coefficients, covariance and clusters of the weighted regression on the stack, written out row by row.

    Effects of every unit in every sub-experiment and of every event time in every sub-experiment; `published`: of the
    treated and of event times only. Covariances by statsmodels; its factor (N-1)/(N-K) counts unit effects, which are
    nested in clusters, and is made ours.
    """
    import statsmodels.api as sm

    stack, g = [], data.adoption
    for date in np.unique(g[g != N]):
        control = (g == N) | ((g > date + after + anticipation) if comparison == "not_yet_treated" else False)
        if date < before or date + after >= data.outcome.shape[1] or not control.any():
            continue
        for time in range(-before, after + 1):
            for unit in np.flatnonzero((g == date) | control):
                row = (date, unit, time, g[unit] == date, data.outcome[unit, date + time], data.weight[unit])
                stack.append((*row, data.cluster[unit]))
    date, unit, time, treated, y, weight, cluster = np.array(stack, dtype=float).T
    counted = time == 0
    total = [weight[counted & (treated == d)].sum() for d in (0, 1)]
    own = [np.array([weight[counted & (treated == d) & (date == s)].sum() for s in date]) for d in (0, 1)]
    weight = weight * np.where(treated == 1, 1.0, (own[1] / total[1]) / (own[0] / total[0]))
    times = [e for e in range(-before, after + 1) if e != -1 - anticipation]
    events = (time[:, None] == times).astype(float)
    if published:
        rest = np.column_stack([events, treated, np.ones(len(y))])
    else:
        dates = (date[:, None] == np.unique(date)).astype(float)
        pairs = unit + 1000 * date
        rest = np.hstack([(pairs[:, None] == np.unique(pairs)), *(events * d[:, None] for d in dates.T)])
    k = len(times)
    model = sm.WLS(y, np.hstack([events * treated[:, None], rest]), weights=weight)
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": True})
    counted_by_us = k + (len(times) + 1) * len(np.unique(date))
    factor = 1.0 if published else (len(y) - np.linalg.matrix_rank(model.exog)) / (len(y) - counted_by_us)
    return times, fit.params[:k], fit.cov_params()[:k, :k] * factor, len(np.unique(cluster))


def test_two_sub_experiments_by_hand() -> None:
    """One unit adopts at 1 and moves by 3, two at 2 and move by 6 and 8; the untreated move by 1, then by 2.

    Weighted by size: (1 x (3 - 1) + 2 x (7 - 2)) / 3 = 4. Unweighted pooling would take 7 x 2/3 + 1 less a mean of 1.5.
    """
    data = panel([[0, 3, 9], [5, 6, 12], [5, 6, 14], [1, 2, 4], [3, 4, 6]], [1, 2, 2, N, N])
    effects = stacked.estimate(data)
    assert effects.table["event_time"].tolist() == [-1, 0] and effects.reference == -1
    assert effects.average(0.95).value == pytest.approx(4.0, abs=1e-14)


def test_one_date_is_the_difference_in_means() -> None:
    """Changes 3 and 5 less 1 and 0; clustered CR1: variance .625 times G/(G-1) = 4/3 and (N-1)/(N-K) = 7/5."""
    estimate = stacked.estimate(panel([[1, 4], [3, 8], [2, 3], [4, 4]], [1, 1, N, N])).average(0.95)
    assert estimate.value == pytest.approx(3.5, abs=1e-14)
    assert estimate.std_error == pytest.approx(np.sqrt(0.625 * 4 / 3 * 7 / 5), abs=1e-14)


@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
@pytest.mark.parametrize(("anticipation", "window"), [(0, 1), (0, 2), (1, 2), (1, 3)])
@pytest.mark.parametrize(("weighted", "coarse"), [(False, False), (True, False), (True, True)])
def test_equals_the_regression_on_the_stack(weighted, coarse, anticipation, window, comparison) -> None:
    """statsmodels' weighted least squares with clustered errors, small-sample factor included."""
    data = random_panel(weighted, coarse)
    effects = stacked.estimate(data, comparison=comparison, anticipation=anticipation, window=window)
    before = after = window
    times, values, covariance, clusters = by_rows(data, before, after, anticipation, comparison)
    keep = np.flatnonzero(effects.table["event_time"].isin(times))
    assert effects.table["event_time"].tolist() == list(range(-before, after + 1)) and effects.clusters == clusters
    np.testing.assert_allclose(effects.estimate[keep], values, atol=1e-12)
    np.testing.assert_allclose(effects.covariance[np.ix_(keep, keep)], covariance, rtol=1e-9, atol=1e-14)
    psi = effects.influence()
    np.testing.assert_allclose(psi.T @ psi, effects.joint, atol=1e-15)


@pytest.mark.parametrize("weight", ["", "popwt"])
def test_real_data_equal_the_regression_on_the_stack(weight: str) -> None:
    data = samples.castle(weight=weight)
    effects = stacked.estimate(data, window=2)
    times, values, covariance, _ = by_rows(data, 2, 2, 0, "not_yet_treated")
    keep = np.flatnonzero(effects.table["event_time"].isin(times))
    np.testing.assert_allclose(effects.estimate[keep], values, atol=1e-12)
    np.testing.assert_allclose(effects.covariance[np.ix_(keep, keep)], covariance, rtol=1e-9)


def test_the_published_regression_has_our_coefficients_and_errors_that_common_shocks_move() -> None:
    """A shock to all units in a period cannot move a difference between units. With event-time effects common to all
    sub-experiments it moves the errors, because sub-experiments meet it at different event times; ours stay."""
    data = random_panel(weighted=True)
    shocked = data.with_outcome(data.outcome + 5 * (np.arange(9) >= 5))
    ours = [stacked.estimate(one, window=2) for one in (data, shocked)]
    theirs = [by_rows(one, 2, 2, 0, "not_yet_treated", published=True) for one in (data, shocked)]
    keep = np.flatnonzero(ours[0].table["event_time"] != -1)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.estimate[keep], other[1], atol=1e-12)
    np.testing.assert_allclose(ours[1].joint, ours[0].joint, atol=1e-12)
    assert np.sqrt(np.diag(theirs[1][2]) / np.diag(theirs[0][2])).max() > 1.5


def test_the_usual_window_covers_most_treated_periods_and_says_whom_it_leaves_out() -> None:
    """castle: 1, 13, 4, 2 and 1 states adopt from 2005 to 2009, and the last year is 2010. Four periods after adoption
    count 14 states five times (70), three 18 four times (72), two 20 three times, five one state six times."""
    data = samples.castle()
    effects = stacked.estimate(data)
    assert effects.table["event_time"].tolist() == list(range(-5, 4))
    assert (
        "only adopters of 2005, 2006, 2007 are observed from 5 periods before adoption to 3 after" in effects.estimand
    )
    wide = stacked.estimate(data, window=4)
    assert wide.table["event_time"].tolist() == list(range(-4, 5))
    assert "only adopters of 2005, 2006 are observed from 4 periods before adoption to 4 after" in wide.estimand
    assert wide.treated_clusters == 14 and wide.table["treated_clusters"].eq(14).all()
    with pytest.raises(
        Refusal, match="P005 STOP window — no cohort is observed from 9 periods before adoption to 9 after beside"
    ):
        stacked.estimate(data, window=9)


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
    """Each event time is the mean over treated units of the cohorts in the stack. The last cohort would cut the window
    short; without never-treated units it is only a control, and its adoption ends the others' window."""
    adoption = np.array(([N, N] if never else []) + [2, 3, 3, 4, 9] * 2)
    y, effect = heterogeneous(adoption, 12, anticipation)
    effects = stacked.estimate(panel(y, adoption), anticipation=anticipation)
    kept = (adoption != N) & (adoption != 9)
    last = 12 - 1 - 4 if never else 9 - 1 - anticipation - 4
    assert effects.table["event_time"].max() == last
    for row in effects.table[effects.table["event_time"] >= 0].itertuples():
        assert row.estimate == pytest.approx(effect[kept, adoption[kept] + row.event_time].mean(), abs=1e-12)
    early = effects.table[effects.table["event_time"].between(-anticipation, -1)]
    assert early["estimate"].tolist() == pytest.approx([3.0] * anticipation)
    before = effects.table[effects.table["event_time"] < -anticipation]["estimate"]
    np.testing.assert_allclose(before, 0, atol=1e-12)
    assert "only adopters of 2, 3, 4 are observed" in effects.estimand


def test_averages_know_their_cohorts() -> None:
    data = samples.castle()
    effects = stacked.estimate(data, window=1)
    average = effects.averaged_over()
    counts = np.array([(data.adoption == g).sum() for g in data.cohorts[1:]])
    assert average.effective == pytest.approx(counts.sum(), abs=1e-10), "weights by size: every state counts the same"
    np.testing.assert_allclose(average.influence().T @ average.influence(), average.joint, atol=1e-16)
    assert (effects.table["comparison_clusters"] == 29).all() and effects.average(0.95).df == 49


def test_shifts_and_order_do_not_matter() -> None:
    data, rng = random_panel(weighted=True, coarse=True), np.random.default_rng(3)
    first = stacked.estimate(data)
    shift = 100 * rng.normal(size=(48, 1)) + 100 * rng.normal(size=9)
    moved = stacked.estimate(data.with_outcome(data.outcome + shift))
    np.testing.assert_allclose(moved.estimate, first.estimate, atol=1e-11)
    np.testing.assert_allclose(moved.joint, first.joint, atol=1e-11)
    order = rng.permutation(48)
    kept = {name: getattr(data, name)[order] for name in ("outcome", "units", "adoption", "weight", "upcoming")}
    mixed = stacked.estimate(replace(data, **kept, cluster=np.unique(data.cluster[order], return_inverse=True)[1]))
    np.testing.assert_allclose(mixed.estimate, first.estimate, atol=1e-12)
    np.testing.assert_allclose(mixed.joint, first.joint, atol=1e-12)


def test_units_treated_throughout_take_no_part() -> None:
    data = random_panel()
    wider = panel(np.vstack([data.outcome, data.outcome[:2]]), [*data.adoption, 0, 0])
    first, second = stacked.estimate(data, window=3), stacked.estimate(wider, window=3)
    np.testing.assert_allclose(second.estimate, first.estimate, atol=1e-14)
    np.testing.assert_allclose(second.covariance, first.covariance, atol=1e-14)
    assert second.clusters == first.clusters


def test_a_single_unit_cohort_is_its_own_path() -> None:
    """Its change less that of the others; the error comes from the controls alone, since one unit has no spread."""
    data = panel([[1, 2, 9], [0, 1, 0], [5, 5, 6], [2, 2, 2]], [2, N, N, N])
    effects = stacked.estimate(data)
    change = data.outcome[:, 2] - data.outcome[:, 1]
    assert effects.average(0.95).value == pytest.approx(7 - change[1:].mean())
    spread = ((change[1:] - change[1:].mean()) ** 2).sum() / 9
    assert effects.average(0.95).std_error == pytest.approx(np.sqrt(spread * 4 / 3 * 11 / 7))


def test_false_dates_use_what_masked_panels_leave() -> None:
    """Several dates mask the treated cells, one date cuts the panel; a fixed window may then not fit."""
    false = samples.castle().before_adoption().adopt_earlier(2)
    effects = stacked.estimate(false)
    assert effects.table["event_time"].tolist() == list(range(-3, 2)) and effects.average(0.95).std_error > 0
    with pytest.raises(Refusal, match="P005 STOP window"):
        stacked.estimate(false, window=4)
    cut = stacked.estimate(samples.organ().before_adoption().adopt_earlier(1))
    assert cut.table["event_time"].max() == 0 and np.isfinite(cut.average(0.95).value)


def test_what_cannot_be_done_is_refused() -> None:
    data = random_panel()
    treated = data.only(data.adoption != N, "test")
    with pytest.raises(Refusal, match="P006 STOP comparison — no never-treated group"):
        stacked.estimate(treated, comparison="never_treated")
    with pytest.raises(
        Refusal, match="P005 STOP window — no cohort is observed from 1 period before adoption to 0 after beside"
    ):
        stacked.estimate(panel(np.random.default_rng(1).normal(size=(4, 3)), [1, 1, 1, 1]))
    holes = np.where(np.arange(9) == np.arange(48)[:, None], np.nan, data.outcome)
    with pytest.raises(Refusal, match=r"P007 STOP .* stacked needs every unit in every period"):
        stacked.estimate(data.with_outcome(holes))
    with pytest.raises(Refusal, match="E130 STOP design"):
        stacked.estimate(samples.kielmc())


def test_one_cohort_equals_group_time() -> None:
    data = samples.organ()
    first = stacked.estimate(data)
    second = group_time.estimate(data).by("event_time").table.set_index("event_time")["estimate"]
    np.testing.assert_allclose(first.estimate, second[first.table["event_time"]], atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_intervals_cover(rho: float) -> None:
    """300 draws of 60 units with AR(1) errors; effects 1 + .1 e over event times 0 to 3."""
    rng, adoption = np.random.default_rng(5), np.array([N, N, 4, 6, 8])[np.arange(60) % 5]
    since = np.arange(12) - adoption[:, None]
    effect = (adoption[:, None] != N) * (since >= 0) * (1 + 0.1 * since)
    found = []
    for _ in range(300):
        errors = rng.normal(size=(60, 12))
        for t in range(1, 12):
            errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho**2) * errors[:, t]
        found.append(stacked.estimate(panel(errors + effect, adoption)).average(0.95))
    values = np.array([one.value for one in found])
    covered = np.mean([one.low <= 1.15 <= one.high for one in found])
    assert abs(values.mean() - 1.15) < 4 * values.std() / np.sqrt(300) and 0.91 <= covered <= 0.985, covered
