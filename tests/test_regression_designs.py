"""Saturated two-way regressions: by hand, against dense regressions, against the R packages, and on known truths."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import samples
from deviations import near

from analysis.data.panels import panel_from_frame
from analysis.designs import event_study, extended_twfe, group_time, sun_abraham, two_way_fixed_effects
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal
from analysis.result import Effects

HERE = Path(__file__).parent / "reference"
LINEAR = 1e-8  # closed-form linear algebra on both sides
DELTA = 1e-6  # marginaleffects differentiates numerically: relative, for errors
GLM = 1e-6  # etwfe's Poisson stops iterating at a deviance change of 1e-8: of effects in jobs (up to 100)
GLM_DELTA = 1e-5  # both of the above: relative, for errors; the exact side is the dense regression below
LABELS = Labels("y", "t", "i", "g")


def rows(file: str) -> list[dict[str, str]]:
    with (HERE / file).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def jobs(weight: str = "", cluster: str = "") -> Panel:
    """County employment in levels."""
    panel = samples.mpdta(weight=weight, cluster=cluster)
    return panel.with_outcome(np.exp(panel.outcome))


def tiny(outcomes: list[tuple[float, float]], treated: int) -> Panel:
    """Two periods; the first `treated` units adopt in the second."""
    frame = pd.DataFrame(
        [(i, t, y, 1.0 if i < treated else np.nan) for i, pair in enumerate(outcomes) for t, y in enumerate(pair)],
        columns=["i", "t", "y", "g"],
    )
    return panel_from_frame(frame, LABELS)


# By hand


@pytest.mark.parametrize("design", [sun_abraham, extended_twfe])
def test_two_by_two_by_hand(design) -> None:
    """Changes 3, 5 against 1, 0: (3 + 5)/2 - (1 + 0)/2 = 3.5. Departures from the mean change are -1, 1 and .5, -.5:
    variance (1 + 1)/2^2 + (.25 + .25)/2^2 = .625, times G/(G-1) = 4/3 and (N-1)/(N-K) = 7/(8-3)."""
    effects = design.estimate(tiny([(1, 4), (3, 8), (2, 3), (4, 4)], 2))
    found = effects.average(0.95)
    assert found.value == pytest.approx(3.5, abs=1e-14)
    assert found.std_error == pytest.approx(np.sqrt(0.625 * 4 / 3 * 7 / 5), abs=1e-14)
    assert (found.n, found.clusters, found.treated_clusters, found.df) == (8, 4, 2, 3)
    assert effects.baseline == pytest.approx(2.0)


def test_exponential_two_by_two_by_hand() -> None:
    """Means 2 -> 6 with the policy, 3 -> 4.5 without: 2 x 4.5/3 = 3 expected, so the effect is 6 - 3 = 3.

    Its derivatives in the four means are -4.5/3 = -1.5 (own before), 1, 2 x 4.5/3^2 = 1 (others before) and -2/3.
    Units 1 -> 4, 3 -> 8: departures (-1, -2), (1, 2), so -1.5 x -1 - 2 = -.5 and .5, each over 2. Units 2 -> 3,
    4 -> 6: departures (-1, -1.5), (1, 1.5), so -1 + 1 = 0 and 0. Variance .125 times the same factor.
    """
    effects = extended_twfe.estimate(tiny([(1, 4), (3, 8), (2, 3), (4, 6)], 2), family="poisson")
    found = effects.average(0.95)
    assert found.value == pytest.approx(3.0, abs=1e-12)
    assert found.std_error == pytest.approx(np.sqrt(0.125 * 4 / 3 * 7 / 5), abs=1e-12)
    assert "delta method" in found.inference and "Poisson" in found.method


def test_averages_weigh_cells_by_cohort_size() -> None:
    effects = sun_abraham.estimate(samples.mpdta())
    cells = effects.table.set_index(["cohort", "event_time"])["estimate"]
    size = {2004: 20, 2006: 40, 2007: 131}
    at_zero = sum(n * cells[g, 0] for g, n in size.items()) / 191
    assert effects.by("event_time").table.set_index("event_time").loc[0, "estimate"] == pytest.approx(at_zero)
    post = [(size[g], x) for (g, e), x in cells.items() if e >= 0]
    assert effects.average(0.95).value == pytest.approx(sum(n * x for n, x in post) / sum(n for n, _ in post))
    own = np.mean([cells[2004, e] for e in range(4)])
    assert effects.by("cohort").table.set_index("cohort").loc[2004, "estimate"] == pytest.approx(own)


def test_anticipation_moves_the_reference_and_the_comparison() -> None:
    """2007 adopters in 2007: with one period of anticipation the reference is 2005."""
    panel = samples.mpdta()
    y, never, own = panel.outcome, panel.adoption == NEVER, panel.adoption == 4
    by_hand = (y[own, 4] - y[own, 2]).mean() - (y[never, 4] - y[never, 2]).mean()
    effects = sun_abraham.estimate(panel, anticipation=1)
    assert effects.reference == -2 and 2004 not in set(effects.table["cohort"])
    cell = effects.table.set_index(["cohort", "period"]).loc[(2007, 2007), "estimate"]
    assert cell == pytest.approx(by_hand, abs=1e-12)
    leads = extended_twfe.estimate(panel, anticipation=1).table
    assert set(leads.loc[leads["event_time"] < 0, "event_time"]) == {-1}


# Equalities between designs


@pytest.mark.parametrize(("data", "weight"), [("mpdta", ""), ("mpdta", "size"), ("castle", ""), ("castle", "popwt")])
def test_saturated_estimates_equal_group_time_effects(data: str, weight: str) -> None:
    panel = getattr(samples, data)(weight=weight)
    theirs = group_time.estimate(panel, comparison="never_treated", base_period="universal")
    ours = sun_abraham.estimate(panel)
    np.testing.assert_array_equal(ours.table[["cohort", "period"]], theirs.table[["cohort", "period"]])
    np.testing.assert_allclose(ours.estimate, theirs.estimate, rtol=0, atol=1e-12)
    # The clustered covariance is the same up to the small-sample factor, reference cells aside.
    factor = ours.clusters / (ours.clusters - 1) * (ours.n - 1)
    factor /= ours.n - (ours.table["std_error"] > 0).sum() - len(panel.periods)
    np.testing.assert_allclose(ours.covariance, factor * theirs.covariance, atol=1e-12)


@pytest.mark.parametrize("weight", ["", "size"])
def test_leads_and_lags_of_extended_twfe_are_sun_and_abraham(weight: str) -> None:
    panel = samples.mpdta(weight=weight)
    ours, theirs = extended_twfe.estimate(panel, comparison="never_treated"), sun_abraham.estimate(panel)
    np.testing.assert_array_equal(ours.estimate, theirs.estimate)
    np.testing.assert_array_equal(ours.joint, theirs.joint)


def imputed(panel: Panel) -> np.ndarray:
    """Treated cells less cohort and period effects fitted to untreated cells, by explicit least squares."""
    cohorts = np.unique(panel.adoption)
    y = np.array([np.average(panel.outcome[own], axis=0, weights=panel.weight[own]) for own in _members(panel)])
    size = np.array([panel.weight[own].sum() for own in _members(panel)])
    g, t = (x.ravel() for x in np.indices(y.shape))
    x = np.hstack([g[:, None] == np.arange(len(cohorts)), t[:, None] == np.arange(y.shape[1])]).astype(float)
    free = (cohorts[g] == NEVER) | (t < cohorts[g])
    root = np.sqrt(size[g][free])[:, None]
    coefficients = np.linalg.lstsq(root * x[free], root[:, 0] * y.ravel()[free], rcond=None)[0]
    return (y.ravel() - x @ coefficients)[~free]


def _members(panel: Panel) -> list[np.ndarray]:
    return [panel.adoption == cohort for cohort in np.unique(panel.adoption)]


@pytest.mark.parametrize("weight", ["", "size"])
def test_treated_cells_of_extended_twfe_are_imputed(weight: str) -> None:
    panel = samples.mpdta(weight=weight)
    ours = extended_twfe.estimate(panel)
    np.testing.assert_allclose(ours.estimate, imputed(panel), rtol=0, atol=1e-12)
    assert (ours.table["event_time"] >= 0).all() and ours.reference is None


@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
def test_a_covariate_that_says_nothing_changes_nothing(comparison: str) -> None:
    """A covariate with the same mean in each cohort, orthogonal to all outcomes within it, moves no estimate."""
    panel = samples.mpdta()
    x = np.random.default_rng(5).normal(size=len(panel.units))
    for own in _members(panel):
        inside = np.column_stack([np.ones(own.sum()), panel.outcome[own]])
        x[own] -= inside @ np.linalg.lstsq(inside, x[own], rcond=None)[0]
    silent = replace(panel, covariates={"x": np.repeat(x[:, None], 5, axis=1)})
    plain = extended_twfe.estimate(panel, comparison=comparison)
    ours = extended_twfe.estimate(silent, comparison=comparison, covariates=["x"])
    np.testing.assert_allclose(ours.estimate, plain.estimate, rtol=0, atol=1e-12)
    # Fewer degrees of freedom are left: the factor is all that changes in the errors of the estimates.
    cells = (plain.table["std_error"] > 0).sum()
    ratio = np.sqrt((panel.n - cells - 5) / (panel.n - 2 * cells - 4 - 5))
    np.testing.assert_allclose(ours.table["std_error"], ratio * plain.table["std_error"], rtol=1e-9)


# Dense regressions


def dense(panel: Panel, covariate: str, comparison: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Unit and period of every row, treated-cell columns (rows, K) and the same times the centred covariate."""
    n, t = panel.outcome.shape
    unit, period = np.repeat(np.arange(n), t), np.tile(np.arange(t), n)
    adoption = panel.adoption[unit]
    cells = []
    for cohort in np.unique(panel.adoption[panel.adoption != NEVER]):
        for place in range(t):
            if place >= cohort if comparison == "not_yet_treated" else place != cohort - 1:
                cells.append((adoption == cohort) & (period == place))
    treated = np.column_stack(cells).astype(float)
    x = panel.covariates[covariate][:, 0][unit]
    weight = panel.weight[unit]
    centred = treated * (x[:, None] - (weight * x) @ treated / (weight @ treated))
    return unit, period, treated, centred


