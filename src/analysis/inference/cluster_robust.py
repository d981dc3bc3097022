"""Cluster-robust errors of a least-squares fit: CR0, CR1, CR2 with Satterthwaite degrees of freedom, and CR3.

With Z the regressors, W the weights, M = (Z'WZ)^-1 and e_g the residuals of cluster g, every variant is
sum_g M Z_g'W_g A_g e_g e_g' A_g W_g Z_g M times a factor; they differ in A_g and the factor:

- CR0: A = I. CR1: the same times G/(G-1) x (N-1)/(N-K) (Liang and Zeger 1986; the conventions of fixest and Stata).
- CR2: A_g = B_g^(-1/2), B_g the block of (I-H)(I-H)' with H = Z M Z'W, exactly unbiased for independent errors of equal
  variance (Bell and McCaffrey 2002), with a t distribution of Satterthwaite's degrees of freedom (Pustejovsky and
  Tipton 2018; R package clubSandwich).
- CR3: the jackknife, (G-1)/G times the sum of squared changes of the estimate when a cluster is left out, with t(G-1)
  (MacKinnon, Nielsen and Webb 2023; R package summclust).

Unit effects are absorbed: units lie inside clusters and have one weight each, so that B_g is the unit-demeaning matrix
plus a matrix of rank 2P at most (P counts regressors and period effects), and its root needs P x P matrices only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.panel import Array, Panel
from analysis.refusal import Refusal

ZERO = 1e-10
Counting = Literal["fixest", "every", "none"]


@dataclass(frozen=True, eq=False)
class Regression:
    """A least-squares fit with what its errors need; n rows, P columns of which the first `asked` are of interest.

    outcome, residual, weight: (n,); regressors: (n, P); outcome and regressors net of absorbed effects. cluster: (n,)
    codes 0..clusters-1. rows: the rows of each cluster. estimate: (P,). inverse: (P, P) M. absorbed: unit effects
    taken out beforehand.
    """

    outcome: Array
    regressors: Array
    residual: Array
    weight: Array
    cluster: Array
    rows: list[Array]
    estimate: Array
    inverse: Array
    asked: int
    absorbed: int

    @property
    def clusters(self) -> int:
        """Number of clusters G."""
        return len(self.rows)

    def parameters(self, counting: Counting) -> int:
        """K of the factor (N-1)/(N-K): "fixest" counts all columns and one of the unit effects nested in clusters,
        "every" all unit effects."""
        effects = self.absorbed if counting == "every" else min(self.absorbed, 1)
        return int(self.regressors.shape[1]) + effects

    def scores(self, residual: Array) -> Array:
        """(G, P) sums over each cluster of Z'W times `residual` (n,)."""
        weighted = self.regressors * (self.weight * residual)[:, None]
        return np.stack([weighted[row].sum(axis=0) for row in self.rows])

    def gram(self, row: Array) -> Array:
        """(P, P) Z'WZ of the rows `row`."""
        part = self.regressors[row]
        return np.asarray(part.T @ (part * self.weight[row, None]))


