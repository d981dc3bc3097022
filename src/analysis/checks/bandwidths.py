"""Does the answer hang on how far from the cut-off rows may lie? The same estimate with half to double the width.

A change counts when it is larger than chance explains, turns the sign by more than one standard error, or when fewer
rows find an effect that more rows do not.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._cutoff import moved
from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference.at_cutoff import at_width
from analysis.refusal import Refusal
from analysis.report.display import level_words
from analysis.result import Check, Effects, Estimate
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "The answer does not hang on how near the cut-off rows must lie."
FACTORS = (0.5, 0.75, 1.25, 2.0)


def run(data: Rows, effects: Discontinuity, path: Effects | None, *, level: float) -> Check:
    """The answer at 0.5, 0.75, 1.25 and 2 times its width."""
    answer = effects.average(level)
    tried = {}
    for factor in FACTORS:
        try:
            tried[factor] = at_width(data, effects, factor).average(level)
        except Refusal:
            continue
    hits = [
        factor for factor, one in tried.items() if moved(answer, one, len(tried)) or _unexpected(answer, one, factor)
    ]
    differs = [factor for factor, one in tried.items() if one.excludes(0.0) != answer.excludes(0.0)]
    values = {f"at_{place}": one.value for place, one in enumerate(tried.values())}
    said = [f"{{at_{place}}} at {factor:g} times the width" for place, factor in enumerate(tried)]
    return Check(
        "bandwidths",
        "E110",
        ASSUMPTION,
        f"The answer is {{answer}}; it is {', '.join(said)}.{_hits(hits)}{_zero(differs, level)}",
        "Do not read the answer as one number: quote the range over widths."
        if hits
        else "Narrow widths are noisy and wide ones biased; neither alone settles the answer.",
        "warn" if hits else "note",
        float(np.ptp([answer.value, *(one.value for one in tried.values())])),
        amounts={"answer": answer.value} | values,
    )


def _unexpected(answer: Estimate, one: Estimate, factor: float) -> bool:
    """Fewer rows find an effect where more do not, or more rows lose the one that fewer found."""
    return one.excludes(0.0) and not answer.excludes(0.0) if factor < 1 else answer.excludes(0.0) > one.excludes(0.0)


def _hits(hits: list[float]) -> str:
    if not hits:
        return ""
    times = " and ".join(f"{f:g}" for f in hits)
    return f" It changes by more than chance explains, or finds what more rows do not, at {times}."


def _zero(differs: list[float], level: float) -> str:
    if not differs:
        return ""
    times = " and ".join(f"{f:g}" for f in differs)
    return f" Whether the {level_words(level)} holds zero is answered differently at {times}."
