"""Errors, bootstraps, jackknife, bands and the rule between them: by hand, by brute force, against the R packages.

Closed-form errors are compared at 1e-6 (differences seen are below 1e-12). Enumerated bootstrap p-values are counts and
agree exactly; sampled ones within four standard errors of the difference of two bootstraps, 4 sqrt(p (1-p) 2 / B).
"""

from __future__ import annotations

import csv
import functools
import itertools
import math
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import samples
from deviations import near
from scipy import stats
from test_designs import study

from analysis import checks
from analysis.checks import inference_choice
from analysis.data import table
from analysis.data.panels import panel_from_frame
from analysis.designs import event_study, extended_twfe, group_time, two_by_two, two_way_fixed_effects
from analysis.inference import bands, cluster_robust, few_clusters, permutation
from analysis.inference.conventions import conventions, name_of, regression
from analysis.inference.jackknife import jackknife
from analysis.inference.wild_bootstrap import WildBootstrap, score_bootstrap, wild_bootstrap
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal

HERE = Path(__file__).parent / "reference"


def rows(file: str) -> list[dict[str, str]]:
    with (HERE / file).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@functools.cache
def ezunem(cities: int = 22) -> Panel:
    frame = table.load("ezunem")
    frame = frame[(frame["year"] >= 1981) & (frame["city"] <= cities)]
    return panel_from_frame(frame, Labels("guclms", "year", "city", "first_treated"))


@functools.cache
def fitted(dataset: str, weight: str = "") -> cluster_robust.Regression:
    panels = {
        "ezunem": ezunem,
        "ezunem(city<=10) full enumeration": functools.partial(ezunem, 10),
        "castle(did2s)": functools.partial(samples.castle, weight=weight),
        "mpdta": samples.mpdta,
    }
    return static(panels[dataset]())


def static(panel: Panel) -> cluster_robust.Regression:
    return cluster_robust.two_way(panel, panel.treated[:, :, None].astype(float))


def simulated(adoption, seed: int = 0, periods: int = 10, rho: float = 0.0) -> Panel:
    """Independent units with AR(1) errors, adopting at the positions `adoption`."""
    rng, adoption = np.random.default_rng(seed), np.asarray(adoption)
    n = len(adoption)
    y = np.empty((n, periods))
    y[:, 0] = rng.normal(size=n)
    for t in range(1, periods):
        y[:, t] = rho * y[:, t - 1] + math.sqrt(1 - rho**2) * rng.normal(size=n)
    labels, none = Labels("y", "t", "i", "g"), np.zeros(n, dtype=int)
    return Panel(y, np.arange(n), np.arange(periods), adoption, np.ones(n), np.arange(n), labels, none)


def one_date(treated: int, others: int, at: int = 5) -> list[int]:
    return [at] * treated + [NEVER] * others


# cluster_robust


def test_errors_of_a_difference_in_means_by_hand() -> None:
    """Two periods, changes 1, 3 | 0, 4: the estimate is 2 - 2 = 0, contributions are -1/2, 1/2, 1, -1 (of the changes
    around their means, over two), and leaving a unit out of a mean of two leaves the other one."""
    panel = replace(simulated([1, 1, NEVER, NEVER], periods=2), outcome=np.array([[0, 1], [0, 3], [0, 0], [0, 4.0]]))
    fit = static(panel)
    assert fit.estimate[0] == pytest.approx(0)
    meat = 0.25 + 0.25 + 1 + 1
    assert cluster_robust.cr0(fit).errors[0] == pytest.approx(math.sqrt(meat))
    assert cluster_robust.cr1(fit, "none").errors[0] == pytest.approx(math.sqrt(4 / 3 * meat))
    assert cluster_robust.cr1(fit).errors[0] == pytest.approx(math.sqrt(4 / 3 * 7 / 5 * meat))
    assert cluster_robust.cr2(fit).errors[0] == pytest.approx(math.sqrt(2 * meat))  # each block is 1/2
    assert cluster_robust.leave_one_out(fit)[:, 0] == pytest.approx([1, -1, -2, 2])
    assert cluster_robust.cr3(fit).errors[0] == pytest.approx(math.sqrt(3 / 4 * (1 + 1 + 4 + 4)))


VARIANTS = {
    "CR0": cluster_robust.cr0,
    "CR1": functools.partial(cluster_robust.cr1, counting="none"),
    "CR1S": functools.partial(cluster_robust.cr1, counting="every"),
    "CR2": cluster_robust.cr2,
}


