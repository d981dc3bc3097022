"""How alike two groups are: standardised differences, variance ratios, and what weights leave of a sample's size.

Rosenbaum and Rubin (1985); Imbens and Rubin (2015), chapter 14; Kish (1965) for the effective size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.fits.weighting import Weighted
from analysis.panel import Array
from analysis.rows import Rows


@dataclass(frozen=True, eq=False)
class Balance:
    """By covariate: means of both groups, differences in standard deviations and ratios of variances (treated over
    comparison; NaN for columns of two values), as they are and weighted."""

    names: list[str]
    treated: Array
    comparison: Array
    before: Array
    treated_weighted: Array
    comparison_weighted: Array
    after: Array
    ratio_before: Array
    ratio_after: Array


def balance(rows: Rows, effects: Weighted, covariates: Sequence[str]) -> Balance:
    """Balance in `covariates`, text by category (all of them shown)."""
    matrix, names = _columns(rows, covariates)
    used, treated = matrix[effects.kept], effects.treated
    weight = rows.weight[effects.kept]
    scale = _scale(used, treated, weight, everyone=effects.everyone)
    plain = [_moments(used[member], weight[member]) for member in (treated, ~treated)]
    fitted = [_moments(used[member], effects.weights[member]) for member in (treated, ~treated)]
    varied = np.array([len(np.unique(column)) > 2 for column in used.T], dtype=bool)
    return Balance(
        names,
        plain[0][0],
        plain[1][0],
        (plain[0][0] - plain[1][0]) / scale,
        fitted[0][0],
        fitted[1][0],
        (fitted[0][0] - fitted[1][0]) / scale,
        _ratio(plain[0][1], plain[1][1], varied),
        _ratio(fitted[0][1], fitted[1][1], varied),
    )


def _columns(rows: Rows, covariates: Sequence[str]) -> tuple[Array, list[str]]:
    found, shown = [], []
    for name in covariates:
        values = rows.column(name)
        if name not in rows.categories:
            found.append(values)
            shown.append(name)
            continue
        for code in np.unique(values):
            found.append((values == code).astype(float))
            shown.append(f"{name}: {rows.categories[name][int(code)]}")
    return (np.column_stack(found) if found else np.empty((rows.n, 0))), shown


def _scale(used: Array, treated: Array, weight: Array, *, everyone: bool) -> Array:
    """Standard deviations, unweighted by the design: the treated group's, or of both groups on average."""
    own = _moments(used[treated], weight[treated])[1]
    other = _moments(used[~treated], weight[~treated])[1]
    both = np.sqrt((own + other) / 2)
    scale = both if everyone else np.where(own > 0, np.sqrt(own), both)
    return np.asarray(np.where(scale > 0, scale, 1.0))


def _moments(values: Array, weight: Array) -> tuple[Array, Array]:
    share = weight / weight.sum()
    mean = share @ values
    return mean, share @ (values - mean) ** 2 / max(1 - float(share @ share), 1e-12)


def _ratio(own: Array, other: Array, varied: Array) -> Array:
    usable = varied & (other > 0) & (own > 0)
    return np.asarray(np.where(usable, own / np.where(usable, other, 1.0), np.nan))


def worth(weights: Array) -> float:
    """The number of equally weighted rows that weighted ones are worth."""
    return float(weights.sum() ** 2 / (weights**2).sum())
