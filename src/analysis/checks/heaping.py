"""Do many rows share certain scores, next to the cut-off above all? Rows on heaps are often different from the rest.

Reference: Barreca, Lindo and Waddell (2016), Economic Inquiry 54(1).
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import plain
from analysis.checks._cutoff import moved
from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference.at_cutoff import again
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.report.display import percent, significant
from analysis.result import Check, Effects, Estimate, Severity
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "Scores are not rounded or piled up on values of their own."
HEAP = 5  # times the usual number of rows for a score, and at least as many rows
SHARE = 0.01  # of the rows within the width, from which a heap can matter


def run(data: Rows, effects: Discontinuity, path: Effects | None, *, level: float) -> Check:
    """Finds scores with far more rows than is usual, and estimates again without them."""
    x = data.column(effects.running)
    distance = x - effects.cutoff
    near = (distance > -effects.width[0]) & (distance < effects.width[1])
    heaps, usual = _heaps(x[near])
    if not len(heaps):
        shared = 1 - len(np.unique(x[near])) / max(int(near.sum()), 1)
        finding = (
            f"No score near the cut-off holds {HEAP} times as many rows as is usual there ({plain(float(usual))}); "
            f"{percent(shared)} of the rows repeat a score of another."
        )
        return _check(finding, "Rounding that touches all scores alike would not show here.", "note")
    member = np.isin(x, heaps)
    answer = effects.average(level)
    try:
        other = _without(data, effects, ~member).average(level)
    except Refusal:
        return _check(f"{_found(heaps, member, near)} Without them nothing can be estimated.", _LOOK, "warn")
    hit = moved(answer, other)
    return _verdict(_found(heaps, member, near), answer, other, hit)


_LOOK = "Find out how the score is recorded, and whether rows on shared scores differ from the others."


def _verdict(found: str, answer: Estimate, other: Estimate, hit: bool) -> Check:
    changes = " It changes by more than chance explains." if hit else ""
    return _check(
        f"{found} The answer is {{answer}}; without these rows it is {{other}}.{changes}",
        _LOOK if hit else "A heap on one side of the cut-off could still hide sorting.",
        "warn" if hit else "note",
        {"answer": answer.value, "other": other.value},
    )


def _check(finding: str, advice: str, severity: Severity, amounts: dict[str, float] | None = None) -> Check:
    return Check("heaping", "E122", ASSUMPTION, finding, advice, severity, amounts=amounts or {})


def _heaps(x: Array) -> tuple[Array, float]:
    """Scores that hold at least HEAP rows, HEAP times the median and SHARE of all; and the median."""
    values, counts = np.unique(x, return_counts=True)
    usual = float(np.median(counts)) if len(counts) else 0.0
    return values[counts >= np.maximum(HEAP * max(usual, 1.0), SHARE * len(x))], usual


def _found(heaps: Array, member: Array, near: Array) -> str:
    many = f"{len(heaps)} scores" if len(heaps) > 1 else f"The score {significant(float(heaps[0]), 3)}"
    share = percent(float((member & near).sum() / near.sum()))
    return f"{many} near the cut-off hold{'' if len(heaps) > 1 else 's'} {share} of the rows there."


def _without(data: Rows, effects: Discontinuity, keep: Array) -> Effects:
    rest = data.only(keep, "on a shared score")
    if not effects.local:
        return effects.refit(rest)
    return again(rest, effects, given=(effects.width, effects.bias_width))