@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
@pytest.mark.parametrize(("weight", "cluster"), [("", ""), ("size", ""), ("", "state")])
def test_covariates_equal_a_dense_regression_with_unit_dummies(comparison: str, weight: str, cluster: str) -> None:
    import statsmodels.api as sm

    panel = samples.mpdta(weight=weight, cluster=cluster)
    unit, period, treated, centred = dense(panel, "lpop", comparison)
    units = (unit[:, None] == np.arange(500)).astype(float)
    periods = (period[:, None] == np.arange(1, 5)).astype(float)
    x = periods * panel.covariates["lpop"][:, 0][unit][:, None]
    design = np.hstack([treated, centred, x, periods, units])
    model = sm.WLS(panel.outcome.ravel(), design, weights=panel.weight[unit])
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": panel.cluster[unit], "use_correction": True})
    k = treated.shape[1]
    # statsmodels counts all 500 unit effects in N-K; they are nested in clusters, and fixest counts them not at all.
    ours_k = 2 * k + 4 + 5
    factor = (panel.n - design.shape[1]) / (panel.n - ours_k)
    ours = extended_twfe.estimate(panel, comparison=comparison, covariates=["lpop"])
    cells = np.flatnonzero(ours.table["std_error"] > 0)
    np.testing.assert_allclose(ours.estimate[cells], fit.params[:k], rtol=0, atol=1e-10)
    theirs = fit.cov_params()[:k, :k] * factor
    np.testing.assert_allclose(ours.covariance[np.ix_(cells, cells)], theirs, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("covariate", ["", "lpop"])
@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
@pytest.mark.parametrize(("weight", "cluster"), [("", ""), ("size", ""), ("", "state")])
def test_poisson_equals_a_dense_glm(covariate: str, comparison: str, weight: str, cluster: str) -> None:
    """Cohort and period dummies (times the covariate), delta method for average marginal effects, clustered scores."""
    import statsmodels.api as sm

    panel = jobs(weight, cluster)
    unit, period, treated, centred = dense(panel, "lpop", comparison)
    cohort = (panel.adoption[unit][:, None] == np.unique(panel.adoption)).astype(float)
    periods = (period[:, None] == np.arange(1, 5)).astype(float)
    base = np.hstack([cohort, periods])
    switched = treated
    if covariate:
        z = panel.covariates["lpop"][:, 0][unit][:, None]
        base, switched = np.hstack([base, base * (z - z.mean())]), np.hstack([treated, centred])
    design, off = np.hstack([base, switched]), np.hstack([base, 0 * switched])
    y, w = panel.outcome.ravel(), panel.weight[unit]
    fit = sm.GLM(y, design, family=sm.families.Poisson(), var_weights=w).fit(tol=1e-14, maxiter=200)
    on, without = np.exp(design @ fit.params), np.exp(off @ fit.params)
    inside = w[:, None] * treated / (w @ treated)
    gradient = inside.T @ (on[:, None] * design - without[:, None] * off)
    bread = np.linalg.inv(design.T @ ((w * on)[:, None] * design))
    score = np.zeros((panel.clusters, design.shape[1]))
    np.add.at(score, panel.cluster[unit], design * (w * (y - on))[:, None])
    # G/(G-1) x (N-1)/(N-K): cohort terms stand for unit effects, so that K counts regressors and five periods.
    k = design.shape[1] - (8 if covariate else 4) + 1
    factor = panel.clusters / (panel.clusters - 1) * (panel.n - 1) / (panel.n - k)
    covariance = factor * gradient @ bread @ score.T @ score @ bread @ gradient.T
    ours = extended_twfe.estimate(
        panel, comparison=comparison, family="poisson", covariates=[covariate] if covariate else []
    )
    cells = np.flatnonzero(ours.table["std_error"] > 0)
    np.testing.assert_allclose(ours.estimate[cells], inside.T @ (on - without), rtol=1e-8, atol=1e-8)
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    np.testing.assert_allclose(ours.covariance[np.ix_(cells, cells)] / scale, covariance / scale, rtol=0, atol=1e-8)


def test_poisson_with_unit_effects_gives_the_same() -> None:
    """Conditional on a unit's total, its outcomes are multinomial: the root of that score is the same."""
    from scipy import optimize

    panel = jobs()
    cohort, total = panel.adoption, panel.outcome.sum(axis=1)
    cells = [(g, t) for g in (1, 3, 4) for t in range(5) if t >= g]

    def index(b: np.ndarray) -> np.ndarray:
        out = np.tile(np.concatenate([[0.0], b[:4]]), (500, 1))
        for (g, t), tau in zip(cells, b[4:], strict=True):
            out[cohort == g, t] += tau
        return out

    def score(b: np.ndarray) -> np.ndarray:
        share = np.exp(index(b))
        left = panel.outcome - total[:, None] * share / share.sum(axis=1, keepdims=True)
        return np.concatenate([left[:, 1:].sum(axis=0), [left[cohort == g, t].sum() for g, t in cells]]) / 1e5

    root = optimize.root(score, np.zeros(11), tol=1e-13)
    ours = extended_twfe.estimate(panel, family="poisson")
    mean = {(g, t): panel.outcome[cohort == g, t].mean() for g, t in cells}
    by_hand = [mean[cell] * (1 - np.exp(-tau)) for cell, tau in zip(cells, root.x[4:], strict=True)]
    np.testing.assert_allclose(ours.estimate, by_hand, rtol=1e-7)


# R packages


def sunab(dataset: str, option: str) -> list[dict[str, str]]:
    found = [r for r in rows("sunab.csv") if (r["dataset"], r["option"]) == (dataset, option)]
    assert found, option
    return found


@pytest.mark.parametrize("dataset", ["mpdta", "castle(did2s)"])
def test_sun_and_abraham_equal_fixest(dataset: str) -> None:
    """fixest's aggregation by "period" is by period relative to adoption, as its default; shares count as fixed."""
    effects = sun_abraham.estimate(samples.mpdta() if dataset == "mpdta" else samples.castle())
    by_time = effects.by("event_time").table.set_index("event_time")
    by_cohort = effects.by("cohort").table.set_index("cohort")
    cells = effects.table.set_index(["event_time", "cohort"])
    for option, table in (
        ("event-time (agg default)", by_time),
        ("agg=period", by_time),
        ("agg=cohort", by_cohort),
        ("agg=FALSE (cohort x period)", cells),
        ("agg=att", effects.averaged_over().table.set_index("event_time")),
    ):
        wanted = sunab(dataset, option)
        for row in wanted:
            found = [int(x) for x in re.findall(r"-?\d+", row["term"])] or [0]
            ours = table.loc[tuple(found) if len(found) > 1 else found[0]]
            assert near(f"fixest sunab, {dataset}: estimates", ours["estimate"], row["estimate"], LINEAR), row
            assert near(f"fixest sunab, {dataset}: errors", ours["std_error"], row["se"], LINEAR), row
        if option == "agg=FALSE (cohort x period)":
            assert len(wanted) == (effects.table["std_error"] > 0).sum()


def etwfe(option: str) -> Effects:
    chosen = "never_treated" if "never" in option else "not_yet_treated"
    covariates = ["lpop"] if "lpop" in option else []
    family = "poisson" if "poisson" in option else "linear"
    panel = jobs() if option.startswith("exp(") else samples.mpdta()
    return extended_twfe.estimate(panel, comparison=chosen, covariates=covariates, family=family)


def found(effects: Effects, row: dict[str, str]) -> pd.Series:
    if row["method"] == "etwfe":
        cohort, period = (float(x) for x in row["term"].split(" in "))
        return effects.table.set_index(["cohort", "period"]).loc[(cohort, period)]
    kind = row["option"].split("type=")[1]
    if kind == "simple":
        return effects.averaged_over().table.iloc[0]
    return effects.by(kind).table.set_index(kind).loc[float(row["term"])]


@pytest.mark.parametrize("option", sorted({r["option"] for r in rows("etwfe_regression.csv")}))
def test_extended_twfe_equals_etwfe(option: str) -> None:
    """etwfe has cohort effects (times covariates) where we have unit effects, and counts them in K: `extra` holds K."""
    effects = etwfe(option)
    cells = (effects.table["std_error"] > 0).sum()
    own = 2 * cells + 4 + 5 if "lpop" in option else cells + 5
    for row in rows("etwfe_regression.csv"):
        if row["option"] != option:
            continue
        ours, k = found(effects, row), int(row["extra"].removeprefix("K="))
        error = ours["std_error"] * np.sqrt((effects.n - own) / (effects.n - k)) / float(row["se"])
        poisson = "poisson" in option
        group = "etwfe, poisson, covariates" if poisson else "etwfe, linear" + (", covariates" * ("lpop" in option))
        allowed, note = (GLM, "their Poisson stops at its own tolerance") if poisson else (LINEAR, "")
        assert near(f"{group}: estimates", ours["estimate"], row["estimate"], allowed, note), row
        if row["method"] == "etwfe":
            assert near(f"{group}: errors (ratio)", error, 1.0, LINEAR), row
        else:
            numeric = "theirs by numerical derivatives"
            allowed = GLM_DELTA if poisson else DELTA
            assert near(f"{group}: errors of averages (ratio)", error, 1.0, allowed, numeric), row


# Influence


CHOICES = [
    (sun_abraham, {}),
    (event_study, {}),
    (event_study, {"anticipation": 1}),
    (two_way_fixed_effects, {}),
    (two_way_fixed_effects, {"covariates": ["lpop"]}),
    (extended_twfe, {}),
    (extended_twfe, {"comparison": "never_treated", "covariates": ["lpop"]}),
    (extended_twfe, {"family": "poisson"}),
    (extended_twfe, {"family": "poisson", "comparison": "never_treated", "covariates": ["lpop"]}),
]


@pytest.mark.parametrize(("weight", "cluster"), [("", ""), ("size", ""), ("", "state")])
@pytest.mark.parametrize(("design", "options"), CHOICES)
def test_contributions_of_clusters_make_up_the_covariance(design, options, weight: str, cluster: str) -> None:
    effects = design.estimate(jobs(weight, cluster), **options)
    for one in (effects, effects.averaged_over(), effects.post()):
        psi = one.influence()
        assert psi.shape == (effects.clusters, len(one.joint))
        np.testing.assert_allclose(psi.T @ psi, one.joint, rtol=0, atol=1e-10 * np.abs(one.joint).max())


@pytest.mark.parametrize(("design", "options"), CHOICES)
def test_a_cluster_contributes_what_leaving_it_out_changes(design, options) -> None:
    """Dropping one county of 500 moves the average by about its contribution: first order, so to a few per cent of
    the standard error. With covariates only never-treated counties: means of treated ones count as fixed."""
    panel = jobs()
    effects = design.estimate(panel, **options).averaged_over()
    psi = effects.influence()[panel.cluster, 0]
    size = np.abs(psi) * ((panel.adoption == NEVER) | ("covariates" not in options))
    for unit in np.argsort(size)[[-30, -10, -5]]:
        without = panel.only(np.arange(500) != unit, "test")
        moved = effects.estimate[0] - design.estimate(without, **options).averaged_over().estimate[0]
        assert abs(moved - psi[unit]) < 0.05 * effects.table["std_error"].iloc[0]


# Masked cells and false dates


@pytest.mark.parametrize(
    ("design", "options"), [c for c in CHOICES if c[0] in (sun_abraham, extended_twfe) and "anticipation" not in c[1]]
)
def test_false_dates_work_on_masked_cells(design, options) -> None:
    panel = jobs()
    false = panel.before_adoption().adopt_earlier(1)
    effects = design.estimate(panel, **options).refit(false)
    assert effects.n == false.n == int(np.isfinite(false.outcome).sum())
    cells = effects.table[effects.table["std_error"] > 0]
    kept = set(zip(cells["cohort"], cells["period"], strict=True))
    assert (2005, 2005) in kept and (2005, 2006) not in kept
    assert np.isfinite(effects.estimate).all() and (effects.table["event_time"] >= 0).any()


@pytest.mark.parametrize("name", ["extended_twfe", "two_way_fixed_effects", "with a covariate"])
def test_masked_cells_equal_a_regression_without_their_rows(name: str) -> None:
    """Dense least squares on the rows that are left: treated cells (or one indicator), unit and period dummies."""
    import statsmodels.api as sm

    false = samples.mpdta().before_adoption().adopt_earlier(1)
    unit, period = (x.ravel() for x in np.indices(false.outcome.shape))
    y = false.outcome.ravel()
    seen = np.isfinite(y)
    cells = np.column_stack([(false.adoption[unit] == g) & (period == t) for g, t in [(2, 2), (3, 3)]])
    treated = cells if name == "extended_twfe" else cells.any(axis=1, keepdims=True)
    k = treated.shape[1]
    periods = (period[:, None] == np.arange(1, 5)).astype(float)
    x = periods * false.covariates["lpop"][:, 0][unit][:, None]
    regressors = [treated, x, periods] if name == "with a covariate" else [treated, periods]
    design = np.hstack([*regressors, unit[:, None] == np.arange(len(false.units))]).astype(float)[seen]
    design = design[:, design.any(axis=0)]
    fit = sm.OLS(y[seen], design).fit(cov_type="cluster", cov_kwds={"groups": false.cluster[unit][seen]})
    own = design.shape[1] - len(false.units) + 1
    factor = (seen.sum() - design.shape[1]) / (seen.sum() - own)
    ours = {
        "extended_twfe": extended_twfe.estimate,
        "two_way_fixed_effects": two_way_fixed_effects.estimate,
        "with a covariate": partial(two_way_fixed_effects.estimate, covariates=["lpop"]),
    }[name](false)
    np.testing.assert_allclose(ours.estimate, fit.params[:k], rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.covariance, fit.cov_params()[:k, :k] * factor, rtol=1e-8, atol=1e-12)
    psi = ours.influence()
    np.testing.assert_allclose(psi.T @ psi, ours.joint, rtol=1e-8, atol=1e-12)


# Known truths


def known(exponential: bool, covariates: bool) -> tuple[Panel, dict[tuple[int, int], float]]:
    """60 units, 8 periods, cohorts 3 and 5 and never; trends that follow a covariate which differs by cohort."""
    random = np.random.default_rng(11)
    adoption = np.repeat([3, 5, NEVER], [15, 20, 25])
    x = random.normal(size=60) + 0.5 * (adoption == 3) - 0.3 * (adoption == 5)
    own = float(covariates)
    place = np.arange(8)
    index = 0.2 * adoption[:, None] + own * 0.1 * x[:, None] + np.sin(place) + own * 0.05 * x[:, None] * place
    index += 0.0 if exponential else random.normal(size=(60, 1))
    treated = (adoption[:, None] != NEVER) & (place >= adoption[:, None])
    effect = treated * (0.1 * (place - adoption[:, None]) + 0.2 + own * 0.3 * x[:, None])
    with_policy, without = index + effect, index
    if exponential:
        with_policy, without = np.exp(with_policy), np.exp(without)
    truth = {(int(g), t): float((with_policy - without)[adoption == g, t].mean()) for g in (3, 5) for t in range(g, 8)}
    unit, period = (v.ravel() for v in np.indices(with_policy.shape))
    frame = pd.DataFrame(
        {
            "i": unit,
            "t": period,
            "y": with_policy.ravel(),
            "g": np.where(adoption == NEVER, np.nan, adoption)[unit],
            "x": x[unit],
        }
    )
    return panel_from_frame(frame, LABELS, covariates=["x"]), truth


@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
@pytest.mark.parametrize("family", ["linear", "poisson"])
@pytest.mark.parametrize("covariates", [[], ["x"]])
def test_effects_without_noise_are_found(comparison: str, family: str, covariates: list[str]) -> None:
    panel, truth = known(family == "poisson", bool(covariates))
    effects = extended_twfe.estimate(panel, comparison=comparison, family=family, covariates=covariates)
    cells = effects.table.set_index(["cohort", "period"])["estimate"]
    for cell, value in truth.items():
        assert cells.loc[cell] == pytest.approx(value, abs=1e-9)
    leads = effects.table.loc[effects.table["event_time"] < 0, "estimate"]
    np.testing.assert_allclose(leads, 0, atol=1e-9)


@pytest.mark.parametrize("family", ["linear", "poisson"])
def test_without_the_covariate_the_same_data_mislead(family: str) -> None:
    panel, truth = known(family == "poisson", covariates=True)
    effects = extended_twfe.estimate(panel, family=family)
    assert abs(effects.table.set_index(["cohort", "period"])["estimate"].loc[(3, 7)] - truth[3, 7]) > 0.05


@pytest.mark.parametrize("covariates", [[], ["lpop"]])
def test_poisson_knows_proportions(covariates: list[str]) -> None:
    """Another unit of measurement scales effects and errors. Common growth scales each period's effects where periods
    are not averaged: against never-treated units, each cell rests on four means."""
    panel = jobs()
    options = {"family": "poisson", "covariates": covariates}
    first = extended_twfe.estimate(panel, **options)
    scaled = extended_twfe.estimate(panel.with_outcome(1e6 * panel.outcome), **options)
    np.testing.assert_allclose(scaled.estimate, 1e6 * first.estimate, rtol=1e-8)
    np.testing.assert_allclose(scaled.table["std_error"], 1e6 * first.table["std_error"], rtol=1e-8)
    growth = np.array([1.0, 1.1, 0.9, 1.5, 2.0])
    options["comparison"] = "never_treated"
    first = extended_twfe.estimate(panel, **options)
    grown = extended_twfe.estimate(panel.with_outcome(panel.outcome * growth), **options)
    own = growth[(first.table["period"] - 2003).to_numpy()]
    np.testing.assert_allclose(grown.estimate, own * first.estimate, rtol=1e-8)
    np.testing.assert_allclose(grown.table["std_error"], own * first.table["std_error"], rtol=1e-8)


def test_shares_are_allowed_under_poisson() -> None:
    panel, _ = known(exponential=True, covariates=False)
    shares = panel.with_outcome(panel.outcome / panel.outcome.max())
    effects = extended_twfe.estimate(shares, family="poisson")
    np.testing.assert_allclose(
        effects.estimate, extended_twfe.estimate(panel, family="poisson").estimate / panel.outcome.max(), atol=1e-12
    )


@pytest.mark.parametrize("family", ["linear", "poisson"])
def test_a_cohort_of_one_unit_takes_covariates(family: str) -> None:
    """Its covariate does not vary, so that it adds no coefficient and its cells are fitted exactly."""
    panel = jobs()
    alone = panel.only((panel.adoption != 1) | (np.cumsum(panel.adoption == 1) == 1), "test")
    assert (alone.adoption == 1).sum() == 1
    effects = extended_twfe.estimate(alone, family=family, covariates=["lpop"])
    assert set(effects.table.loc[effects.table["treated_clusters"] == 1, "cohort"]) == {2004}
    assert np.isfinite(effects.table["std_error"]).all() and (effects.table["std_error"] > 0).all()


# Refusals


def test_rows_seen_once_are_refused() -> None:
    for design in (sun_abraham, extended_twfe, event_study, two_way_fixed_effects):
        with pytest.raises(Refusal, match="E130 STOP design"):
            design.estimate(samples.kielmc())


def test_never_treated_comparison_needs_never_treated_units() -> None:
    panel = samples.mpdta()
    treated = panel.only(panel.adoption != NEVER, "test")
    with pytest.raises(Refusal, match=r"P006 STOP comparison — no never-treated group\. Fix: set `comparison"):
        extended_twfe.estimate(treated, comparison="never_treated")
    effects = sun_abraham.estimate(treated)
    assert "against adopters of 2007" in effects.method
    assert effects.estimand.endswith("only adopters of 2004, 2006, up to 2006, have a comparison")
    assert effects.table["period"].max() == 2006 and set(effects.table["cohort"]) == {2004, 2006}
    assert effects.n == 191 * 4 and (effects.table["comparison_clusters"] == 131).all()


@pytest.mark.parametrize("design", [sun_abraham, extended_twfe])
def test_one_adoption_date_for_all_is_refused(design) -> None:
    panel = samples.mpdta()
    with pytest.raises(Refusal, match="P005 STOP comparison — no treated cell has a comparison"):
        design.estimate(panel.only(panel.adoption == 3, "test"))


@pytest.mark.parametrize("design", [sun_abraham, extended_twfe])
def test_anticipation_that_leaves_nothing_is_refused(design) -> None:
    panel = samples.mpdta()
    with pytest.raises(Refusal, match="P005 STOP"):
        design.estimate(panel.only(panel.adoption == 1, "test"), anticipation=1)


def test_negative_outcomes_have_no_exponential_mean() -> None:
    panel = samples.mpdta()
    below = panel.with_outcome(panel.outcome - panel.outcome[0, 0])
    with pytest.raises(Refusal, match=r"E108 STOP lemp — \d+ values < 0 under `family: poisson`\. Fix: set `family"):
        extended_twfe.estimate(below, family="poisson")


def test_cells_without_a_positive_value_have_no_exponential_mean() -> None:
    panel = samples.mpdta()
    empty = panel.outcome.copy()
    empty[np.ix_(panel.adoption == 1, [0, 2])] = 0.0
    with pytest.raises(Refusal, match="E108 STOP lemp — every value is 0 among adopters of 2004 in 2003, and in 1"):
        extended_twfe.estimate(panel.with_outcome(empty), family="poisson")
    assert np.isfinite(extended_twfe.estimate(panel.with_outcome(empty)).estimate).all()


def test_covariates_that_repeat_others_are_named() -> None:
    panel = samples.mpdta()
    doubled = replace(panel, covariates={"lpop": panel.covariates["lpop"], "twice": 2 * panel.covariates["lpop"] + 1})
    with pytest.raises(Refusal, match="E107 STOP covariates:twice — the column is constant or repeats others"):
        extended_twfe.estimate(doubled, covariates=["lpop", "twice"])


def test_a_covariate_that_comparison_units_do_not_share_is_refused() -> None:
    """Never-treated counties all at one value cannot say how trends follow it."""
    panel = samples.mpdta()
    values = np.where(panel.adoption == NEVER, 1.0, panel.covariates["lpop"][:, 0])
    flat = replace(panel, covariates={"x": np.repeat(values[:, None], 5, axis=1)})
    with pytest.raises(Refusal, match="E107 STOP covariates — the untreated units cannot say"):
        extended_twfe.estimate(flat, comparison="never_treated", covariates=["x"])


def test_poisson_without_a_finite_fit_is_refused() -> None:
    """Never-treated units with x = 1 have no positive outcome in one period: the slope there runs off to infinity."""
    panel, _ = known(exponential=True, covariates=True)
    x = (np.arange(60) % 2).astype(float)
    outcome = panel.outcome.copy()
    outcome[np.ix_((panel.adoption == NEVER) & (x == 1), [7])] = 0.0
    split = replace(panel.with_outcome(outcome), covariates={"x": np.repeat(x[:, None], 8, axis=1)})
    with pytest.raises(Refusal, match="E108 STOP family — the exponential mean has no finite fit"):
        extended_twfe.estimate(split, family="poisson", covariates=["x"])


def test_more_coefficients_than_observations_are_refused() -> None:
    with pytest.raises(Refusal, match=r"E107 STOP design — 3 coefficients|E103 STOP"):
        extended_twfe.estimate(tiny([(1, 4), (2, 3)], 1))
