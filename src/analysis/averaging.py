"""Averages of estimates whose weights are themselves estimated: the delta method on arrays."""

from __future__ import annotations

import numpy as np

from analysis.panel import Array


def averaged(estimate: Array, inside: Array, share: Array, member: Array | None) -> tuple[Array, Array, Array]:
    """Weights (M, K), averages (M,) and the Jacobian (M+G, K+G) of averages and shares by pieces and shares.

    Args:
        estimate: (K,) pieces; share: (G,) sizes of cohorts.
        inside: (M, K) fixed part of each weight. member: (K, G) the cohort of each piece, when cohort shares multiply
            the fixed part; None when they do not.

    An average with weights w_k / sum(w), w_k = inside_k p_g(k), changes with p_g by inside_k (estimate_k - average) /
    sum(w) for the pieces of cohort g (Callaway and Sant'Anna 2021, corollary 2).
    """
    k, g, m = len(estimate), len(share), len(inside)
    raw = inside if member is None else inside * (member @ share)
    total = raw.sum(axis=1, keepdims=True)
    weights = raw / total
    values = weights @ estimate
    jacobian = np.zeros((m + g, k + g))
    jacobian[:m, :k] = weights
    if member is not None:
        gap = inside * (estimate[None, :] - values[:, None])
        jacobian[:m, k:] = gap @ member / total
    jacobian[m:, k:] = np.eye(g)
    return weights, values, jacobian
