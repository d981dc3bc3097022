"""Nearest-neighbour matching with replacement, every tie kept, and the errors of Abadie and Imbens (2006)."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.panel import Array

TIE = 1e-9
OWN = 2  # neighbours in the own group that show how noisy an outcome is


def whitened(covariates: Array) -> Array:
    """(n, k) coordinates in which Euclidean distance is the Mahalanobis distance of the rows."""
    centred = covariates - covariates.mean(axis=0)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(centred, rowvar=False)))
    keep = values > 1e-12 * values.max()
    return np.asarray(centred @ vectors[:, keep] / np.sqrt(values[keep]))


def matches(seekers: Array, offered: Array, neighbours: int, calliper: float | None = None) -> Any:
    """Sparse (seekers, offered): each seeker's row spreads one over its nearest `neighbours` and all that tie with the
    last of them; empty where none lies within `calliper`."""
    from scipy import sparse
    from scipy.spatial import cKDTree

    tree = cKDTree(offered)
    reach = tree.query(seekers, k=min(neighbours, len(offered)))[0].reshape(len(seekers), -1)[:, -1]
    radius = reach * (1 + TIE) + TIE
    if calliper is not None:
        radius = np.minimum(radius, calliper)
    found = tree.query_ball_point(seekers, radius, return_sorted=True)
    sizes = np.array([len(one) for one in found])
    places = np.concatenate([np.asarray(one, dtype=int) for one in found])
    shares = np.repeat(1 / np.maximum(sizes, 1), sizes)
    return sparse.csr_array((shares, places, np.concatenate([[0], np.cumsum(sizes)])), (len(seekers), len(offered)))


def noise(outcome: Array, points: Array, needed: Array) -> Array:
    """(n,) variance of each outcome given covariates, from its nearest neighbours in the same group (Abadie and Imbens
    2006, section 4); zero where not `needed` (n,)."""
    from scipy import sparse
    from scipy.spatial import cKDTree

    found = np.zeros(len(outcome))
    rows = np.flatnonzero(needed)
    if not len(rows) or len(outcome) < 2:
        return found
    tree = cKDTree(points)
    count = min(OWN + 1, len(outcome))
    reach = tree.query(points[rows], k=count)[0][:, -1]
    near = tree.query_ball_point(points[rows], reach * (1 + TIE) + TIE, return_sorted=True)
    sizes = np.array([len(one) for one in near])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    place = sparse.csr_array((np.ones(sizes.sum()), np.concatenate([np.asarray(n) for n in near]), ends))
    place.resize((len(rows), len(outcome)))
    others = (place @ outcome - outcome[rows]) / (sizes - 1)
    found[rows] = (sizes - 1) / sizes * (outcome[rows] - others) ** 2
    return found


def variance(differences: Array, value: float, used: Array, squared: Array, spread: Array, *, everyone: bool) -> float:
    """Variance of a matching estimate (Abadie and Imbens 2006, theorem 7).

    differences: (m,) matched differences that are averaged to `value`. used: (n,) how often each row served as a match,
    squared: (n,) the sum of its squared shares, spread: (n,) its outcome's variance given covariates.
    """
    repeated = used**2 - squared + (2 * used if everyone else 0.0)
    many = len(differences)
    return float(((differences - value) ** 2).sum() / many**2 + (repeated * spread).sum() / many**2)
