"""Does the outcome jump where nothing happens? The same estimate at cut-offs that no rule uses, on each side alone.

Reference: Imbens and Lemieux (2008), Journal of Econometrics 142(2); Holm (1979) for the number of tests.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import ALPHA
from analysis.checks._cutoff import holm, p_said
from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference.at_cutoff import made_up
from analysis.report.display import level_words, significant
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "The outcome does not jump where no rule makes it jump."


def run(data: Rows, effects: Discontinuity, path: Effects | None, *, level: float) -> Check:
    """The jump at the quartiles of the score on each side, using rows of that side only."""
    found = made_up(data, effects, level)
    if not found:
        finding = "Neither side has rows enough for a cut-off of its own."
        advice = "More rows on each side would allow this check."
        return Check("placebo_cutoffs", "E110", ASSUMPTION, finding, advice, "note")
    p_values = holm(np.array([one.p_value for one in found.values()]))
    place = int(np.argmin(p_values))
    cutoff, largest = list(found)[place], list(found.values())[place]
    hit = p_values[place] <= ALPHA
    over = f"lowest {p_said(float(p_values[place]))} after correction for {len(found)} tests"
    return Check(
        "placebo_cutoffs",
        "E110",
        ASSUMPTION,
        f"At {len(found)} made-up cut-offs the jump {'is' if hit else 'is nowhere'} larger than chance explains "
        f"({over}). "
        f"The clearest is {{jump}} at {significant(cutoff, 3)} ({level_words(level)} {{low_number}} to {{high}}).",
        "The outcome bends in ways that the fit mistakes for jumps: compare the jump at the cut-off with these."
        if hit
        else "The interval shows how large a jump could have gone unnoticed there.",
        "warn" if hit else "note",
        largest.value,
        float(p_values[place]),
        largest.low,
        largest.high,
        amounts={"jump": largest.value, "low": largest.low, "high": largest.high},
    )
