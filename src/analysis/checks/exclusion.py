"""Do the instruments reach the outcome through the treatment alone? It cannot be checked; how much would matter can.

Reference: Conley, Hansen and Rossi (2012), "Plausibly exogenous": the set of effects when instruments may touch the
outcome directly within bounds; here the bound from which on that set holds zero.
"""

from __future__ import annotations

from analysis.fits.instrumental_variable import instrumented, problem_of
from analysis.inference import instruments
from analysis.report.display import percent
from analysis.result import Check, Effects, t_interval
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "The instruments reach the outcome through the treatment alone (exclusion)."
ADVICE = (
    "Argue it from how the instrument came about; look for an outcome or a group that only a direct way could touch."
)


def run(
    data: Rows, effects: Effects, path: Effects | None, *, exclusion: str, intervention: str, level: float
) -> Check:
    """The study's reason, and the direct effect of the instruments that would make no effect plausible."""
    said = f"Cannot be checked with these data. The study's reason: {said_plainly(exclusion)}."
    answer = effects.average(level)
    if not answer.excludes(0.0):
        finding = f"{said} Zero is plausible even without a direct way."
        return Check("exclusion", "E110", ASSUMPTION, finding, ADVICE, "note")
    nearest, whole = _nearest(effects, answer.low, answer.high, level)
    share = nearest / whole
    direct = (
        f"touched the outcome directly by {{direct}} for as much of them as brings {intervention}: "
        f"{percent(share)} of what goes with them in all"
    )
    return Check(
        "exclusion",
        "E110",
        ASSUMPTION,
        f"{said} Zero becomes plausible if the instruments {direct}.",
        ADVICE,
        "note",
        share,
        amounts={"direct": nearest, "all": whole},
        overturns=f"Zero becomes plausible if the instruments {direct}.",
    )


def _nearest(effects: Effects, low: float, high: float, level: float) -> tuple[float, float]:
    """The direct effect from which on zero is plausible, and all that goes with the instruments; from the regression of
    the outcome on them, or from the answer's interval where that comes from a bootstrap."""
    problem = problem_of(effects)
    line = instruments.on_index(problem)
    whole = problem.change * line.value
    if instrumented(effects).rule != "bootstrap":
        ends = t_interval(line.value, line.error, line.df, level)[:2]
        low, high = sorted(problem.change * end for end in ends)
    return (max(low, 0.0) if whole > 0 else min(high, 0.0)), whole


def said_plainly(text: str) -> str:
    """A person's sentence, safe inside a template and ready for a full stop."""
    return text.strip().rstrip(".").replace("{", "{{").replace("}", "}}")