@dataclass(frozen=True, eq=False)
class Robust:
    """Covariance (K, K) of the coefficients of interest, degrees of freedom (K,), and the correction in words.

    undefined: (K,) clusters without which a coefficient cannot be estimated (CR3 only; its error is then NaN).
    """

    covariance: Array
    df: Array
    words: str
    undefined: Array

    @property
    def errors(self) -> Array:
        """(K,) standard errors."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def two_way(panel: Panel, regressors: Array) -> Regression:
    """Least squares of the panel's outcome on `regressors` (units, periods, K) with unit and period effects.

    Cells without an outcome are left out. Raises Refusal E107 where the regressors are collinear given the effects.
    """
    seen = np.isfinite(panel.outcome)
    unit, period = np.nonzero(seen)
    present = np.unique(period)[1:]
    columns = np.column_stack([regressors[seen], period[:, None] == present])
    cluster = np.unique(panel.cluster[unit], return_inverse=True)[1]
    weight = panel.weight[unit]
    return least_squares(panel.outcome[seen], columns, cluster, weight=weight, asked=regressors.shape[2], unit=unit)


def least_squares(
    outcome: Array,
    regressors: Array,
    cluster: Array,
    *,
    weight: Array | None = None,
    asked: int | None = None,
    unit: Array | None = None,
) -> Regression:
    """Weighted least squares of `outcome` (n,) on `regressors` (n, P).

    Args:
        cluster: (n,) codes 0..G-1. weight: (n,), ones if None. asked: how many of the first columns matter (all).
        unit: (n,) codes of effects to absorb first; each lies in one cluster and its rows have one weight.

    For CR2 and CR3 every nuisance regressor must be among the columns: those of a variable from which others were
    partialled out beforehand are not the exact ones.

    Raises:
        Refusal: E107 when the columns are collinear. ValueError when units cross clusters or weights vary in a unit.
    """
    weight = np.ones(len(outcome)) if weight is None else np.asarray(weight, dtype=float)
    x, y, absorbed = np.asarray(regressors, dtype=float), np.asarray(outcome, dtype=float), 0
    scale = np.sqrt(weight @ x**2)
    if unit is not None:
        code = np.unique(unit, return_inverse=True)[1]
        if not (_constant(cluster, code) and _constant(weight, code)):
            raise ValueError("absorbed units must lie in one cluster each, with one weight")
        x, y, absorbed = _demeaned(x, code), _demeaned(y[:, None], code)[:, 0], int(code.max()) + 1
    weighted = x * weight[:, None]
    inverse = _inverse(weighted.T @ x, scale)
    estimate = inverse @ (weighted.T @ y)
    order = np.argsort(cluster, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)
    kept = x.shape[1] if asked is None else asked
    return Regression(y, x, y - x @ estimate, weight, cluster, rows, estimate, inverse, kept, absorbed)


def cr0(fit: Regression) -> Robust:
    """No correction, t(G-1)."""
    return _sandwich(fit, 1.0, "no correction (CR0)")


def cr1(fit: Regression, counting: Counting = "fixest") -> Robust:
    """CR0 times G/(G-1) x (N-1)/(N-K), t(G-1); without the second factor if counting is "none"."""
    g, n = fit.clusters, len(fit.outcome)
    if counting == "none":
        return _sandwich(fit, g / (g - 1), "factor G/(G-1) (CR1)")
    factor = g / (g - 1) * (n - 1) / (n - fit.parameters(counting))
    return _sandwich(fit, factor, "factor G/(G-1) x (N-1)/(N-K) (CR1)")


def cr2(fit: Regression) -> Robust:
    """Bell and McCaffrey's correction with Satterthwaite's degrees of freedom, exact with the absorbed unit effects."""
    spread = _spread(fit)
    directions = [_adjusted(fit, row, spread) for row in fit.rows]
    psi = np.stack([a.T @ fit.residual[row] for a, row in zip(directions, fit.rows, strict=True)])
    words = "Bell-McCaffrey correction with Satterthwaite degrees of freedom (CR2)"
    return Robust(psi.T @ psi, _satterthwaite(fit, directions), words, np.zeros(fit.asked, dtype=int))


def cr3(fit: Regression) -> Robust:
    """The cluster jackknife around the estimate, t(G-1)."""
    g, k = fit.clusters, fit.asked
    change = leave_one_out(fit) - fit.estimate[:k]
    words = "leaving out one cluster at a time (CR3, jackknife)"
    undefined = np.isnan(change).sum(axis=0)
    return Robust((g - 1) / g * change.T @ change, np.full(k, g - 1.0), words, undefined)


def satterthwaite(fit: Regression) -> Array:
    """(K,) Satterthwaite's degrees of freedom for CR0 and CR1, under independent errors of equal variance."""
    c = fit.inverse[:, : fit.asked]
    return _satterthwaite(fit, [fit.weight[row, None] * (fit.regressors[row] @ c) for row in fit.rows])


def leave_one_out(fit: Regression) -> Array:
    """(G, K) coefficients of interest without each cluster; NaN where the others do not identify them."""
    total, moment = fit.gram(np.arange(len(fit.outcome))), fit.scores(fit.outcome)
    whole = moment.sum(axis=0)
    found = np.full((fit.clusters, fit.asked), np.nan)
    for g, row in enumerate(fit.rows):
        inverse, identified = without(fit, total - fit.gram(row), total)
        found[g, identified] = (inverse @ (whole - moment[g]))[: fit.asked][identified]
    return found