@pytest.mark.parametrize("row", rows("crv.csv"), ids=lambda r: f"{r['dataset']}-{r['method'][:18]}-{r['option'][-30:]}")
def test_errors_equal_r(row: dict[str, str]) -> None:
    fit = fitted(row["dataset"], "popwt" if "popwt" in row["option"] else "")
    assert near("R: two-way coefficient", fit.estimate[0], row["estimate"], 1e-8)
    if row["method"].startswith("clubSandwich"):
        kind = row["option"].split("; ")[1]
        found = VARIANTS[kind](fit)
        df = found.df[0] if kind == "CR2" else cluster_robust.satterthwaite(fit)[0]
        assert near(f"clubSandwich: {kind}", found.errors[0], row["se"], 1e-6)
        wanted = re.search(r"df_Satt= *([\d.]+)", row["extra"])
        assert wanted and near("clubSandwich: Satterthwaite degrees of freedom", df, wanted[1], 1e-6)
    elif "mean" in row["option"] or row["option"].split("; ")[1] == "type=CRV3J":
        left = cluster_robust.leave_one_out(fit)[:, 0]
        error = math.sqrt((fit.clusters - 1) / fit.clusters * ((left - left.mean()) ** 2).sum())
        assert near("leave one cluster out, around the mean", error, row["se"], 1e-6)
    else:
        assert near("leave one cluster out (CR3)", cluster_robust.cr3(fit).errors[0], row["se"], 1e-6)


def test_default_factor_is_that_of_fixest() -> None:
    """guclms ~ ez | city + year clustered by city, as feols prints it."""
    assert near("fixest: two-way errors", cluster_robust.cr1(fitted("ezunem")).errors[0], 0.0737727692858586, 1e-8)


def gappy(seed: int = 3) -> tuple[Panel, np.ndarray]:
    """Twelve weighted units in five clusters with gaps, two regressors."""
    rng = np.random.default_rng(seed)
    panel = simulated(one_date(5, 7, at=3), seed, periods=6)
    outcome = np.where(rng.random(panel.outcome.shape) < 0.1, np.nan, panel.outcome)
    weight = rng.uniform(0.5, 2, 12)
    cluster = np.array([0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4])
    named = replace(panel.labels, weight="w", cluster="c")
    panel = replace(panel, outcome=outcome, weight=weight / weight.mean(), cluster=cluster, labels=named)
    return panel, np.stack([panel.treated, rng.normal(size=outcome.shape)], axis=2).astype(float)


def test_cr2_equals_the_textbook_matrices() -> None:
    """All dummies in one design matrix, n x n projections, symmetric roots: what the P x P algebra must reproduce."""
    panel, regressors = gappy()
    fit = cluster_robust.two_way(panel, regressors)
    seen = np.isfinite(panel.outcome)
    unit, period = np.nonzero(seen)
    x = np.column_stack([regressors[seen], unit[:, None] == np.arange(12), period[:, None] == np.arange(1, 6)])
    w, cluster, k = panel.weight[unit], panel.cluster[unit], 2
    m = np.linalg.inv(x.T @ (x * w[:, None]))
    residual = panel.outcome[seen] - x @ (m @ (x.T @ (w * panel.outcome[seen])))
    off = np.eye(len(x)) - x @ m @ (x * w[:, None]).T
    block = off @ off.T
    directions = []
    for g in range(5):
        row = np.flatnonzero(cluster == g)
        values, vectors = np.linalg.eigh(block[np.ix_(row, row)])
        power = np.where(values > 1e-10, np.abs(values) ** -0.5, 0)
        a = np.zeros((len(x), k))
        a[row] = (vectors * power) @ vectors.T @ (w[row, None] * (x[row] @ m[:, :k]))
        directions.append(a)
    psi = np.stack([a.T @ residual for a in directions])
    found = cluster_robust.cr2(fit)
    assert found.covariance == pytest.approx(psi.T @ psi, rel=1e-10)
    for c in range(k):
        p = np.stack([off.T @ a[:, c] for a in directions])
        df = np.trace(p @ p.T) ** 2 / ((p @ p.T) ** 2).sum()
        assert found.df[c] == pytest.approx(df, rel=1e-10)


def test_cr3_equals_refits() -> None:
    panel, regressors = gappy()
    fit = cluster_robust.two_way(panel, regressors)
    refits = []
    for g in range(5):
        keep = panel.cluster != g
        refits.append(cluster_robust.two_way(panel.only(keep, "left out"), regressors[keep]).estimate[:2])
    assert cluster_robust.leave_one_out(fit) == pytest.approx(np.array(refits), abs=1e-10)
    change = np.array(refits) - fit.estimate[:2]
    assert cluster_robust.cr3(fit).covariance == pytest.approx(0.8 * change.T @ change, rel=1e-9)


