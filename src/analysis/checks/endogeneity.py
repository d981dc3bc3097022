"""Would least squares have said the same? The answer beside it shows what the instruments change.

Reference: Durbin (1954); Wu (1973); Hausman (1978), computed by adding the first stage's residual to the regression.
"""

from __future__ import annotations

from analysis.checks._common import ALPHA
from analysis.fits.instrumental_variable import problem_of
from analysis.inference import instruments
from analysis.report.display import p_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "Those with more treatment differ in other ways too: the reason to use an instrument."


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """Least squares beside the answer, and whether they differ by more than chance explains."""
    problem = problem_of(effects)
    test, plain = instruments.endogeneity(problem)
    apart = test.p_value < ALPHA
    return Check(
        "endogeneity",
        "E110",
        ASSUMPTION,
        f"Least squares gives {{plain}}, two-stage least squares {{answer}}: they differ by "
        f"{'more than chance explains' if apart else 'no more than chance may explain'} (p = {p_words(test.p_value)}).",
        "Either least squares is off, as expected, or the instrument is; this cannot tell which."
        if apart
        else "This is no evidence that least squares is right: the instruments may be too weak to show a difference.",
        "note",
        test.statistic,
        test.p_value,
        amounts={"plain": problem.change * plain, "answer": problem.change * instruments.two_stage(problem)},
    )
