"""Imputation by hand, against the formula of the paper in dense matrices, against R, and on known effects."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import samples
from deviations import near

from analysis.designs import group_time, imputation
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal
from analysis.result import Effects

HERE = Path(__file__).parent / "reference"
LABELS = Labels("y", "t", "i", "g")
N = NEVER


def panel(outcome, adoption, **changes) -> Panel:
    """A panel of these outcomes (units, periods), every unit its own cluster unless `changes` says otherwise."""
    y, units = np.array(outcome, dtype=float), len(outcome)
    none = np.zeros(units, dtype=int)
    built = Panel(
        y, np.arange(units), np.arange(y.shape[1]), np.array(adoption), np.ones(units), np.arange(units), LABELS, none
    )
    return replace(built, **changes)


def random_panel(seed: int = 1, *, weighted: bool = False, coarse: bool = False, gaps: float = 0.0) -> Panel:
    """Forty units over seven periods, adopting at 2, 4, 5 or never, with gaps, weights and clusters of two or three."""
    rng = np.random.default_rng(seed)
    adoption = np.array([N, N, 2, 4, 5])[np.arange(40) % 5]
    y = rng.normal(size=(40, 7)).cumsum(axis=1) + rng.normal(size=(40, 1))
    y[rng.random(y.shape) < gaps] = np.nan
    weight = rng.uniform(0.2, 3, 40) if weighted else np.ones(40)
    return panel(
        y,
        adoption,
        weight=weight / weight.mean(),
        cluster=np.arange(40) // 3 if coarse else np.arange(40),
        labels=Labels("y", "t", "i", "g", "w" if weighted else "", "c" if coarse else ""),
        covariates={"x": np.tile(rng.normal(size=(40, 1)), 7) + np.arange(7), "z": rng.normal(size=(40, 7))},
    )


def dense(data: Panel, *, anticipation: int = 0, covariates: tuple[str, ...] = (), squared: bool = False):
    """Effects by (cohort, period) and their covariance as Borusyak, Jaravel and Spiess write them.

    v = -W Z (Z_0' W Z_0)^-1 Z_1' w on untreated cells; residuals of treated cells are taken around the average of the
    cohort in the period, weighting clusters by the square of their weight. `squared` puts W^2 where W belongs.
    """
    units, periods = data.outcome.shape
    unit, time = np.divmod(np.arange(units * periods), periods)
    y, adoption, weight = data.outcome.ravel(), data.adoption[unit], data.weight[unit]
    seen = np.isfinite(y)
    touched = seen & (adoption != N) & (time >= adoption - anticipation)
    z = np.zeros((len(y), units + periods * (1 + len(covariates))))
    z[np.arange(len(y)), unit] = z[np.arange(len(y)), units + time] = 1
    base = min(a for a in data.adoption if a != N) - 1 - anticipation
    for k, name in enumerate(covariates, start=1):
        z[np.arange(len(y)), units + k * periods + time] = data.covariates[name][unit, base]
    z0, z1, w0 = z[seen & ~touched], z[touched], weight[seen & ~touched, None]
    bread = np.linalg.pinv(z0.T @ (w0 * z0))
    residual = np.where(seen, np.nan_to_num(y) - z @ (bread @ (z0.T @ (w0[:, 0] * y[seen & ~touched]))), 0.0)
    cells = sorted({(int(g), int(t)) for g, t in zip(adoption[touched], time[touched], strict=True)})
    values, psi, centred = [], np.zeros((data.clusters, len(cells))), residual.copy()
    for g, t in cells:
        own = touched & (adoption == g) & (time == t)
        size, total = (np.bincount(data.cluster[unit[own]], x) for x in (weight[own], (weight * residual)[own]))
        centred[own] -= (size * total).sum() / (size**2).sum()
    for k, (g, t) in enumerate(cells):
        share = weight * (touched & (adoption == g) & (time == t))
        share = share / share.sum()
        values.append(share @ residual)
        inner = np.linalg.pinv(z0.T @ (w0**2 * z0)) if squared else bread
        aim = z1.T @ ((weight * share)[touched] if squared else share[touched])
        v = np.where(touched, share, -weight * (z @ (inner @ aim)) * seen)
        assert squared or v @ np.nan_to_num(y) == pytest.approx(values[-1], abs=1e-11), "v are the estimate's weights"
        np.add.at(psi[:, k], data.cluster[unit], v * centred)
    return cells, np.array(values), psi.T @ psi


def treated_cells(effects: Effects, anticipation: int = 0) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    keep = np.flatnonzero(effects.table["event_time"] >= -anticipation)
    rows = effects.table.iloc[keep]
    cells = [(int(g), int(t)) for g, t in zip(rows["cohort"], rows["period"], strict=True)]
    return cells, effects.estimate[keep], effects.covariance[np.ix_(keep, keep)]


def test_two_periods_by_hand() -> None:
    """Treated change by 3 and 5, untreated by 1 and 0: 4 - .5 = 3.5, departures of 1 and .5 from the means."""
    effects = imputation.estimate(panel([[1, 4], [3, 8], [2, 3], [4, 4]], [1, 1, N, N]))
    assert effects.average(0.95).value == pytest.approx(3.5, abs=1e-14)
    assert effects.average(0.95).std_error == pytest.approx(np.sqrt(2 / 4 + 0.5 / 4), abs=1e-14)
    assert effects.reference is None and not len(effects.pre().table)


def test_the_baseline_is_the_mean_of_all_earlier_periods() -> None:
    """One date: y_2 less the mean of y_0 and y_1, treated (7 - 2, 9 - 2: mean 6) less untreated (3 - 2, 5 - 4: 1)."""
    data = panel([[1, 3, 7], [0, 4, 9], [1, 3, 3], [3, 5, 5]], [2, 2, N, N])
    estimate = imputation.estimate(data).average(0.95)
    assert estimate.value == pytest.approx(6.0 - 1.0, abs=1e-14)
    assert estimate.std_error == pytest.approx(np.sqrt((1 + 1) / 4), abs=1e-14)


def test_weights_by_hand() -> None:
    """Changes 3 and 5 with weights 1 and 3 give 4.5, less .5. Residuals are around (1 x 3 + 9 x 5)/10 = 4.8, the mean
    with squared weights: (1.8/4)^2 + (.2 x 3/4)^2 = .225, and .125 from the untreated."""
    weight = np.array([1, 3, 2, 2]) / 2
    data = panel([[1, 4], [3, 8], [2, 3], [4, 4]], [1, 1, N, N], weight=weight, labels=Labels("y", "t", "i", "g", "w"))
    estimate = imputation.estimate(data).average(0.95)
    assert estimate.value == pytest.approx(4.0, abs=1e-14)
    assert estimate.std_error == pytest.approx(np.sqrt(0.225 + 0.125), abs=1e-14)


def test_leads_by_hand() -> None:
    """One date: the lead two periods before is the treated's y_0 - y_1 less the untreated's: (-1 - 3)/2 - (0 + 2)/2."""
    data = panel([[0, 1, 9], [1, 4, 3], [2, 2, 5], [7, 5, 1]], [2, 2, N, N])
    path = imputation.estimate(data).by("event_time")
    assert path.table["event_time"].tolist() == [-2, -1, 0]
    assert path.table["estimate"].tolist()[:2] == [pytest.approx(-3.0, abs=1e-14), 0.0]


@pytest.mark.parametrize("anticipation", [0, 1])
@pytest.mark.parametrize("gaps", [0.0, 0.15])
@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_effects_and_covariance_equal_the_paper_s_formula(weighted, coarse, gaps, anticipation) -> None:
    data = random_panel(weighted=weighted, coarse=coarse, gaps=gaps)
    cells, values, covariance = dense(data, anticipation=anticipation)
    ours = treated_cells(imputation.estimate(data, anticipation=anticipation), anticipation)
    assert ours[0] == cells
    np.testing.assert_allclose(ours[1], values, atol=1e-12)
    np.testing.assert_allclose(ours[2], covariance, atol=1e-12)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_covariates_equal_the_paper_s_formula(gaps: float) -> None:
    data = random_panel(weighted=True, gaps=gaps)
    cells, values, covariance = dense(data, covariates=("x", "z"))
    effects = imputation.estimate(data, covariates=["x", "z"])
    ours = treated_cells(effects)
    assert ours[0] == cells and "x and z in 1 times period effects" in effects.method
    np.testing.assert_allclose(ours[1], values, atol=1e-11)
    np.testing.assert_allclose(ours[2], covariance, atol=1e-11)


def test_covariates_after_the_first_adoption_are_never_used() -> None:
    data = random_panel()
    later = {name: np.where(np.arange(7) == 1, values, 99.0) for name, values in data.covariates.items()}
    first = imputation.estimate(data, covariates=["x", "z"])
    moved = imputation.estimate(replace(data, covariates=later), covariates=["x", "z"])
    np.testing.assert_array_equal(first.estimate, moved.estimate)


@pytest.mark.parametrize(("weighted", "gaps"), [(False, 0.0), (True, 0.0), (True, 0.15)])
def test_leads_equal_least_squares_on_untreated_cells(weighted: bool, gaps: float) -> None:
    """statsmodels with a dummy for every unit; its factor (N-1)/(N-K) counts units, fixest's does not."""
    import statsmodels.api as sm

    data = random_panel(weighted=weighted, gaps=gaps)
    unit, time = np.divmod(np.arange(data.outcome.size), 7)
    free = np.isfinite(data.outcome.ravel()) & ~data.treated.ravel()
    since = np.where(data.adoption[unit] == N, 99, time - data.adoption[unit])[free]
    times = np.unique(since[since < -1])
    x = np.column_stack([since == e for e in times] + [time[free] == t for t in range(1, 7)])
    x = np.hstack([x, unit[free, None] == np.unique(unit[free])]).astype(float)
    model = sm.WLS(data.outcome.ravel()[free], x, weights=data.weight[unit[free]])
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": unit[free], "use_correction": True})
    size, units = free.sum(), len(np.unique(unit[free]))
    factor = (size - x.shape[1]) / (size - len(times) - 7)
    pre = imputation.estimate(data).by("event_time").pre()
    assert pre.table["event_time"].tolist() == times.tolist() and pre.clusters == units
    np.testing.assert_allclose(pre.estimate, fit.params[: len(times)], atol=1e-12)
    np.testing.assert_allclose(pre.covariance, fit.cov_params()[: len(times), : len(times)] * factor, atol=1e-12)


def rows(dataset: str, method: str, weighted: bool) -> list[tuple[int | None, float, float]]:
    """Event time (None for the average), estimate and standard error of each reference row."""
    with (HERE / "imputation_did2s.csv").open(encoding="utf-8") as handle:
        found = [r for r in csv.DictReader(handle) if (r["dataset"], r["method"]) == (dataset, method)]
    times = [re.search(r"-?\d+$", r["term"]) for r in found]
    return [
        (int(time[0]) if time else None, float(r["estimate"]), float(r["se"]))
        for time, r in zip(times, found, strict=True)
        if ("popwt" in r["option"]) == weighted
    ]


def ours(data: Panel) -> dict[int | None, tuple[float, float]]:
    effects = imputation.estimate(data)
    table = effects.by("event_time").table
    found: dict[int | None, tuple[float, float]] = {
        int(e): (b, s) for e, b, s in zip(table["event_time"], table["estimate"], table["std_error"], strict=True)
    }
    average = effects.average(0.95)
    return found | {None: (average.value, average.std_error)}


CASES = [("mpdta", False), ("castle(did2s)", False), ("castle(did2s)", True)]


def case(dataset: str, weighted: bool) -> Panel:
    return samples.mpdta() if dataset == "mpdta" else samples.castle(weight="popwt" if weighted else "")


@pytest.mark.parametrize(("dataset", "weighted"), CASES)
@pytest.mark.parametrize("method", ["didimputation", "did2s"])
def test_estimates_equal_r(dataset: str, weighted: bool, method: str) -> None:
    """1e-8: R finds its fixed effects by iteration (worst seen 4.8e-9), and solves for leads directly (1e-13)."""
    found, reference = ours(case(dataset, weighted)), rows(dataset, method, weighted)
    assert len(reference) >= 5
    for time, value, _ in reference:
        if time is not None and time < 0:
            assert near(f"{method}: leads, estimates", found[time][0], value, 1e-12), time
        else:
            note = "R iterates to its fixed effects; ours solve the normal equations"
            assert near(f"{method}: effects, estimates", found[time][0], value, 1e-8, note), time


@pytest.mark.parametrize("dataset", ["mpdta", "castle(did2s)"])
def test_standard_errors_equal_r(dataset: str) -> None:
    """Effects 1e-11. Leads 2e-8: fixest's errors rest on regressors demeaned to a tolerance; ours equal least squares
    with every dummy written out (above)."""
    found = ours(case(dataset, weighted=False))
    for time, _, error in rows(dataset, "didimputation", weighted=False):
        if time is not None and time < 0:
            note = "fixest demeans to a tolerance; ours equal dummy variables to 1e-12"
            assert near("didimputation: leads, errors", found[time][1], error, 2e-8, note), time
        else:
            assert near("didimputation: effects, errors", found[time][1], error, 1e-11), time


def test_weighted_standard_errors_are_where_r_is_wrong() -> None:
    """didimputation 0.5.0 puts squared weights into the normal equations behind its weighted errors: the paper's
    formula with that slip gives its numbers (with weights that no longer make up its own estimate), without it ours.
    did2s, which has no such slip, has our error at event time 5, where one cohort leaves no choice of how to centre."""
    data = samples.castle(weight="popwt")
    cells, _, wrong = dense(data, squared=True)
    size = np.array([data.weight[data.adoption == g].sum() for g, _ in cells])
    since, found = np.array([t - g for g, t in cells]), ours(data)
    for time, _, error in rows("castle(did2s)", "didimputation", weighted=True):
        if time is not None and time < 0:
            assert near("didimputation: leads, errors", found[time][1], error, 2e-8), time
            continue
        share = size * (since == time if time is not None else since >= 0)
        slip = np.sqrt(share @ wrong @ share) / share.sum()
        note = "the paper's formula with R's slip; ours have it right"
        assert near("didimputation: weighted effects, errors with its slip", slip, error, 1e-8, note)
        assert abs(found[time][1] - error) > 1e-3
    two_stage = {time: error for time, _, error in rows("castle(did2s)", "did2s", weighted=True)}
    assert near("did2s: weighted, error of a single cohort", found[5][1], two_stage[5], 1e-9)


def heterogeneous(adoption: np.ndarray, periods: int, anticipation: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes without noise and effects that differ by cohort and grow at different rates; early reactions of 3."""
    rng = np.random.default_rng(2)
    since = np.arange(periods) - adoption[:, None]
    reached = adoption[:, None] != N
    effect = reached * (since >= 0) * (1 + adoption[:, None] / 3 + 0.5 * adoption[:, None] * since)
    early = 3.0 * (reached & (since < 0) & (since >= -anticipation))
    return rng.normal(size=(len(adoption), 1)) + rng.normal(size=periods) + effect + early, effect


@pytest.mark.parametrize("anticipation", [0, 1])
@pytest.mark.parametrize("gaps", [False, True])
def test_known_effects_are_recovered_exactly(gaps: bool, anticipation: int) -> None:
    adoption = np.array([N, N, N, 2, 3, 3, 6] * 2)
    y, effect = heterogeneous(adoption, 9, anticipation)
    if gaps:
        y[[0, 1, 5, 8], [3, 0, 7, 8]] = np.nan
    effects = imputation.estimate(panel(y, adoption), anticipation=anticipation)
    for row in effects.table[effects.table["event_time"] >= 0].itertuples():
        assert row.estimate == pytest.approx(effect[adoption == row.cohort, row.period].mean(), abs=1e-12)
    early = effects.table[(effects.table["event_time"] < 0) & (effects.table["event_time"] >= -anticipation)]
    assert len(early) == 3 * anticipation and early["estimate"].tolist() == pytest.approx([3.0] * len(early))
    np.testing.assert_allclose(effects.pre().estimate, 0, atol=1e-12)
    if not gaps:
        assert effects.average(0.95).value == pytest.approx(effect[effect > 0].mean(), abs=1e-12)


@pytest.mark.parametrize(
    ("rates", "dynamic", "simple", "path", "group"),
    [((0.5, 0.5, 0.5), False, 0.5, 0.5, 0.5), ((0.5, 0.3, 0.1), False, 0.430769, 0.448571, 0.397143),
     ((0.03, 0.03, 0.03), True, 0.238269, 0.285, 0.215571), ((0.05, 0.03, 0.01), True, 0.3625, 0.449286, 0.307857)],
)  # fmt: skip
def test_without_never_treated_units_the_last_cohort_is_the_comparison(rates, dynamic, simple, path, group) -> None:
    """Baker, Larcker and Wang's simulations 3 to 6 without noise: 1980-2015, adoption in 1989, 1998, 2007."""
    adoption = np.repeat([9, 18, 27], [17, 18, 15])
    since = np.arange(36) - adoption[:, None]
    rate = np.repeat(rates, [17, 18, 15])[:, None]
    y = (since >= 0) * rate * ((since + 1) if dynamic else 1) + np.arange(50)[:, None] + np.arange(36) ** 2 / 100
    effects = imputation.estimate(panel(y, adoption, periods=np.arange(1980, 2016)))
    assert effects.average(0.95).value == pytest.approx(simple, abs=5e-7)
    assert effects.along("event_time").average(0.95).value == pytest.approx(path, abs=5e-7)
    assert effects.along("cohort").average(0.95).value == pytest.approx(group, abs=5e-7)
    assert effects.estimand.endswith("only adopters of 1989, 1998, up to 2006, have untreated units beside them")
    assert effects.reference is None and "no coefficients before adoption" in effects.method


def test_averages_and_influence() -> None:
    effects = imputation.estimate(samples.castle(weight="popwt"))
    for one in (effects, effects.by("event_time"), effects.by("cohort"), effects.by("period"), effects.averaged_over()):
        psi = one.influence()
        assert psi.shape == (50, len(one.joint))
        np.testing.assert_allclose(psi.T @ psi, one.joint, atol=1e-15)
    path = effects.by("event_time")
    assert np.linalg.matrix_rank(path.pre().covariance) == len(path.pre().table) == 8
    assert np.abs(path.covariance[0, -1]) > 0, "leads and lags share one covariance"


def test_shifts_and_order_do_not_matter() -> None:
    for data in (random_panel(weighted=True, coarse=True), random_panel(gaps=0.1)):
        first, rng = imputation.estimate(data), np.random.default_rng(3)
        shift = 100 * rng.normal(size=(40, 1)) + 100 * rng.normal(size=7)
        moved = imputation.estimate(data.with_outcome(data.outcome + shift))
        np.testing.assert_allclose(moved.estimate, first.estimate, atol=1e-11)
        np.testing.assert_allclose(moved.table["std_error"], first.table["std_error"], atol=1e-11)
        order = rng.permutation(40)
        kept = {name: getattr(data, name)[order] for name in ("outcome", "units", "adoption", "weight", "upcoming")}
        mixed = imputation.estimate(
            replace(data, **kept, cluster=np.unique(data.cluster[order], return_inverse=True)[1])
        )
        np.testing.assert_allclose(mixed.estimate, first.estimate, atol=1e-12)
        np.testing.assert_allclose(mixed.joint, first.joint, atol=1e-12)


def test_units_and_rows_that_cannot_help_are_left_out_and_counted() -> None:
    """Treated throughout, never seen, or seen only when treated: no unit effect. The rest is as if without them."""
    data = random_panel()
    late, none = np.where(np.arange(7) >= 5, data.outcome[4], np.nan), np.full(7, np.nan)
    wider = panel(np.vstack([data.outcome, data.outcome[:2], late, none]), [*data.adoption, 0, 0, 5, N])
    effects, alone = imputation.estimate(wider), imputation.estimate(data)
    assert "4 units without an untreated period left out" in effects.method and effects.clusters == 40
    np.testing.assert_allclose(effects.estimate, alone.estimate, atol=1e-12)
    np.testing.assert_allclose(effects.covariance, alone.covariance, atol=1e-12)


def test_periods_without_untreated_units_are_left_out() -> None:
    treated = samples.mpdta().only(samples.mpdta().adoption != N, "test")
    effects = imputation.estimate(treated)
    assert effects.table["cohort"].max() == 2006 and effects.table["period"].max() == 2006
    assert effects.estimand.endswith("only adopters of 2004, 2006, up to 2006, have untreated units beside them")
    with pytest.raises(Refusal, match="P005 STOP design — no treated cell has an untreated unit beside it"):
        imputation.estimate(panel([[1, 2, 4], [3, 4, 8], [0, 1, 1]], [1, 1, 1]))
    with pytest.raises(Refusal, match="P005 STOP design — no treated unit has an untreated period"):
        imputation.estimate(panel([[1, 2, 4], [3, 4, 8], [0, 1, 1]], [1, N, N]), anticipation=1)


def test_a_cohort_of_one_unit_has_no_departures_of_its_own() -> None:
    """Its error comes from the untreated cells alone; the few-cluster rule keeps it from being shown."""
    data = panel([[1, 2, 9], [0, 1, 0], [5, 5, 6], [2, 2, 2]], [2, N, N, N])
    effects = imputation.estimate(data)
    change = data.outcome[1:, 2] - data.outcome[1:, :2].mean(axis=1)
    assert effects.average(0.95).std_error == pytest.approx(np.sqrt(((change - change.mean()) ** 2).sum()) / 3)
    assert effects.table["treated_clusters"].tolist() == [1, 1, 1]


def test_collinear_covariates_are_refused_and_incomplete_ones_counted() -> None:
    data = random_panel()
    doubled = replace(data, covariates=data.covariates | {"twice": 2 * data.covariates["x"] + 1})
    with pytest.raises(Refusal, match="E107 STOP covariates:twice"):
        imputation.estimate(doubled, covariates=["x", "twice"])
    holes = data.covariates["x"].copy()
    holes[[3, 7], 1] = np.nan
    effects = imputation.estimate(replace(data, covariates={"x": holes}), covariates=["x"])
    assert (
        effects.clusters == 38
        and "2 units without an untreated period or a value of each covariate left out" in effects.method
    )


def test_covariates_that_do_not_vary_over_time_leave_known_effects() -> None:
    """Untreated trends that differ with x are wrong without it and right with it."""
    adoption = np.array([N, N, N, 2, 3, 3, 6] * 3)
    y, effect = heterogeneous(adoption, 9)
    x = np.random.default_rng(4).normal(size=(21, 1)) + (adoption[:, None] != N)
    data = panel(y + x * np.arange(9) ** 2, adoption, covariates={"x": np.tile(x, 9)})
    truth = effect[effect > 0].mean()
    assert imputation.estimate(data, covariates=["x"]).average(0.95).value == pytest.approx(truth, abs=1e-10)
    assert abs(imputation.estimate(data).average(0.95).value - truth) > 1


def test_false_dates_use_what_masked_panels_leave() -> None:
    """With cells from adoption on masked, earlier false dates are estimated on what is left, gaps or not."""
    before = samples.mpdta().before_adoption()
    effects = imputation.estimate(before.adopt_earlier(1))
    cells = set(zip(effects.table["cohort"], effects.table["period"], strict=True))
    assert (2005, 2005) in cells and (2005, 2006) not in cells
    never, own = before.outcome[before.adoption == N], before.outcome[before.adoption == 3]
    assert np.isfinite(own).all(axis=0).tolist() == [True, True, True, False, False] and np.isfinite(never).all()
    false = imputation.estimate(samples.castle().before_adoption().adopt_earlier(2)).average(0.95)
    assert false.std_error > 0 and np.isfinite(false.value)
    cut = imputation.estimate(samples.organ().before_adoption().adopt_earlier(1))
    assert cut.table["event_time"].max() == 0 and np.isfinite(cut.average(0.95).value)


def test_one_date_equals_group_time_where_one_period_precedes() -> None:
    """With one earlier period both compare with it; only the weights of later baselines set them apart."""
    data = samples.organ()
    single = replace(
        data, outcome=data.outcome[:, 2:], periods=data.periods[2:], adoption=np.where(data.adoption == N, N, 1)
    )
    first, second = imputation.estimate(single), group_time.estimate(single)
    post = second.table["event_time"] >= 0
    np.testing.assert_allclose(first.estimate, second.estimate[post], atol=1e-14)
    np.testing.assert_allclose(first.table["std_error"], second.table["std_error"][post], atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_intervals_cover(rho: float) -> None:
    """300 draws of 60 units, AR(1) errors; effects 1 + .1 e. The error is conservative only where effects differ."""
    rng, adoption = np.random.default_rng(5), np.array([N, N, 4, 6, 8])[np.arange(60) % 5]
    since = np.arange(12) - adoption[:, None]
    effect = (adoption[:, None] != N) * (since >= 0) * (1 + 0.1 * since)
    aim, found = effect[effect > 0].mean(), []
    for _ in range(300):
        errors = rng.normal(size=(60, 12))
        for t in range(1, 12):
            errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho**2) * errors[:, t]
        found.append(imputation.estimate(panel(errors + effect, adoption)).average(0.95))
    values = np.array([one.value for one in found])
    covered = np.mean([one.low <= aim <= one.high for one in found])
    assert abs(values.mean() - aim) < 4 * values.std() / np.sqrt(300) and 0.91 <= covered <= 0.985, covered