def test_row_order_and_scale_do_not_matter() -> None:
    panel, regressors = gappy()
    order = np.random.default_rng(0).permutation(12)
    moved = replace(
        panel,
        outcome=3 * panel.outcome[order] + 7,
        adoption=panel.adoption[order],
        weight=5 * panel.weight[order],
        cluster=panel.cluster[order],
    )
    before, after = cluster_robust.two_way(panel, regressors), cluster_robust.two_way(moved, regressors[order])
    for variant in (cluster_robust.cr0, cluster_robust.cr1, cluster_robust.cr2, cluster_robust.cr3):
        assert variant(after).errors == pytest.approx(3 * variant(before).errors, rel=1e-9)
        assert variant(after).df == pytest.approx(variant(before).df, rel=1e-9)


def test_a_coefficient_that_rests_on_one_cluster_has_no_jackknife() -> None:
    panel = simulated(one_date(1, 9))
    found = cluster_robust.cr3(static(panel))
    assert found.undefined.tolist() == [1] and math.isnan(found.errors[0])
    with pytest.raises(Refusal, match="E104 STOP cluster"):
        wild_bootstrap(static(panel), draws=99, seed=1, variant="13")


def test_collinear_regressors_are_refused() -> None:
    panel = simulated(one_date(5, 5))
    twice = np.repeat(panel.treated[:, :, None].astype(float), 2, axis=2)
    with pytest.raises(Refusal, match="E107 STOP design"):
        cluster_robust.two_way(panel, twice)
    with pytest.raises(ValueError, match="one cluster each"):
        cluster_robust.least_squares(np.arange(4.0), np.ones((4, 1)), np.arange(4), unit=np.array([0, 0, 1, 1]))


# wild_bootstrap


def option(row: dict[str, str]) -> dict[str, str]:
    return dict(part.split("=") for part in row["option"].split("; ") if part.count("=") == 1)


@functools.cache
def bootstrapped(dataset: str, text: str) -> WildBootstrap:
    chosen = option({"option": text})
    return wild_bootstrap(
        fitted(dataset, "popwt" if "popwt" in text else ""),
        draws=int(chosen["B"]),
        seed=1,
        weights=chosen["weights"],
        variant=chosen["bootstrap_type"].removeprefix("fnw"),
        imposed=chosen["impose_null"] == "TRUE",
    )


def mixed_factor(row: dict[str, str]) -> float:
    """fwildclusterboot scales observed statistics by the factor that counts all dummies; with jackknife errors it does
    so for the observed statistic only, not for the bootstrap's, which makes its p-values too large."""
    fit = fitted(row["dataset"], "popwt" if "popwt" in row["option"] else "")
    return float(cluster_robust.cr1(fit, "every").covariance[0, 0] / cluster_robust.cr0(fit).covariance[0, 0])


@pytest.mark.parametrize(
    "row", rows("wild_bootstrap.csv"), ids=lambda r: f"{r['term']}-{r['dataset']}-{r['option'][:99]}"
)
def test_bootstrap_equals_fwildclusterboot(row: dict[str, str]) -> None:
    found = bootstrapped(row["dataset"], row["option"])
    assert found.exact is ("enumeration" in row["dataset"])
    if row["term"] == "t_stat":
        base = found.error if found.variant[1] == "3" else found.error / math.sqrt(fixest_factor(row))
        ours = found.distance / (base * math.sqrt(mixed_factor(row)))
        assert near("fwildclusterboot: t", ours, row["estimate"], 1e-8)
    elif row["term"] == "p_val":
        compare_p(found, row)
    else:
        compare_end(found, row)


def fixest_factor(row: dict[str, str]) -> float:
    fit = fitted(row["dataset"], "popwt" if "popwt" in row["option"] else "")
    return float(cluster_robust.cr1(fit).covariance[0, 0] / cluster_robust.cr0(fit).covariance[0, 0])


