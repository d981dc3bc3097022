"""What the designs that make two groups alike share: who is used, the covariates' matrix, and the effects returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from analysis.designs.two_way_fixed_effects import single_row
from analysis.fits.weighting import Levels, Weighted
from analysis.inference import propensity
from analysis.inference.carried import Carried
from analysis.inference.doubly_robust import dependent, summed
from analysis.inference.few_clusters import ENOUGH
from analysis.inference.propensity import Propensity
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

WHOM = {
    "treated": "average effect on the treated",
    "everyone": "average effect over everyone in the data, treated or not",
}


@dataclass(frozen=True, eq=False)
class Setting:
    """The rows used and their covariates. kept: (rows of the data,). design: (n, k) the constant, then covariates in
    standard deviations, text by category, then squares; names: of its columns after the constant. target: (n,) weights
    of the rows for which the effect is meant, adding up to one."""

    rows: Rows
    kept: Array
    treated: Array
    design: Array
    names: list[str]
    target: Array
    everyone: bool
    trim: float

    def only(self, keep: Array) -> Setting:
        """The same without the rows that are not in `keep` (n,)."""
        kept, target = self.kept.copy(), self.target[keep]
        kept[self.kept] = keep
        return replace(
            self,
            rows=self.rows.rows(keep),
            kept=kept,
            treated=self.treated[keep],
            design=self.design[keep],
            target=target / target.sum(),
        )

    def share(self, weights: Array, member: Array) -> Array:
        """(n,) `weights` times sampling weights among the rows of `member`, adding up to one."""
        own = np.where(member, self.rows.weight * weights, 0.0)
        return np.asarray(own / own.sum())


def setting(
    rows: Rows, treatment: str, covariates: Sequence[str], squares: Sequence[str], estimand: str, trim: float
) -> Setting:
    """The rows to compare, without those whose propensity lies outside `trim` to one less `trim`.

    Raises Refusal: treatment that is not 0 and 1 (P005), covariates that repeat others (E107), fewer than ten clusters
    in a group (E104), no overlap (E126).
    """
    found = _all(rows, treatment, covariates, squares, estimand)
    if trim == 0 or not found.names:
        return found
    keep = propensity.inside(fitted(found).fitted, trim)
    if len(np.unique(found.treated[keep])) < 2:
        raise Refusal("E126", "trim", f"no propensities of both groups lie within {trim:g} to {1 - trim:g}", "lower it")
    part = _all(rows.rows(keep), treatment, covariates, squares, estimand)
    return Setting(part.rows, keep, part.treated, part.design, part.names, part.target, part.everyone, trim)


def _all(rows: Rows, treatment: str, covariates: Sequence[str], squares: Sequence[str], estimand: str) -> Setting:
    treated = rows.binary(treatment)
    matrix, names = rows.matrix(covariates)
    squared = [name for name in squares if name in covariates]
    extra = [rows.column(name) ** 2 for name in squared]
    names = [*names, *(f"{name}, squared" for name in squared)]
    matrix = np.column_stack([matrix, *extra]) if extra else matrix
    spread = matrix.std(axis=0)
    scaled = (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(rows.n), scaled])
    _refuse_repeated(design, rows.weight, names)
    _refuse_few(rows, treated)
    everyone = estimand == "everyone"
    target = rows.weight * (1.0 if everyone else treated)
    whole = np.ones(rows.n, dtype=bool)
    return Setting(rows, whole, treated, design, names, target / target.sum(), everyone, 0.0)


def _refuse_repeated(design: Array, weight: Array, names: Sequence[str], among: str = "") -> None:
    column = dependent(design, weight)
    if column is not None:
        name = names[column - 1] if column else "constant"
        raise Refusal("E107", f"covariates:{name}", f"{among}the column repeats others", f"drop {name}")


def regressable(at: Setting) -> None:
    """Raises Refusal E107 unless a regression on the covariates can be computed in each group."""
    for member, word in ((at.treated, "treated"), (~at.treated, "comparison")):
        _refuse_repeated(at.design, at.rows.weight * member, at.names, f"among {word} rows ")


def _refuse_few(rows: Rows, treated: Array) -> None:
    if not rows.clustered:
        return
    fewest = min(len(np.unique(rows.cluster[member])) for member in (treated, ~treated))
    if fewest < ENOUGH:
        problem = f"only {fewest} clusters in one of the groups: cluster-robust errors would be far too small"
        raise Refusal("E104", "cluster", problem, "compare the means of clusters: one row each")


def fitted(at: Setting) -> Propensity:
    """The propensities. Raises Refusal E126 where a covariate tells the groups apart."""
    found = propensity.fit(at.treated, at.design, at.rows.weight)
    if found.blame is not None:
        name = at.names[max(found.blame - 1, 0)]
        raise Refusal(
            "E126",
            f"covariates:{name}",
            "the groups do not overlap: covariates, this one above all, tell treated and comparison rows apart",
            "compare only where both groups are found (`where`), or leave the comparison",
        )
    return found


def independent(rows: Rows, design: str) -> None:
    """Raises Refusal where rows are weighted or clustered, which `design` cannot use."""
    if rows.weighted:
        raise Refusal("E129", "weight", f"{design} does not take sampling weights", "use `design: inverse_probability`")
    if rows.clustered:
        problem = f"the errors of {design} take every row as independent"
        raise Refusal("E105", "cluster", problem, "use `design: inverse_probability`, whose errors follow clusters")


def variance_of(rows: Rows, contributions: Array) -> tuple[Array, float]:
    """(clusters, 1) contributions whose squares add up to the variance, and its degrees of freedom."""
    if not rows.clustered:
        return contributions[:, None], np.inf
    clusters = rows.clusters
    factor = np.sqrt(clusters / (clusters - 1))
    return summed(factor * contributions[:, None], rows.cluster, clusters), float(clusters - 1)


def inference_words(rows: Rows, basis: str) -> str:
    """The convention of the interval, in words."""
    if rows.clustered:
        by = rows.labels.word(rows.labels.cluster)
        return f"{basis}, summed by {by} ({rows.clusters} clusters), factor G/(G-1), t distribution"
    return f"{basis}; every row independent, normal distribution"


def weighted(
    at: Setting,
    sides: tuple[Carried, Carried],
    *,
    method: str,
    basis: str,
    refit: Callable[[Any], Weighted],
    fitted: Propensity | None = None,
    raw: Array | None = None,
    base: Array | None = None,
) -> Weighted:
    """The effects: the mean of the treated less that of the comparison group, both carried to the target."""
    contributions, df = variance_of(at.rows, sides[0].contributions - sides[1].contributions)
    signed = np.where(at.treated, 1, -1) * (sides[0].weights - sides[1].weights)
    return assembled(
        at,
        sides[0].value - sides[1].value,
        float((contributions**2).sum()),
        signed,
        method=method,
        inference=inference_words(at.rows, basis),
        refit=refit,
        df=df,
        influence=partial(_given, contributions),
        propensity=np.empty(0) if fitted is None else fitted.fitted,
        raw=np.empty(0) if raw is None else raw,
        base=signed if base is None else base,
        level=sides[1].value,
    )


def assembled(
    at: Setting,
    value: float,
    variance: float,
    weights: Array,
    *,
    method: str,
    inference: str,
    refit: Callable[[Any], Weighted],
    level: float,
    df: float = np.inf,
    **more: Any,
) -> Weighted:
    """The effects of an estimate with its variance and the weights (n,) whose difference of means it is."""
    rows, treated = at.rows, at.treated
    outside = f", where propensities lie within {at.trim:g} to {1 - at.trim:g}" if at.trim else ""
    clusters = [len(np.unique(rows.cluster[member])) for member in (treated, ~treated)]
    return Weighted(
        table=single_row(value, float(np.sqrt(variance)), *clusters),
        joint=np.array([[variance]]),
        kind="single",
        estimand=f"{WHOM['everyone' if at.everyone else 'treated']}{outside}",
        method=method,
        inference=inference,
        df=df,
        n=rows.n,
        clusters=rows.clusters,
        treated_clusters=clusters[0],
        baseline=level,
        refit=refit,
        compared="in the comparison group, weighted to be alike",
        kept=at.kept,
        treated=treated,
        weights=weights,
        everyone=at.everyone,
        levels=_levels(rows, treated, level + value, level),
        **more,
    )


def _levels(rows: Rows, treated: Array, high: float, low: float) -> Levels:
    plain = [float(np.average(rows.outcome[m], weights=rows.weight[m])) for m in (treated, ~treated)]
    return Levels(plain[0], plain[1], high, low)


def _given(contributions: Array) -> Array:
    return contributions
