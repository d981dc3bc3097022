"""Do the instruments push anybody the other way? Then the estimate may lie outside all effects there are.

Reference: Imbens and Angrist (1994); Angrist and Imbens (1995) for what it implies at each level of the treatment.
"""

from __future__ import annotations

from analysis.checks._common import ALPHA, about
from analysis.checks.exclusion import said_plainly
from analysis.fits.instrumental_variable import problem_of
from analysis.inference.instrument_tests import pushes
from analysis.report.display import p_words, significant
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "The instruments push nobody the other way (monotonicity)."
ADVICE = "Ask who would react the other way, and whether they are many."


def run(data: Rows, effects: Effects, path: Effects | None, *, monotonicity: str, treatment: str) -> Check:
    """The study's reason, and whether the instruments raise the treatment at each of its levels."""
    problem = problem_of(effects)
    found = pushes(problem, data.column(treatment))
    against = found.p_value < ALPHA
    said = f"The study's reason: {said_plainly(monotonicity)}."
    if len(found.levels) < 2:
        finding = (
            f"{said} Cannot be checked with these data: {treatment} has two values, and pushes both ways would show "
        )
        return about("monotonicity", "E110", ASSUMPTION, f"{finding}only in their sum.", ADVICE)
    worst, p_value = significant(float(found.levels[found.worst]), 3), p_words(found.p_value)
    verdict = (
        f"where they should raise {treatment}, they lower the share of rows at or above {worst} (p = {p_value}, "
        f"adjusted for {len(found.levels)} levels)"
        if against
        else f"at none of {len(found.levels)} levels of {treatment} do they clearly lower the share of rows at or "
        f"above it (p = {p_value} where they come nearest, adjusted for the number of levels)"
    )
    return Check(
        "monotonicity",
        "E110",
        ASSUMPTION,
        f"{said} In these data, {verdict}.",
        "Look for groups that react the other way, and leave them out by a rule fixed in advance."
        if against
        else "People pushed both ways within one level of the treatment cannot be seen.",
        "warn" if against else "note",
        float(found.values[found.worst]),
        found.p_value,
    )
