"""What the checks of weighted comparisons share: the fit they are about, and the estimate with one choice changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from analysis.fits.weighting import Weighted
from analysis.panel import Array
from analysis.result import Effects
from analysis.rows import Rows


def weighted(effects: Effects) -> Weighted:
    """The effects as a design of this family returns them."""
    assert isinstance(effects, Weighted)
    return effects


def again(effects: Weighted, rows: Rows, **choices: Any) -> Weighted:
    """`effects` estimated on `rows` with some choices changed; those that the design does not take are left aside.

    Raises Refusal as the design does.
    """
    assert isinstance(effects.refit, partial)
    taken = {name: value for name, value in choices.items() if name in effects.refit.keywords}
    refit: partial[Weighted] = partial(effects.refit, **taken)
    return refit(rows)


def without(effects: Weighted, names: Sequence[str]) -> dict[str, Any]:
    """The design's covariates, squares and modifiers less `names`."""
    assert isinstance(effects.refit, partial)
    found = {}
    for field in ("covariates", "squares", "modifiers"):
        given = effects.refit.keywords.get(field)
        if given is not None:
            found[field] = [name for name in given if name not in names]
    return found


@dataclass(frozen=True)
class Side:
    """One group under the design's weights. largest: the share of its largest weight; worth: the equally weighted rows
    that it is worth."""

    rows: int
    largest: float
    worth: float

    @property
    def share(self) -> float:
        """What it is worth, as a share of its rows."""
        return self.worth / self.rows


def sides(effects: Weighted) -> tuple[Side, Side]:
    """Treated and comparison group, under the weights before any regression."""
    on, off = (_side(effects.base[member]) for member in (effects.treated, ~effects.treated))
    return on, off


def _side(weights: Array) -> Side:
    size = np.abs(weights)
    worth = float(weights.sum() ** 2 / (weights**2).sum())
    return Side(len(weights), float(size.max() / size.sum()), worth)
