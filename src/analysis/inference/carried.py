"""A group's mean outcome carried over to other covariates: by weights, by a regression, or by both.

Each estimate comes with the contribution of every row, from the stacked estimating equations of all that is estimated
(Newey and McFadden 1994, section 6; Lunceford and Davidian 2004; Hirano and Imbens 2001; Robins, Rotnitzky and Zhao
1994), so that the sum of their squares is its variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.propensity import Propensity
from analysis.panel import Array


@dataclass(frozen=True, eq=False)
class Carried:
    """A mean: its value, rows' contributions (n,), and the weights (n,) of rows' outcomes that make it."""

    value: float
    contributions: Array
    weights: Array


def carry(
    outcome: Array,
    target: Array,
    share: Array,
    *,
    design: Array | None = None,
    regression: Array | None = None,
    propensity: Propensity | None = None,
    slope: Array | None = None,
    known: bool = False,
) -> Carried:
    """The mean outcome of one group, were its covariates those of `target`.

    target: (n,) weights of the rows whose covariates count, adding up to one. share: (n,) weights of the group's rows,
    adding up to one, or zeros where the regression alone carries. regression: (n,) weights of a least-squares
    regression of the outcome on `design` (n, k) in the group, zero outside it; without it nothing is predicted.
    propensity and `slope` (n,), how the logarithm of a weight moves with its linear index, where weights rest on one.
    known: contributions as if weights and regression were not estimated.
    """
    if regression is None or design is None:
        predicted, own, leverage = np.zeros_like(outcome), np.zeros_like(outcome), np.zeros_like(outcome)
    else:
        gram = (design * regression[:, None]).T @ design
        predicted = design @ np.linalg.solve(gram, (regression * outcome) @ design)
        leverage = regression * (design @ np.linalg.solve(gram, target @ design - share @ design))
        own = leverage * (outcome - predicted)
    level, rest = float(target @ predicted), float(share @ (outcome - predicted))
    spread = share * (outcome - predicted - (rest if share.any() else 0.0))
    own = target * (predicted - level) + spread + (0.0 if known else own)
    if not known and propensity is not None and design is not None and slope is not None:
        own = own + propensity.passed_on((spread * slope) @ design)
    return Carried(level + rest, own, share + leverage)


def standardised(
    outcome: Array, treated: Array, weight: Array, target: Array, design: Array, modifiers: Sequence[int]
) -> tuple[Carried, Carried]:
    """Predicted means with and without treatment over `target`, from one regression on treatment, `design` (n, k, the
    constant first) and its products with the columns `modifiers` (the g-formula: Robins 1986)."""
    inner = np.column_stack([np.ones(len(outcome)), design[:, list(modifiers)]])
    on, off = np.column_stack([design, inner]), np.column_stack([design, np.zeros_like(inner)])
    model = np.where(treated[:, None], on, off)
    gram = (model * weight[:, None]).T @ model
    coefficients = np.linalg.solve(gram, (weight * outcome) @ model)
    residual = outcome - model @ coefficients
    found = []
    for side in (on, off):
        predicted = side @ coefficients
        leverage = weight * (model @ np.linalg.solve(gram, target @ side))
        value = float(target @ predicted)
        found.append(Carried(value, leverage * residual + target * (predicted - value), leverage))
    return found[0], found[1]
