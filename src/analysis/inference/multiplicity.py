"""Several tests at once: Holm's step-down, and Westfall and Young's, which knows how the tests move together."""

from __future__ import annotations

import numpy as np

from analysis.panel import Array


def holm(p_values: Array) -> Array:
    """(tests,) adjusted p-values (Holm 1979): valid whatever the dependence between tests."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(stepped, 1.0)
    return found


def westfall_young(statistics: Array) -> Array:
    """(tests,) adjusted p-values from absolute statistics (1 + draws, tests), the observed ones first.

    Free step-down with maxima over the hypotheses not yet stepped over (Westfall and Young 1993, algorithm 4.1); draws
    must come from the same reassignments for all tests.
    """
    absolute = np.abs(np.asarray(statistics, dtype=float))
    order = np.argsort(-absolute[0], kind="stable")
    running = np.maximum.accumulate(absolute[:, order[::-1]], axis=1)[:, ::-1]
    reached = (running >= running[0] * (1 - 1e-9)).mean(axis=0)
    found = np.empty(absolute.shape[1])
    found[order] = np.maximum.accumulate(reached)
    return found
