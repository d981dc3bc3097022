"""What several checks do in the same way: estimate again with one thing changed, and compare the two answers.

Two answers from the same data share most of their noise, so that the error of their difference comes from the
difference of their contributions by cluster, not from their two errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from analysis.inference import few_clusters
from analysis.inference.permutation import permuted
from analysis.panel import Array, Panel
from analysis.report.display import fixed, level_words, p_words
from analysis.result import Check, Data, Effects, Estimate, t_interval

ALPHA = 0.05
DRAWS = 199  # of a permutation inside a check: p-values in steps of one in 200
UNNAMED = "one of them"  # what stands for a unit or row that is not a place, organisation or period
NOISE = 1e-9  # a difference below this share of the numbers compared is rounding


@dataclass(frozen=True)
class Gap:
    """The answer, the other answer, and their difference with bounds and p-value (NaN where no error is known)."""

    answer: float
    other: float
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan

    @property
    def value(self) -> float:
        """Other minus answer."""
        return self.other - self.answer

    @property
    def turned(self) -> bool:
        """The two point in opposite directions."""
        return self.answer * self.other < 0

    @property
    def clear(self) -> bool:
        """The difference is larger than chance explains."""
        return self.p_value <= ALPHA

    def amounts(self) -> dict[str, float]:
        """What the sentences name, in the unit of the outcome."""
        return {
            "answer": self.answer,
            "other": self.other,
            "gap": self.value,
            "gap_low": self.low,
            "gap_high": self.high,
        }

    def words(self, level: float) -> str:
        """The difference with its interval, as a template for `amounts`."""
        if math.isnan(self.low):
            return "{gap} (no interval with these clusters)"
        return f"{{gap}} ({level_words(level)} {{gap_low_number}} to {{gap_high}})"


def number(effects: Effects, average: str) -> float:
    """The average that answers, as a number."""
    return float(effects.along(average).averaged_over().estimate[0])


def options(effects: Effects) -> dict[str, Any]:
    """The choices behind `effects` that can be changed in a refit."""
    return dict(effects.refit.keywords) if isinstance(effects.refit, partial) else {}


def changed(effects: Effects, data: Data, **choices: Any) -> Effects:
    """`effects` estimated on `data` with some of its `options` changed. Raises Refusal as the design does."""
    refit: partial[Effects] = partial(effects.refit, **choices)
    return refit(data)


def compared(
    data: Data, effects: Effects, other: Effects, average: str, level: float, kept: Array | None = None
) -> Gap:
    """The average of `other`, estimated on the units (or rows) `kept` of `data`, beside that of `effects`.

    Without bounds where clusters are too few for an analytic error, or contributions by cluster are not known.
    """
    gap = Gap(number(effects, average), number(other, average))
    if abs(gap.value) <= NOISE * max(abs(gap.answer), abs(gap.other)):
        return Gap(gap.answer, gap.answer, 0.0, 0.0, 1.0)
    own, others = contributions(data, effects, average), contributions(data, other, average, kept)
    few = few_clusters.too_few(data, effects, average) or few_clusters.too_few(data, other, average)
    if own is None or others is None or few:
        return gap
    error = float(np.linalg.norm(others - own))
    return Gap(gap.answer, gap.other, *t_interval(gap.value, error, min(effects.df, other.df), level))


def contributions(data: Data, effects: Effects, average: str, kept: Array | None = None) -> Array | None:
    """(clusters of data,) what each cluster adds to the average of `effects`, estimated on the units or rows `kept`.

    None where the design does not say, or left out units of its own accord.
    """
    one = effects.along(average).averaged_over()
    if one.influence is None:
        return None
    used = np.ones(len(data.cluster), dtype=bool) if kept is None else kept
    if isinstance(data, Panel):
        used = used & ~((data.upcoming > 0) & (data.upcoming <= effects.anticipation))
    own, codes = one.influence()[:, 0], np.unique(data.cluster[used])
    if len(own) != len(codes):
        return None
    found = np.zeros(data.clusters)
    found[codes] = own
    return found


def permuted_p(panel: Panel, effects: Effects, average: str, seed: int) -> tuple[float, int]:
    """p-value of the average under reassignment of adoption dates, and the number of assignments compared."""
    values, _ = permuted(panel, effects, partial(number, average=average), seed=seed, draws=DRAWS)
    return float((np.abs(values) >= abs(values[0]) * (1 - 1e-9)).mean()), len(values)


def subset(data: Data, keep: Array, reason: str) -> Data:
    """The units or rows for which `keep` is true."""
    return data.only(keep, reason) if isinstance(data, Panel) else data.rows(keep)


def reached(data: Data) -> Array:
    """(units or rows,) whether the policy ever reached it."""
    return np.asarray(data.treated.any(axis=1) if isinstance(data, Panel) else data.treated)


def contrast(data: Data, keep: Array) -> bool:
    """Whether the units or rows kept hold treated ones, and untreated ones to compare with."""
    if isinstance(data, Panel) and data.staggered:
        return len(np.unique(data.adoption[keep])) > 1
    member = reached(data)[keep]
    return bool(member.any() and not member.all())


def about(name: str, code: str, assumption: str, finding: str, advice: str) -> Check:
    """A check that could not be made, or has nothing to look at: a note that says so."""
    return Check(name, code, assumption, finding, advice, "note")


def plain(label: Any) -> str:
    """A unit or period as people write it: 2, not 2.0."""
    return f"{label:g}" if isinstance(label, float | np.floating) else str(label)


def listed(names: list[str]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def some(names: list[str]) -> str:
    """Those left out: the first three by name, the others and those without a name counted."""
    known = [name for name in names if name != UNNAMED]
    hidden = len(names) - len(known)
    if hidden:
        return listed([*known[:3], UNNAMED if hidden == 1 else f"any of {hidden} of them"])
    return listed(known) if len(known) <= 3 else f"{', '.join(known[:3])} or {len(known) - 3} more"


def farthest(name: str) -> str:
    """Which one moves the answer most, where it may be named."""
    return "" if name == UNNAMED else f" (farthest without {name})"


def left_alone(name: str, assumption: str, found: Estimate, said: str, advice: str, level: float) -> Check:
    """The verdict on an outcome that should not move, `found` in its standard deviations.

    said: the sentence up to that number. advice: what to do where the outcome moved.
    """
    hit = found.p_value <= ALPHA
    low, high = fixed(found.low, 2), fixed(found.high, 2)
    return Check(
        name,
        "E110",
        assumption,
        f"{said} {fixed(found.value, 2)} of its standard deviations ({level_words(level)} {low} to {high}, p = "
        f"{p_words(found.p_value)}).",
        advice if hit else "The interval shows how much of this kind could have gone unnoticed.",
        "warn" if hit else "note",
        found.value,
        found.p_value,
        found.low,
        found.high,
    )
