"""The same weighted difference under the conventions of errors in use for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from analysis.estimate import Estimate, t_interval
from analysis.fits.weighting import Weighted
from analysis.rows import Rows

LEVERAGE = "robust errors that take the weights as known, each residual over one less its leverage (HC3); normal "
LEVERAGE += "distribution"


def conventions(rows: Rows, effects: Weighted, *, level: float) -> list[Estimate]:
    """With errors that count the estimation of the weights, and with those that do not; only the effects' own where
    the design knows no other."""
    if not isinstance(effects.refit, partial) or "known_weights" not in effects.refit.keywords:
        return [effects.average(level)]
    fits = [partial(effects.refit, known_weights=known)(rows) for known in (False, True)]
    found = [one.average(level) for one in fits]
    plain = np.array_equal(effects.base, effects.weights)
    return [*found, _leverage(fits[1], level)] if plain and not rows.clustered else found


def _leverage(known: Weighted, level: float) -> Estimate:
    """In a weighted difference of means the leverage of a row is its share of its group's weight."""
    assert known.influence is not None
    error = float(np.sqrt(((known.influence()[:, 0] / (1 - known.weights)) ** 2).sum()))
    answer = known.average(level)
    low, high, p_value = t_interval(answer.value, error, np.inf, level)
    return replace(answer, std_error=error, low=low, high=high, p_value=p_value, inference=LEVERAGE)
