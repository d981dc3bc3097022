"""Where two groups are found together: how chances of treatment spread in each, as they are and weighted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.fits.weighting import Weighted
from analysis.inference import propensity
from analysis.inference.covariate_balance import worth
from analysis.panel import Array
from analysis.rows import Rows

BINS = 32
SMALLEST = 10  # rows of a group in a bin whose share is shown as a number
APART = "chance of treatment outside the limits, or no match near enough"
FAR = 7.0  # log odds beyond which chances count as that: 0.1 and 99.9 per cent


@dataclass(frozen=True, eq=False)
class Spread:
    """Shares of a group's rows by chance of treatment. edges: (b+1,) log odds of chances; the others (b,), adding up to
    one: both groups as they are and weighted. counts: (2, b) rows of the treated and of the comparison group."""

    edges: Array
    treated: Array
    comparison: Array
    treated_weighted: Array
    comparison_weighted: Array
    counts: Array

    def merged(self) -> Spread:
        """Neighbouring bins put together until each holds no row of a group or at least ten."""
        kept, running = [0], np.zeros(2)
        for place in range(self.counts.shape[1]):
            running = running + self.counts[:, place]
            if not _few(running):
                kept.append(place + 1)
                running = np.zeros(2)
        if running.any():
            kept = kept[:-1] if len(kept) > 1 else kept
            kept.append(self.counts.shape[1])
        starts = kept[:-1]
        added = np.add.reduceat
        return Spread(
            edges=self.edges[kept],
            treated=added(self.treated, starts),
            comparison=added(self.comparison, starts),
            treated_weighted=added(self.treated_weighted, starts),
            comparison_weighted=added(self.comparison_weighted, starts),
            counts=added(self.counts, starts, axis=1),
        )


@dataclass(frozen=True)
class Use:
    """What its weights make of a group. worth: equally weighted rows; largest: share of the largest weight."""

    group: str
    rows: int
    worth: float
    largest: float


def _few(counts: Array) -> bool:
    """Whether a group has some rows but fewer than may be shown."""
    return bool(((counts > 0) & (counts < SMALLEST)).any())


def spread(rows: Rows, effects: Weighted, treatment: str, covariates: Sequence[str], squares: Sequence[str]) -> Spread:
    """How the chances of treatment spread among the rows used."""
    used = rows.rows(effects.kept)
    chances = np.clip(propensity.of_rows(used, treatment, covariates, squares), 1e-12, 1 - 1e-12)
    odds = np.clip(np.log(chances / (1 - chances)), -FAR, FAR)
    edges = np.linspace(np.floor(odds.min()), max(np.ceil(odds.max()), np.floor(odds.min()) + 1), BINS + 1)
    parts = []
    for weights in (used.weight, np.clip(effects.base, 0, None)):
        for member in (effects.treated, ~effects.treated):
            share = np.histogram(odds[member], edges, weights=weights[member])[0]
            parts.append(share / share.sum())
    counts = [np.histogram(odds[member], edges)[0] for member in (effects.treated, ~effects.treated)]
    return Spread(edges, parts[0], parts[1], parts[2], parts[3], np.array(counts))


def used(rows: Rows, effects: Weighted) -> Rows:
    """The rows behind the estimate; those that the design left out are counted as dropped."""
    return rows.only(effects.kept, APART)


def use(effects: Weighted) -> list[Use]:
    """What the weights make of both groups."""
    found = []
    for name, member in (("Treated", effects.treated), ("Comparison", ~effects.treated)):
        own = effects.base[member]
        found.append(Use(name, int(member.sum()), worth(own), float(np.abs(own).max() / np.abs(own).sum())))
    return found


def ranges(rows: Rows, effects: Weighted) -> dict[str, tuple[float, float, float]]:
    """Mean, lowest and highest of the inverse-probability weights, and of the stabilised ones; empty without any.

    Where only the comparison rows are weighted (the treated all count one) it is the odds that they are weighted by.
    """
    if not len(effects.raw):
        return {}
    weight = rows.weight[effects.kept]
    if (effects.raw[effects.treated] == 1).all():
        return {"odds": _range(effects.raw[~effects.treated], weight[~effects.treated])}
    stable = propensity.stabilised(effects.raw, effects.treated, weight)
    return {"raw": _range(effects.raw, weight), "stabilised": _range(stable, weight)}


def _range(values: Array, weight: Array) -> tuple[float, float, float]:
    return float(np.average(values, weights=weight)), float(values.min()), float(values.max())
