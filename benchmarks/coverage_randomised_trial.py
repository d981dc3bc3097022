"""Interval coverage of the designs of a randomised trial, on made-up trials whose effect is known.

Each draw makes a trial (potential outcomes, then the assignment) and asks the design's own kernel for its interval.
Effects differ between people and spreads between arms, so that no interval is helped by a model that happens to hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analysis.inference import attrition_bounds, randomisation, sequential
from analysis.inference.complier import ratio
from analysis.inference.trial_regression import Contrast, Problem, contrast
from benchmarks.simulation_draws import Array
from benchmarks.simulation_table import LEVEL, Row, coverage, size

STUDY = "coverage, randomised_trial"
EFFECT = 1.0
REASSIGNMENTS = 199

Drawn = tuple[float, float, float, float]
"""Estimate, standard error (NaN where there is none), low, high."""


def run(design: str, draws: int, seed: int) -> list[Row]:
    """The rows of one simulated design: `draws` trials, one interval each."""
    return CELLS[design](draws, seed)


def reason(row: Row) -> str:
    """Why a cell lies outside its band, where that is known; empty otherwise."""
    if row.method.startswith("Lee"):
        return (
            "covers more often than it says: the interval holds the effect wherever it lies between the bounds; the "
            "estimate is their middle, which is not the effect"
        )
    if row.method.startswith("read at"):
        return "covers more often than it says: it would hold at all readings, not only at these"
    if row.method.startswith("permutation") and row.value > row.high:
        return "p-values come in steps, and the interval keeps what is just not rejected"
    if row.design.startswith("Lin"):
        return "the errors take the covariate's mean as known, and people of this draw differ from it"
    if row.method.startswith("clustered") and row.treated < 10:
        return "fewer than ten clusters in an arm: the page cautions"
    return ""


def _row(design: str, method: str, units: int, treated: int, drawn: list[Drawn], aim: float = EFFECT) -> Row:
    value, error, low, high = np.array(drawn).T
    covered = (low <= aim) & (aim <= high)
    place = (STUDY, design, method, units, treated)
    return coverage(place, value, aim, covered, None if np.isnan(error).all() else error)


def _t(found: Contrast) -> Drawn:
    from scipy import stats

    half = float(stats.t.ppf((1 + LEVEL) / 2, found.df)) * found.error
    return found.value, found.error, found.value - half, found.value + half


def _problem(outcome: Array, assigned: Array, **changes: object) -> Problem:
    n = len(outcome)
    made = Problem(outcome, assigned.astype(float), np.zeros(n), np.empty((n, 0)), np.ones(n), np.arange(n))
    return replace(made, **changes)  # type: ignore[arg-type]


def _people(draw: np.random.Generator, n: int, treated: int) -> tuple[Array, Array, Array]:
    """Outcome, assignment and a covariate of `n` people; those treated spread more, and gain more where it is high."""
    assigned = draw.permutation(n) < treated
    x = draw.normal(size=n)
    gain = EFFECT + 0.5 * x + draw.normal(size=n)
    return x + draw.normal(size=n) + assigned * gain, assigned, x


def _means(draws: int, seed: int) -> list[Row]:
    rows = []
    for n, treated in ((40, 10), (200, 100)):
        draw = np.random.default_rng((seed, n))
        problems = [_problem(*_people(draw, n, treated)[:2]) for _ in range(draws)]
        for errors in ("robust", "classical") if n == 200 else ("robust",):
            drawn = [_t(contrast(one, errors)) for one in problems]
            rows.append(_row("difference in means", errors, n, treated, drawn))
    return rows


def _strata(draws: int, seed: int) -> list[Row]:
    rows = []
    for by_size, words in ((False, "strata fixed"), (True, "strata by size")):
        draw = np.random.default_rng((seed, int(by_size)))
        drawn = []
        for _ in range(draws):
            stratum = np.repeat(np.arange(20), 8)
            assigned = np.concatenate([draw.permutation(8) < 4 for _ in range(20)])
            level = draw.normal(size=20)[stratum]
            outcome = 2 * level + draw.normal(size=160) + assigned * (EFFECT + draw.normal(size=160))
            drawn.append(_t(contrast(_problem(outcome, assigned, strata=stratum, by_size=by_size), "robust")))
        rows.append(_row("difference in means", words, 160, 80, drawn))
    return rows


def _clusters(draws: int, seed: int) -> list[Row]:
    rows = []
    for clusters, treated in ((10, 5), (16, 6), (40, 20)):
        draw = np.random.default_rng((seed, clusters))
        drawn = []
        for _ in range(draws):
            cluster = np.repeat(np.arange(clusters), draw.integers(5, 25, clusters))
            assigned = (draw.permutation(clusters) < treated)[cluster]
            outcome = draw.normal(size=clusters)[cluster] + draw.normal(size=len(cluster)) + EFFECT * assigned
            drawn.append(_t(contrast(_problem(outcome, assigned, cluster=cluster), "clustered")))
        rows.append(_row("difference in means", "clustered (CR2)", clusters, treated, drawn))
    return rows


def _adjusted(draws: int, seed: int) -> list[Row]:
    rows = []
    for interacted, design in ((True, "Lin"), (False, "pre-period")):
        draw = np.random.default_rng((seed, int(interacted)))
        drawn = []
        for _ in range(draws):
            outcome, assigned, x = _people(draw, 100, 30 if interacted else 50)
            made = _problem(outcome, assigned, covariates=x[:, None], interacted=interacted)
            drawn.append(_t(contrast(made, "robust")))
        rows.append(_row(f"{design} adjusted", "robust", 100, 30 if interacted else 50, drawn))
    return rows


def _compliers(draws: int, seed: int) -> list[Row]:
    rows = []
    for share, words in ((0.6, "two-stage least squares"), (0.15, "Anderson-Rubin")):
        draw = np.random.default_rng((seed, int(100 * share)))
        drawn = []
        for _ in range(draws):
            assigned = draw.permutation(400) < 200
            comply = draw.uniform(size=400) < share
            outcome = comply + draw.normal(size=400) + EFFECT * (comply & assigned)
            found = ratio(_problem(outcome, assigned), (comply & assigned).astype(float), "robust")
            wald = _t(found.effect)
            weak = share < 0.5
            drawn.append((found.effect.value, np.nan, *found.anderson_rubin(LEVEL)) if weak else wald)
        rows.append(_row("effect of taking part", words, 400, 200, drawn))
    return rows


def _proportions(draws: int, seed: int) -> list[Row]:
    from scipy import stats

    draw, sizes = np.random.default_rng(seed), np.array([300, 300])
    shares = draw.binomial(sizes, [0.1, 0.15], (draws, 2)) / sizes
    error = np.sqrt((shares * (1 - shares) / sizes).sum(axis=1))
    value = shares[:, 1] - shares[:, 0]
    half = stats.norm.ppf((1 + LEVEL) / 2) * error
    drawn = list(zip(value, error, value - half, value + half, strict=True))
    null = draw.binomial(sizes, 0.1, (draws, 2)) / sizes
    pooled = null.mean(axis=1)
    gap = null[:, 1] - null[:, 0]
    z = gap / np.sqrt(pooled * (1 - pooled) * (1 / sizes).sum())
    place = (STUDY, "two proportions", "pooled z-test", 600, 300)
    return [
        _row("two proportions", "not pooled", 600, 300, drawn, 0.05),
        size(place, gap, np.asarray(2 * stats.norm.sf(np.abs(z)))),
    ]


def _permutation(draws: int, seed: int) -> list[Row]:
    rows = []
    for words, n, treated, clusters in (("permutation", 40, 12, 0), ("permutation of clusters", 96, 4, 12)):
        draw = np.random.default_rng((seed, n))
        drawn = []
        for _ in range(draws):
            if clusters:
                cluster = np.repeat(np.arange(clusters), n // clusters)
                assigned = (draw.permutation(clusters) < treated)[cluster]
                outcome = draw.normal(size=clusters)[cluster] + draw.normal(size=n) + EFFECT * assigned
                made = _problem(outcome, assigned, cluster=cluster)
            else:
                assigned = draw.permutation(n) < treated
                made = _problem(draw.exponential(size=n) + EFFECT * assigned, assigned)
            found = randomisation.draws(made, bool(clusters), REASSIGNMENTS, int(draw.integers(2**31)))
            drawn.append((float(found.estimate[0]), np.nan, *found.interval(LEVEL)))
        rows.append(_row("difference in means", words, clusters or n, treated, drawn))
    return rows


def _readings(draws: int, seed: int) -> list[Row]:
    """Twenty readings of one trial: a draw covers when all its intervals do."""
    draw, n, looks = np.random.default_rng(seed), 1000, 20
    read = np.arange(1, looks + 1) * n // looks
    drawn: list[Drawn] = []
    for _ in range(draws):
        assigned = draw.integers(0, 2, n)
        outcome = EFFECT * assigned + draw.exponential(size=n)
        found = [contrast(_problem(outcome[:end], assigned[:end]), "robust") for end in read]
        half = sequential.factor(read, n, LEVEL) * np.array([one.error for one in found])
        value = np.array([one.value for one in found])
        drawn.append((float(value[-1]), found[-1].error, float((value - half).max()), float((value + half).min())))
    return [_row("difference in means", "read at twenty times, always valid", n, n // 2, drawn)]


def _bounds(draws: int, seed: int) -> list[Row]:
    draw = np.random.default_rng(seed)
    drawn: list[Drawn] = []
    for _ in range(draws):
        assigned = draw.permutation(600) < 300
        ability = draw.normal(size=600)
        seen = ability + draw.normal(size=600) + 0.5 * assigned > -1.0
        found = attrition_bounds.lee(np.where(seen, ability + EFFECT * assigned, np.nan), assigned, None, LEVEL)
        drawn.append(((found.lower + found.upper) / 2, np.nan, found.low, found.high))
    row = _row("difference in means", "Lee bounds", 600, 300, drawn)
    return [row]


CELLS: dict[str, Callable[[int, int], list[Row]]] = {
    "means": _means,
    "strata": _strata,
    "clusters": _clusters,
    "adjusted": _adjusted,
    "compliers": _compliers,
    "proportions": _proportions,
    "permutation": _permutation,
    "readings": _readings,
    "bounds": _bounds,
}
DESIGNS: tuple[str, ...] = tuple(CELLS)
