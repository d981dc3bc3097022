"""The contrast of two arms by least squares: strata, covariates and their interactions, and its errors.

One regression serves every estimator of a trial: the outcome on the assignment, a constant, strata, centred covariates
and, where asked, the assignment times centred covariates (Lin 2013). Errors are classical, robust (HC2) or clustered
(CR2), the latter two with Satterthwaite's degrees of freedom: HC2 is CR2 with every row its own cluster, unbiased for
equal variances, and for a plain difference of two means it is the sum of the two variances of means (Neyman 1923;
Samii and Aronow 2012).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analysis.inference import cluster_robust
from analysis.panel import Array
from analysis.refusal import Refusal

Errors = Literal["robust", "classical", "clustered"]
TINY = 1e-10


@dataclass(frozen=True, eq=False)
class Problem:
    """What is compared. outcome, assigned (0, 1), strata (codes), weight, cluster (codes): (n,). covariates: (n, p).

    interacted: the arms have slopes of their own. by_size: strata weigh by their size, not by their precision.
    """

    outcome: Array
    assigned: Array
    strata: Array
    covariates: Array
    weight: Array
    cluster: Array
    interacted: bool = False
    by_size: bool = False

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.outcome)

    @property
    def strata_lie_in_clusters(self) -> bool:
        """Every stratum lies in one cluster and has one weight, so that its effect can be taken out beforehand."""
        if self.by_size or not np.ptp(self.strata):
            return False
        pairs = np.unique(np.column_stack([self.strata, self.cluster, self.weight]), axis=0)
        return len(pairs) == len(np.unique(self.strata))

    def fixed(self) -> Array:
        """(n, q) columns that do not depend on the assignment: constant, strata, centred covariates."""
        dummies = self.strata[:, None] == np.unique(self.strata)[None, 1:]
        return np.column_stack([np.ones(self.n), dummies, self._centred(self.covariates)]).astype(float)

    def moving(self, assigned: Array) -> Array:
        """(n, k) columns that do: the assignment, and its products."""
        products = []
        if self.by_size:
            products.append(self._centred(self.strata[:, None] == np.unique(self.strata)[None, 1:]))
        if self.interacted:
            products.append(self._centred(self.covariates))
        return np.column_stack([assigned, *[assigned[:, None] * part for part in products]]).astype(float)

    def by_value(self) -> Problem:
        """The rows in an order of their own values, so that random draws do not depend on the order of a file."""
        keys = [self.covariates[:, k] for k in range(self.covariates.shape[1])]
        return self.rows(np.lexsort([*keys, self.weight, self.outcome, self.assigned, self.strata]))

    def rows(self, keep: Array) -> Problem:
        """The rows selected or reordered by `keep`."""
        return replace(
            self,
            outcome=self.outcome[keep],
            assigned=self.assigned[keep],
            strata=self.strata[keep],
            covariates=self.covariates[keep],
            weight=self.weight[keep],
            cluster=np.unique(self.cluster[keep], return_inverse=True)[1],
        )

    def _centred(self, columns: Array) -> Array:
        values = np.asarray(columns, dtype=float)
        return values - np.average(values, axis=0, weights=self.weight) if values.shape[1] else values


@dataclass(frozen=True, eq=False)
class Contrast:
    """Estimate, variance and degrees of freedom, and what each row adds to the estimate's error (n,)."""

    value: float
    variance: float
    df: float
    psi: Array

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.variance))


def contrast(problem: Problem, errors: Errors) -> Contrast:
    """The effect of the assignment. Raises Refusal E107 where columns repeat each other."""
    columns = np.column_stack([problem.moving(problem.assigned), problem.fixed()])
    if errors == "clustered":
        return _clustered(problem, columns)
    root = np.sqrt(problem.weight)
    x, y = columns * root[:, None], problem.outcome * root
    inverse = _inverse(x.T @ x)
    estimate = inverse @ (x.T @ y)
    residual = y - x @ estimate
    direction = x @ inverse[:, 0]
    if errors == "classical":
        df = float(len(y) - x.shape[1])
        variance = float(residual @ residual / df * inverse[0, 0])
    else:
        room = 1 - np.einsum("ij,jk,ik->i", x, inverse, x)
        lever = np.where(room > TINY, direction / np.sqrt(np.maximum(room, TINY)), 0.0)
        variance, df = float(((lever * residual) ** 2).sum()), _satterthwaite(x, inverse, lever, room)
    return Contrast(float(estimate[0]), variance, df, _scaled(direction * residual, variance))


def _clustered(problem: Problem, columns: Array) -> Contrast:
    nested = problem.strata_lie_in_clusters
    if nested:
        columns = np.column_stack([problem.moving(problem.assigned), problem.covariates])
    fit = cluster_robust.least_squares(
        problem.outcome,
        columns,
        problem.cluster,
        weight=problem.weight,
        asked=1,
        unit=np.unique(problem.strata, return_inverse=True)[1] if nested else None,
    )
    found = cluster_robust.cr2(fit)
    own = fit.regressors @ fit.inverse[:, 0] * fit.weight * fit.residual
    variance = float(found.covariance[0, 0])
    return Contrast(float(fit.estimate[0]), variance, float(found.df[0]), _scaled(own, variance, problem.cluster))


def _scaled(psi: Array, variance: float, cluster: Array | None = None) -> Array:
    """`psi` so that its squares (of cluster sums) add up to `variance`."""
    sums = psi if cluster is None else np.bincount(cluster, psi)
    total = float(sums @ sums)
    return np.asarray(psi * np.sqrt(variance / total)) if total > 0 else psi


def _satterthwaite(x: Array, inverse: Array, lever: Array, room: Array) -> float:
    """(tr P)^2 / tr(P^2), P_ij = lever_i (I - H)_ij lever_j, from K x K matrices (Bell and McCaffrey 2002)."""
    square = lever**2
    own = float((square * room).sum())
    gram = x.T @ (x * square[:, None]) @ inverse
    hats = 1 - room
    return own**2 / float((square**2 * (1 - 2 * hats)).sum() + np.trace(gram @ gram))


def _inverse(gram: Array) -> Array:
    scale = np.sqrt(np.diag(gram))
    scale = np.where(scale > 0, scale, 1.0)
    values = np.linalg.eigvalsh(gram / np.outer(scale, scale))
    missing = int((values < TINY * values[-1]).sum())
    if missing:
        problem = f"{missing} of {len(gram)} columns of strata, covariates and assignment repeat others"
        raise Refusal("E107", "covariates", problem, "drop the covariate that others (or the strata) already tell")
    return np.asarray(np.linalg.inv(gram / np.outer(scale, scale)) / np.outer(scale, scale))