def compare_p(found: WildBootstrap, row: dict[str, str]) -> None:
    theirs = float(row["estimate"])
    ours = found.strict
    if found.variant[1] == "3":
        ours = float((np.abs(found.distribution) > abs(found.t) / math.sqrt(mixed_factor(row)) * (1 + 1e-9)).mean())
    if not found.exact:
        band = 4 * math.sqrt(theirs * (1 - theirs) * 2 / found.draws)
        assert near("fwildclusterboot: sampled p", ours, theirs, band, "Monte-Carlo error of both sides")
    elif found.variant == "31" and found.imposed:
        # Its scores are proportional to the plain ones, so that the data and their mirror tie with the observed
        # statistic; there rounding made fwildclusterboot count the two as larger.
        assert near("fwildclusterboot: enumerated p", ours + 2 / 1024, theirs, 1e-10)
    else:
        assert near("fwildclusterboot: enumerated p", ours, theirs, 1e-10)


def compare_end(found: WildBootstrap, row: dict[str, str]) -> None:
    """fwildclusterboot looks for the crossing of a step function with a root finder that stops after ten steps."""
    theirs = float(row["estimate"])
    low, high = found.interval(0.95, strict=True)
    if found.exact:
        ours = low if row["term"] == "conf_low" else high
        assert near("fwildclusterboot: ends of intervals", ours, theirs, 1e-5, "theirs: root finder on a step function")
        outwards = math.copysign(1e-9, ours - found.estimate)
        assert found.p_value_of(found.estimate - ours - outwards, strict=True) <= 0.05
        assert found.p_value_of(found.estimate - ours + outwards, strict=True) > 0.05
    else:
        p = found.p_value_of(found.estimate - theirs, strict=True)
        band = 4 * math.sqrt(0.05 * 0.95 * 2 / found.draws)
        assert near("fwildclusterboot: our p at sampled ends", p, 0.05, band, "Monte-Carlo error of both sides")


@pytest.mark.parametrize("imposed", [True, False])
@pytest.mark.parametrize("variant", ["11", "13"])
def test_bootstrap_equals_estimating_again(variant: str, imposed: bool) -> None:
    """Every sample made and estimated again: the outcome is the restricted (or full) fit plus signed residuals."""
    panel = replace(simulated(one_date(3, 4, at=3), 5, periods=6), cluster=np.array([0, 1, 1, 2, 3, 4, 4]))
    fit, null = static(panel), 0.3
    found = wild_bootstrap(fit, draws=32, seed=1, null=null, variant=variant, imposed=imposed)
    treated = panel.treated.astype(float)
    centre = null if imposed else float(fit.estimate[0])
    rest = panel.outcome - centre * treated
    residual = rest - rest.mean(axis=1, keepdims=True) - rest.mean(axis=0) + rest.mean()
    errors = cluster_robust.cr1 if variant == "11" else cluster_robust.cr3
    brute = []
    for signs in itertools.product([1.0, -1.0], repeat=5):
        outcome = panel.outcome - residual + np.array(signs)[panel.cluster][:, None] * residual
        again = static(panel.with_outcome(outcome))
        brute.append((float(again.estimate[0]) - centre) / float(errors(again).errors[0]))
    assert found.exact and found.draws == 32
    assert np.sort(np.abs(np.repeat(found.distribution, 2))) == pytest.approx(np.sort(np.abs(brute)), rel=1e-9)
    observed = abs(float(fit.estimate[0]) - null) / float(errors(fit).errors[0])
    assert found.p_value == pytest.approx(np.mean(np.abs(brute) >= observed * (1 - 1e-9)))


def test_bootstrap_weights_have_mean_zero_and_variance_one() -> None:
    from analysis.inference.wild_bootstrap import POINTS

    for points, chances in POINTS.values():
        assert chances.sum() == pytest.approx(1)
        assert points @ chances == pytest.approx(0, abs=1e-12) and points**2 @ chances == pytest.approx(1)


def test_bootstrap_depends_on_the_seed_alone_and_is_unbounded_where_it_cannot_reject() -> None:
    fit = fitted("ezunem")
    first, again, other = (wild_bootstrap(fit, draws=999, seed=s) for s in (1, 1, 2))
    assert first.p_value == again.p_value and first.interval(0.9) == again.interval(0.9) != other.interval(0.9)
    few = wild_bootstrap(static(simulated(one_date(2, 2))), draws=99, seed=1)
    assert few.exact and few.draws == 16 and few.p_value >= 2 / 16 and few.interval(0.95) == (-math.inf, math.inf)
    assert "all 16 sign changes; 4 clusters" in few.words() and "999 draws, seed 1; 22 clusters" in first.words()


