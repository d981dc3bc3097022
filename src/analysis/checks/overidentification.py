"""Do several instruments tell the same story? If each were valid, and the effect the same for all, they would.

Reference: Sargan (1958); Hansen (1982); Parente and Santos Silva (2012) on what the test can and cannot show.
"""

from __future__ import annotations

from analysis.checks._common import ALPHA, about
from analysis.fits.instrumental_variable import problem_of
from analysis.inference import instruments
from analysis.report.display import p_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "Every instrument leads to the same effect."


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """Sargan's test under classical errors, else Hansen's J, and the estimates of each instrument alone."""
    problem = problem_of(effects)
    test = instruments.overidentification(problem)
    if test is None:
        finding = "One instrument cannot be checked against another: nothing in these data can show that it is wrong."
        return about("overidentification", "E110", ASSUMPTION, finding, "A second instrument would allow a check.")
    alone = sorted(instruments.each_alone(problem), key=lambda line: problem.change * line.value)
    apart = test.p_value < ALPHA
    verdict = "disagree by more than chance explains" if apart else "do not disagree by more than chance explains"
    name = "Sargan" if problem.errors == "classical" else "Hansen's J"
    return Check(
        "overidentification",
        "E110",
        ASSUMPTION,
        f"The {problem.count} instruments {verdict} ({name} {test.statistic:.2f}, p = {p_words(test.p_value)}): "
        f"{alone[0].name} alone gives {{lowest}}, {alone[-1].name} alone {{highest}}.",
        "At least one of them reaches the outcome by another way, or they move people with other effects."
        if apart
        else "Instruments that share one fault agree too; this compares them with each other, not with the truth.",
        "warn" if apart else "note",
        test.statistic,
        test.p_value,
        amounts={"lowest": problem.change * alone[0].value, "highest": problem.change * alone[-1].value},
    )
