"""Does the answer hang on the rows next to the cut-off, the ones most easily moved? The same estimate without them.

Reference: Barreca, Guldi, Lindo and Waddell (2011), Quarterly Journal of Economics 126(4).
"""

from __future__ import annotations

import numpy as np

from analysis.checks._cutoff import moved
from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference.at_cutoff import again
from analysis.refusal import Refusal
from analysis.result import Check, Effects, Estimate
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "The answer does not hang on the rows next to the cut-off."
SHARES = (0.01, 0.02)  # of the range of the score


def run(data: Rows, effects: Discontinuity, path: Effects | None, *, level: float) -> Check:
    """The answer without the rows within one and two per cent of the range of the score, at the same width."""
    answer, tried = effects.average(level), []
    for size in _sizes(data, effects):
        try:
            tried.append((_gone(data, effects, size), _without(data, effects, size).average(level)))
        except Refusal:
            continue
    if not tried:
        finding = "Without the rows next to the cut-off nothing can be estimated."
        advice = "More rows near the cut-off would allow this check."
        return Check("donut", "E110", ASSUMPTION, finding, advice, "warn")
    hit = any(moved(answer, one, len(tried)) for _, one in tried)
    return _verdict(answer, tried, hit)


def _verdict(answer: Estimate, tried: list[tuple[int, Estimate]], hit: bool) -> Check:
    said = [f"{{at_{k}}} without the {gone:,} nearest rows" for k, (gone, _) in enumerate(tried)]
    return Check(
        "donut",
        "E110",
        ASSUMPTION,
        f"The answer is {{answer}}; it is {' and '.join(said)}."
        f"{' It changes by more than chance explains.' if hit else ''}",
        "Find out what is special about the nearest rows; they may have been moved there."
        if hit
        else "Without the nearest rows the fit reaches further across the gap, and errors grow.",
        "warn" if hit else "note",
        float(max(abs(one.value - answer.value) for _, one in tried)),
        amounts={"answer": answer.value} | {f"at_{k}": one.value for k, (_, one) in enumerate(tried)},
    )


def _sizes(data: Rows, effects: Discontinuity) -> list[float]:
    """Distances left out: shares of the range, and at least the nearest score on each side."""
    x = data.column(effects.running)
    distance = np.abs(x - effects.cutoff)
    nearest = max(float(distance[x < effects.cutoff].min()), float(distance[x >= effects.cutoff].min()))
    return sorted({max(share * float(np.ptp(x)), 1.001 * nearest) + effects.donut for share in SHARES})


def _gone(data: Rows, effects: Discontinuity, size: float) -> int:
    return int((np.abs(data.column(effects.running) - effects.cutoff) < size).sum())


def _without(data: Rows, effects: Discontinuity, size: float) -> Effects:
    if not effects.local:
        return again(data, effects, donut=size)
    return again(data, effects, donut=size, given=(effects.width, effects.bias_width))