def test_score_bootstrap_by_hand() -> None:
    """Contributions 1, -1, 2, -2, an effect carried by the first two clusters in equal parts, estimate 3: under no
    effect contributions are 2.5, .5, 2, -2; of 16 sign changes, each signed sum over what its own signs leave."""
    psi, share = np.array([1.0, -1, 2, -2]), np.array([0.5, 0.5, 0, 0])
    found = score_bootstrap(psi, share, 3.0, draws=16, seed=1)
    null = psi + 3 * share
    brute = []
    for signs in itertools.product([1, -1], repeat=4):
        signed = np.array(signs) * null
        brute.append(abs(signed.sum()) / np.linalg.norm(signed - share * signed.sum()))
    assert found.exact and found.t == pytest.approx(3 / math.sqrt(10))
    assert np.sort(np.repeat(np.abs(found.distribution), 2)) == pytest.approx(np.sort(brute))
    assert found.p_value == pytest.approx(np.mean(np.array(brute) >= found.t * (1 - 1e-9)))
    assert "wild cluster score bootstrap (Rademacher weights, null imposed; all 16 sign changes" in found.words()


# jackknife


def test_jackknife_of_two_way_fixed_effects_is_cr3() -> None:
    for panel in (ezunem(), samples.castle(weight="popwt"), samples.mpdta(cluster="state")):
        found = jackknife(panel, two_way_fixed_effects.estimate(panel), average="simple")
        assert found.std_error == pytest.approx(cluster_robust.cr3(static(panel)).errors[0], rel=1e-9)


def test_jackknife_of_a_group_time_effect_by_hand() -> None:
    """Leaving unit i out of a mean of n moves the mean by its departure over n - 1."""
    panel = simulated(one_date(4, 6, at=1), 2, periods=2)
    change = np.diff(panel.outcome)[:, 0]
    departures = np.concatenate([(c - c.mean()) / (len(c) - 1) for c in (change[:4], change[4:])])
    found = jackknife(panel, group_time.estimate(panel), average="simple")
    assert found.std_error == pytest.approx(math.sqrt(9 / 10 * (departures**2).sum()), rel=1e-10)
    assert (found.df, found.thinned, found.impossible) == (9, 0, 0)


def test_jackknife_counts_clusters_that_take_cells_along() -> None:
    panel = simulated([3, *[5] * 5, *[NEVER] * 6], 2)
    found = jackknife(panel, group_time.estimate(panel), average="event_time")
    assert found.thinned == 1 and found.std_error > 0
    assert "without one of them fewer cells are averaged" in found.words("state")
    alone = simulated(one_date(1, 9))
    none = jackknife(alone, group_time.estimate(alone), average="simple")
    assert none.impossible == 1 and math.isnan(none.std_error)


# bands


def test_band_equals_did() -> None:
    """did's critical value and errors come from 25,000 draws; so do ours, with another generator. The .95 quantile of B
    draws has standard error sqrt(.05 x .95 / B) / density, the density taken from our own draws."""
    wanted = rows("bands.csv")
    effects = group_time.estimate(samples.mpdta(), comparison="never_treated", base_period="varying")
    found = bands.band(effects, level=0.95, draws=25_000, seed=7, quartiles=True)
    theirs = float(wanted[0]["extra"].split("=")[1])
    shown = bands.signed_sums(effects.influence()[:, : len(effects.table)], 25_000, 7) / found.errors
    largest = np.abs(shown).max(axis=1)
    density = (np.abs(largest - found.quantile) < 0.1).mean() / 0.2
    error = math.sqrt(0.05 * 0.95 * 2 / 25_000) / density
    assert near(
        "did: simultaneous critical value", found.quantile, theirs, 4 * error, "Monte-Carlo error of both sides"
    )
    for row, ours in zip(wanted, found.errors, strict=True):
        # The interquartile range of B normal draws has a relative error of 1.17 / sqrt(B).
        allowed = 4 * 1.17 * math.sqrt(2 / 25_000) * float(row["se"])
        assert near("did: bootstrap errors", ours, row["se"], allowed, "Monte-Carlo error of both sides")


def test_band_by_hand() -> None:
    """Two independent normal effects lie in +-z at once with probability .95 where each does with its root."""
    rng = np.random.default_rng(0)
    contributions = np.zeros((4_000, 2))
    contributions[:2_000, 0], contributions[2_000:, 1] = rng.normal(size=2_000), rng.normal(size=2_000)
    draws = bands.signed_sums(contributions, 20_000, 1)
    errors = np.sqrt((contributions**2).sum(axis=0))
    assert draws.std(axis=0) == pytest.approx(errors, rel=0.03)
    largest = np.quantile(np.abs(draws / errors).max(axis=1), 0.95)
    assert largest == pytest.approx(stats.norm.ppf((1 + math.sqrt(0.95)) / 2), abs=0.04)