def without(fit: Regression, gram: Array, total: Array) -> tuple[Array, Array]:
    """Generalised inverse of a leave-out `gram` (P, P), and which coefficients of interest (K,) it identifies."""
    scale = np.sqrt(np.diag(total))
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    null = values < ZERO * values[-1]
    identified = (np.abs(vectors[: fit.asked, null]) < 1e-6).all(axis=1)
    root = vectors[:, ~null] / np.sqrt(values[~null]) / scale[:, None]
    return root @ root.T, identified


def _sandwich(fit: Regression, factor: float, words: str) -> Robust:
    psi = fit.scores(fit.residual) @ fit.inverse[:, : fit.asked]
    df = np.full(fit.asked, fit.clusters - 1.0)
    return Robust(factor * psi.T @ psi, df, words, np.zeros(fit.asked, dtype=int))


def _spread(fit: Regression) -> Array:
    """(P, P) M Z'W W Z M."""
    weighted = fit.regressors * fit.weight[:, None]
    return np.asarray(fit.inverse @ (weighted.T @ weighted) @ fit.inverse)


def _adjusted(fit: Regression, row: Array, spread: Array) -> Array:
    """A_g W_g Z_g M (rows, K) of one cluster; off the span of (Z_g, W_g Z_g), B_g is the unit-demeaning matrix."""
    z, w = fit.regressors[row], fit.weight[row, None]
    left, size, _ = np.linalg.svd(np.hstack([z, w * z]) if np.ptp(w) > 0 else z, full_matrices=False)
    basis = left[:, size > ZERO * max(float(size[0]), 1e-300)]
    plain, weighted = basis.T @ z, basis.T @ (w * z)
    cross = plain @ fit.inverse @ weighted.T
    block = np.eye(basis.shape[1]) - cross - cross.T + plain @ spread @ plain.T
    values, vectors = np.linalg.eigh(block)
    power = np.where(values > ZERO, np.maximum(values, ZERO) ** -0.5, 0.0)
    target = w * (z @ fit.inverse[:, : fit.asked])
    inside = basis.T @ target
    return np.asarray(target + basis @ ((vectors * power) @ (vectors.T @ inside) - inside))


def _satterthwaite(fit: Regression, directions: list[Array]) -> Array:
    """(K,) (tr P)^2 / tr(P^2), P_gh = p_g'p_h, p_g = (I-H)'a_g for directions a_g (rows, K); P is diagonal plus F C F'
    with F = (Z_g'a_g, Z_g'W_g a_g), so that G x G matrices are not needed."""
    z, m = fit.regressors, fit.inverse
    core = np.block([[_spread(fit), -m], [-m, np.zeros_like(m)]])
    found = []
    for k in range(fit.asked):
        own = np.array([a[:, k] @ a[:, k] for a in directions])
        pairs = zip(directions, fit.rows, strict=True)
        f = np.stack([np.concatenate([z[r].T @ a[:, k], z[r].T @ (fit.weight[r] * a[:, k])]) for a, r in pairs])
        low = np.einsum("gi,ij,gj->g", f, core, f)
        cross = core @ (f.T @ f)
        found.append((own + low).sum() ** 2 / (((own + low) ** 2).sum() - (low**2).sum() + np.trace(cross @ cross)))
    return np.array(found)


def _demeaned(x: Array, code: Array) -> Array:
    size = np.bincount(code)
    means = np.stack([np.bincount(code, column) / size for column in x.T], axis=1)
    return np.asarray(x - means[code])


def _constant(values: Array, code: Array) -> bool:
    first = np.empty(int(code.max()) + 1, dtype=values.dtype)
    first[code] = values
    return bool((first[code] == values).all())


def _inverse(gram: Array, scale: Array) -> Array:
    scale = np.where(scale > 0, scale, 1.0)
    values = np.linalg.eigvalsh(gram / np.outer(scale, scale))
    missing = int((values < ZERO * max(float(values[-1]), 1e-300)).sum())
    if missing:
        problem = f"{missing} of {len(gram)} regressors say nothing that the others and the unit effects do not"
        raise Refusal("E107", "design", problem, "drop the regressors that repeat others")
    return np.asarray(np.linalg.inv(gram))
