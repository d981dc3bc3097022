"""The propensity score: chances of treatment given covariates, the weights made of them, and where groups part ways.

Rosenbaum and Rubin (1983); weights of Horvitz and Thompson (1952) in the ratio form of Hajek (1971).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.doubly_robust import logit
from analysis.panel import Array
from analysis.rows import Rows

CERTAIN = 0.999


@dataclass(frozen=True, eq=False)
class Propensity:
    """A fitted logit. fitted: (n,) chances. score: (n, k) rows' scores; information: (k, k) what they are divided by.

    blame: the column that tells the groups apart, where the likelihood has no maximum; None where it has one.
    """

    fitted: Array
    score: Array
    information: Array
    blame: int | None = None

    def passed_on(self, moment: Array) -> Array:
        """(n,) contributions of the estimated coefficients to an estimate that they move by `moment` (k,)."""
        return np.asarray(self.score @ np.linalg.solve(self.information, moment))


def fit(treated: Array, design: Array, weight: Array) -> Propensity:
    """The logit of `treated` (n,) on `design` (n, k, the constant first) with sampling weights (n,)."""
    coefficients, fitted, solved = logit(treated.astype(float), design, weight)
    spread = np.sqrt(np.average((design - np.average(design, axis=0, weights=weight)) ** 2, axis=0, weights=weight))
    apart = float(np.abs(design @ coefficients).max()) > 36  # chances of exactly 0 or 1 in double precision
    blame = None if solved and not apart else int(np.argmax(np.abs(coefficients) * spread))
    score = design * (weight * (treated - fitted))[:, None]
    information = (design * (weight * fitted * (1 - fitted))[:, None]).T @ design
    return Propensity(fitted, score, information, blame)


def of_rows(rows: Rows, treatment: str, covariates: Sequence[str], squares: Sequence[str]) -> Array:
    """(n,) chances of treatment given covariates; zeros and ones where a covariate tells the groups apart."""
    matrix, _ = rows.matrix(covariates)
    matrix = np.column_stack([np.empty((rows.n, 0)), matrix, *(rows.column(name) ** 2 for name in squares)])
    spread = matrix.std(axis=0)
    scaled = (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    treated = rows.binary(treatment)
    found = fit(treated, np.column_stack([np.ones(rows.n), scaled]), rows.weight)
    return found.fitted if found.blame is None else treated.astype(float)


def weights(fitted: Array, treated: Array, *, everyone: bool) -> tuple[Array, Array]:
    """Inverse-probability weights (n,), and how their logarithm moves with the logit's linear index (n,).

    everyone: each group is to look like both together; otherwise the comparison group is to look like the treated.
    """
    if everyone:
        return np.where(treated, 1 / fitted, 1 / (1 - fitted)), np.where(treated, fitted - 1, fitted)
    return np.where(treated, 1.0, fitted / (1 - fitted)), np.where(treated, 0.0, 1.0)


def stabilised(raw: Array, treated: Array, weight: Array) -> Array:
    """Weights for everyone times the share of the row's own group, so that they average about one."""
    share = np.average(treated, weights=weight)
    return np.asarray(raw * np.where(treated, share, 1 - share))


def inside(fitted: Array, trim: float) -> Array:
    """(n,) rows whose chance lies between `trim` and one less `trim` (Crump, Hotz, Imbens and Mitnik 2009)."""
    return np.asarray((fitted >= trim) & (fitted <= 1 - trim))