def test_band_is_never_narrower_than_one_interval_and_leaves_reference_cells_alone() -> None:
    effects = group_time.estimate(ezunem()).by("event_time")
    found = bands.band(effects, level=0.95, draws=999, seed=1)
    shown, alone = found.table(effects), effects.intervals(0.95, 0)
    reference = effects.table["std_error"] == 0
    assert shown["low"].isna().equals(reference) and found.covered == int((~reference).sum())
    assert (shown["low"] <= alone["low"] + 1e-12)[~reference].all()
    single = bands.band(effects.averaged_over(), level=0.95, draws=999, seed=1)
    assert single.critical >= stats.t.ppf(0.975, 21)
    assert "999 draws, seed 1" in found.words() and "22 clusters" in found.words()


def test_band_without_contributions_uses_the_covariance() -> None:
    effects = group_time.estimate(samples.mpdta()).by("event_time")
    with_signs = bands.band(effects, level=0.95, draws=9_999, seed=1)
    normal = bands.band(replace(effects, influence=None), level=0.95, draws=9_999, seed=1)
    assert normal.critical == pytest.approx(with_signs.critical, abs=0.08) and "normal draws" in normal.words()


def test_band_memory_does_not_grow_with_clusters() -> None:
    contributions = np.random.default_rng(0).normal(size=(40_000, 10))
    tracemalloc.start()
    first = bands.signed_sums(contributions, 999, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # a matrix of all signs alone would take 320e6
    assert (first == bands.signed_sums(contributions, 999, 3)).all()


# permutation


def test_permuted_ratios_by_hand() -> None:
    """Three treated of six, one change each: every choice of three, its mean difference over its error."""
    panel = simulated(one_date(3, 3, at=1), 4, periods=2)
    change = np.diff(panel.outcome)[:, 0]
    ratios = {}
    for chosen in itertools.combinations(range(6), 3):
        a, b = change[list(chosen)], np.delete(change, chosen)
        ratios[chosen] = (a.mean() - b.mean()) / math.sqrt((a.var() + b.var()) / 3)
    observed = abs(ratios[(0, 1, 2)])
    rank = sum(abs(r) >= observed * (1 - 1e-9) for r in ratios.values())
    found = permutation.permute(
        panel, group_time.estimate(panel), average="simple", level=0.8, seed=1, studentised=True
    )
    assert (found.assignments, found.rank, found.exact, found.lowest) == (20, rank, True, 0.1)
    for end, side in ((found.low, 1e-7), (found.high, -1e-7)):
        for inside in (True, False):
            tried = end + (side if inside else -side)
            shifted = panel.with_outcome(panel.outcome - tried * panel.treated)
            p = permutation.permute(
                shifted, group_time.estimate(shifted), average="simple", level=0.8, seed=1, studentised=True
            ).p_value
            assert (p > 0.2 + 1e-9) is inside


def test_paths_and_doses_move_with_the_dates() -> None:
    panel = simulated([2, 4, NEVER, NEVER], periods=6)
    path = np.zeros((4, 6))
    path[0, 2:4], path[1, 4:] = 1.0, 1.0
    panel = replace(panel, treatment=path, dose=np.array([3.0, 5.0, 0.0, 0.0]))
    codes, first = permutation._assignment_by_cluster(panel)
    assert (codes[2:] == NEVER).all() and sorted(codes[:2]) == [0, 1]
    moved = permutation._reassigned(panel, codes[[2, 0, 3, 1]], first)
    assert moved.adoption.tolist() == [NEVER, 2, NEVER, 4] and moved.dose.tolist() == [0, 3, 0, 5]
    assert (moved.treatment == path[[2, 0, 3, 1]]).all()


def test_a_design_for_counts_is_permuted_without_an_interval() -> None:
    """Taking a constant out of counts leaves no counts: the p-value stands, and assignments that leave a cohort with
    nothing but zeros in a period count against the observed one."""
    panel = simulated([4, 4, 6, 6, *[NEVER] * 10], 1)
    counts = np.random.default_rng(1).poisson(np.exp(0.6 + 0.1 * panel.outcome)).astype(float)
    counts[0, 2] = counts[5, 2] = 0.0
    counted = panel.with_outcome(counts)
    effects = extended_twfe.estimate(counted, family="poisson")
    found = permutation.permute(counted, effects, average="simple", level=0.95, seed=1, draws=59)
    assert math.isnan(found.low) and found.refused > 0 and found.rank > found.refused
    shown = few_clusters.headline(counted, effects, average="simple", level=0.95, seed=1, draws=59)
    assert "no interval" in shown.inference and "the design refuses" in shown.inference and shown.p_value > 0


# few_clusters


@pytest.mark.parametrize(
    ("adoption", "words", "error"),
    [
        (one_date(1, 19), "estimates compared", False),
        (one_date(4, 16), "estimates divided by their cluster-robust errors compared", False),
        (one_date(18, 2), "estimates compared", False),
        ([2, 3, 4, 5, 6, 7, *[NEVER] * 14], "estimates divided by their cluster-robust errors compared", False),
        (one_date(16, 4), "estimates divided by their cluster-robust errors compared", False),
        (one_date(12, 14), "chosen because of 26 clusters", True),
        ([3] * 4 + [5] * 4 + [7] * 4 + [NEVER] * 30, "chosen because of cohorts of 4.0 clusters on average", True),
        (one_date(15, 20), "summed by i (35 clusters)", True),
    ],
)
def test_the_rule_counts_clusters_on_both_sides_and_in_cohorts(adoption, words: str, error: bool) -> None:
    panel = simulated(adoption, 1)
    shown = few_clusters.headline(panel, group_time.estimate(panel), average="simple", level=0.95, seed=1, draws=39)
    assert words in shown.inference and (shown.std_error is not None) is error
    assert shown.low < shown.value < shown.high


def test_jackknife_in_the_headline_is_the_jackknife() -> None:
    panel = ezunem()
    effects = two_way_fixed_effects.estimate(panel)
    shown = few_clusters.headline(panel, effects, average="simple", level=0.95, seed=1)
    assert near("leave one cluster out (CR3)", shown.std_error, 0.0763545384748833, 1e-6)
    half = stats.t.ppf(0.975, 21) * shown.std_error
    assert (shown.high - shown.value, shown.df) == (pytest.approx(half), 21)


def test_unequal_worth_calls_for_the_jackknife() -> None:
    panel = simulated(one_date(15, 25), 1)
    weight = np.where(np.arange(40) == 0, 6.0, 1.0)
    heavy = replace(panel, weight=weight / weight.mean(), labels=replace(panel.labels, weight="w"))
    shown = few_clusters.headline(heavy, group_time.estimate(heavy), average="simple", level=0.95, seed=1)
    assert "an average worth 8.0 treated clusters" in shown.inference


# conventions and the check


def names(found) -> list[str]:
    return [name_of(one) for one in found]


def every(panel: Panel, effects, draws: int = 99):
    return conventions(panel, effects, average="simple", level=0.95, seed=1, draws=draws)


def test_a_regression_has_its_conventions_and_cells_have_theirs() -> None:
    panel = ezunem()
    two_way = every(panel, two_way_fixed_effects.estimate(panel))
    wild = ["wild bootstrap with Rademacher weights", "wild bootstrap with Webb weights"]
    assert names(two_way) == ["CR1", "CR2", "jackknife (CR3)", *wild, "permutation"]
    assert [one.std_error for one in two_way[:3]] == pytest.approx([0.073772769286, 0.074173453991, 0.076354538475])
    assert two_way[1].df == pytest.approx(17.7477682084565, abs=1e-6)
    cells = every(panel, group_time.estimate(panel))
    assert names(cells) == ["the design's errors", "jackknife (CR3)", "score bootstrap", "permutation"]
    for found in (two_way, cells):
        assert len({one.value for one in found}) == 1
        assert all(one.low <= one.value <= one.high and "22 clusters" in one.inference for one in found)


def test_an_event_study_is_recognised_as_a_regression() -> None:
    panel = samples.castle()
    effects = event_study.estimate(panel)
    fit = regression(panel, effects, "simple")
    own = effects.average(0.95)
    assert fit is not None and float(fit.estimate[0]) == pytest.approx(own.value, abs=1e-10)
    assert cluster_robust.cr1(fit).errors[0] == pytest.approx(own.std_error, rel=1e-8)
    adjusted = two_way_fixed_effects.estimate(samples.mpdta(), covariates=["lpop"])
    assert regression(samples.mpdta(), adjusted, "simple") is None


def test_errors_that_cannot_be_right_are_not_among_the_conventions() -> None:
    organ = every(samples.organ(), two_by_two.estimate(samples.organ()))
    assert names(organ)[:2] == ["wild bootstrap with Rademacher weights", "wild bootstrap with Webb weights"]
    panel = simulated(one_date(6, 14))
    assert names(every(panel, group_time.estimate(panel))) == ["jackknife (CR3)", "permutation"]


def checked(data, effects, **choices):
    (found,) = checks.run(study(checks=["inference_choice"], seed=3, draws=99, **choices), data, effects, None)
    return found


def test_a_conclusion_that_all_share_is_a_note_and_else_a_caution() -> None:
    panel = simulated(one_date(15, 15), 2)
    clear = panel.with_outcome(panel.outcome + 3.0 * panel.treated)
    found = checked(clear, group_time.estimate(clear))
    assert found.severity == "note" and found.code == "E103" and found.statistic == 4
    assert "all 4 conventions of inference exclude zero" in found.finding
    mixed = checked(ezunem(), two_way_fixed_effects.estimate(ezunem()), level=0.9)
    assert mixed.severity == "warn" and mixed.statistic == 1
    assert "1 of 6 conventions of inference exclude zero, and not: CR2, jackknife (CR3), wild" in mixed.finding
    widths = mixed.amounts
    assert widths["narrow_high"] - widths["narrow_low"] < widths["wide_high"] - widths["wide_low"]


def test_one_convention_alone_says_so() -> None:
    sample = samples.kielmc()
    found = checked(sample, two_by_two.estimate(sample, errors="robust"))
    assert found.severity == "warn" and "only one convention of inference applies" in found.finding
    assert found.assumption == inference_choice.ASSUMPTION


@pytest.mark.parametrize("adoption", [one_date(3, 5), one_date(11, 11)])
def test_an_outcome_without_noise_stops_nothing(adoption) -> None:
    panel = simulated(adoption)
    exact = panel.with_outcome(2.0 * panel.treated + np.arange(10.0))
    for design in (group_time, two_way_fixed_effects):
        effects = design.estimate(exact)
        shown = few_clusters.headline(exact, effects, average="simple", level=0.95, seed=1, draws=99)
        assert shown.value == pytest.approx(2) and shown.excludes(0.0)
        for one in every(exact, effects, draws=39):
            assert one.low <= 2 + 1e-6 and one.high >= 2 - 1e-6
            assert "bootstrap" in one.inference or one.high - one.low < 1e-6


# simulations


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "adoption"),
    [
        (two_way_fixed_effects, one_date(10, 10, at=10)),
        (group_time, one_date(10, 10, at=10)),
        (two_way_fixed_effects, one_date(14, 15, at=10)),
        (group_time, one_date(14, 15, at=10)),
        (group_time, [5, 5, 8, 8, 10, 10, 13, 13, 15, 15, *[NEVER] * 14]),
    ],
    ids=["two_way-20", "group_time-20", "two_way-29", "group_time-29", "five-cohorts-of-two"],
)
def test_the_rule_covers(design, adoption) -> None:
    """Between .92 and .98 of 300 draws (the band for 10 to 50 clusters), and no less often than analytic errors do."""
    analytic, shown = [], []
    for seed in range(300):
        panel = simulated(adoption, 1_000 + seed, periods=20, rho=0.8)
        effects = design.estimate(panel)
        own = effects.average(0.95)
        rule = few_clusters.headline(panel, effects, average="simple", level=0.95, seed=1)
        analytic.append(own.low <= 0 <= own.high)
        shown.append(rule.low <= 0 <= rule.high)
    print(f"analytic {np.mean(analytic):.3f}, rule {np.mean(shown):.3f}")
    assert 0.92 <= np.mean(shown) <= 0.98 and np.mean(shown) >= np.mean(analytic)


@pytest.mark.slow
def test_ratios_come_closer_to_their_size_where_treated_clusters_are_noisier() -> None:
    """Five treated of twenty, three times as noisy: estimates reject a true null 22 % of the time, ratios 8 %."""
    rejected = {False: 0, True: 0}
    for seed in range(100):
        panel = simulated(one_date(5, 15, at=1), seed, periods=2)
        panel = panel.with_outcome(panel.outcome * np.where(panel.adoption == NEVER, 1.0, 3.0)[:, None])
        effects = group_time.estimate(panel)
        for ratio in rejected:
            found = permutation.permute(
                panel, effects, average="simple", level=0.95, seed=seed, draws=39, studentised=ratio
            )
            rejected[ratio] += found.p_value <= 0.05 + 1e-9
    print(rejected)
    assert rejected[True] <= 16 and rejected[False] >= rejected[True] + 5, rejected
