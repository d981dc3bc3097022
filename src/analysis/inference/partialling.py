"""Taking out what is held constant: one set of group means exactly, everything else by orthogonal projection.

Coefficients of the other regressors are those of the full regression (Frisch and Waugh 1933; Lovell 1963). The largest
set of groups is taken out by subtracting means, so that thousands of units cost no columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.panel import Array

TINY = 1e-9  # a column whose share of length left is below this repeats others


@dataclass(frozen=True, eq=False)
class Held:
    """What is held constant. root: (n,) roots of the weights. group: (n,) codes of the set whose means are subtracted,
    None without one. basis: (n, r) orthonormal columns that span the rest. rank: columns taken out in all. repeated:
    position of the first covariate that repeats others, -1 if none does."""

    root: Array
    group: Array | None
    basis: Array
    rank: int
    repeated: int = -1

    def residual(self, column: Array) -> Array:
        """(n,) `column` times the root of the weights, without what is held constant."""
        found = _less_means(column, self.root, self.group)
        for _ in range(2):  # the second pass removes the rounding of the first
            found = found - self.basis @ (self.basis.T @ found)
        return found


def hold(weight: Array, covariates: Array, sets: Sequence[Array]) -> Held:
    """What is held constant when the (n, k) `covariates` are, and each of the `sets` of groups, (n,) codes each.

    A constant is always among them. Groups of several sets may repeat each other; covariates may not (`repeated`).
    """
    root = np.sqrt(weight)
    largest = max(sets, key=lambda codes: int(codes.max()), default=None)
    groups = [codes for codes in sets if codes is not largest]
    dummies = [codes == place for codes in groups for place in range(1, int(codes.max()) + 1)]
    first = np.column_stack([np.ones(len(root)), *dummies]) if largest is None or dummies else np.empty((len(root), 0))
    first = _columns([_less_means(column, root, largest) for column in first.T], len(root))
    basis = _span(first)
    bare = Held(root, largest, basis, 0)
    kept = _columns([bare.residual(_centred(column, weight)) for column in covariates.T], len(root))
    lengths = np.array([np.linalg.norm(root * _centred(column, weight)) for column in covariates.T])
    repeated = _repeated(kept, lengths)
    if repeated < 0 and kept.size:
        basis = np.column_stack([basis, np.linalg.qr(kept / np.linalg.norm(kept, axis=0))[0]])
    own = 0 if largest is None else int(largest.max()) + 1
    return Held(root, largest, basis, own + basis.shape[1], repeated)


def codes_of(values: Array) -> Array:
    """(n,) codes 0, 1, ... of the distinct values."""
    return np.asarray(np.unique(values, return_inverse=True)[1]).ravel()


def _centred(column: Array, weight: Array) -> Array:
    return np.asarray(column - np.average(column, weights=weight))


def _less_means(column: Array, root: Array, group: Array | None) -> Array:
    if group is None:
        return np.asarray(root * column)
    weight = root**2
    mean = np.bincount(group, weights=weight * column) / np.bincount(group, weights=weight)
    return np.asarray(root * (column - mean[group]))


def _columns(found: list[Array], rows: int) -> Array:
    return np.column_stack(found) if found else np.empty((rows, 0))


def _span(columns: Array) -> Array:
    """An orthonormal basis of the columns, of which some may repeat others."""
    if not columns.size:
        return np.empty((len(columns), 0))
    from scipy import linalg

    length = np.linalg.norm(columns, axis=0)
    scaled = columns[:, length > 0] / length[length > 0]
    q, r, _ = linalg.qr(scaled, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(r)) > TINY).sum())
    return np.asarray(q[:, :rank])


def _repeated(kept: Array, lengths: Array) -> int:
    """The first column of which nothing is left beside those before it, -1 without one."""
    if not kept.size:
        return -1
    r = np.linalg.qr(kept / np.where(lengths > 0, lengths, 1.0), mode="r")
    left = np.zeros(kept.shape[1])
    left[: len(r)] = np.abs(np.diag(r))
    gone = np.flatnonzero((left < TINY) | (lengths == 0))
    return int(gone[0]) if len(gone) else -1
