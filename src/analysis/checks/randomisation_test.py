"""Does the conclusion survive a test that needs the draw and nothing else? The arms are reassigned as chance did.

Reference: Fisher (1935); Young (2019), who found many published trials whose regression p-values were too small.
"""

from __future__ import annotations

from analysis.checks._common import ALPHA, about
from analysis.fits.randomised_trial import Trial
from analysis.refusal import Refusal
from analysis.report.display import level_words, p_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "The conclusion does not hang on the theory behind a standard error."


def run(data: Rows, effects: Trial, path: Effects | None, *, level: float) -> Check:
    """The permutation test and interval of the same estimate, beside the design's own."""
    try:
        drawn = effects.refit(data, uncertainty="permutation").average(level)  # type: ignore[call-arg]
        other = effects.refit(data, uncertainty="design").average(level)  # type: ignore[call-arg]
    except Refusal as refusal:
        finding = f"The assignment cannot be redrawn: {refusal.problem}."
        return about(
            "randomisation_test", "E103", ASSUMPTION, finding, "Name the level that was drawn, if it is known."
        )
    apart = drawn.excludes(0.0) != other.excludes(0.0) or (drawn.p_value <= ALPHA) != (other.p_value <= ALPHA)
    return Check(
        "randomisation_test",
        "E103",
        ASSUMPTION,
        f"Had chance assigned the arms otherwise, an effect as large would arise with p = {p_words(drawn.p_value)}; "
        f"the standard error gives {p_words(other.p_value)}. The {level_words(level)} of effects that reassignment "
        "does not reject is {low_number} to {high}. The test asks about an effect of the same size for all.",
        "Rest no decision on the sign alone: two sound ways of reading the same data part here."
        if apart
        else "Agreement does not test how the draw was made, only what follows from it.",
        "warn" if apart else "note",
        drawn.value,
        drawn.p_value,
        drawn.low,
        drawn.high,
        {"low": drawn.low, "high": drawn.high},
    )
