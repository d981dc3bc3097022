"""How many independent cases stand behind the instruments? Many rows do not help if a few carry all the variation.

Reference: MacKinnon and Webb (2017) on few treated clusters; Young (2022), "Consistency without inference", on
instrumental variables with few clusters and high leverage. The threshold of ten is this project's, as elsewhere.
"""

from __future__ import annotations

from analysis.fits.instrumental_variable import problem_of
from analysis.inference import instruments
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "The interval is honest about how many independent cases the instruments come from."
FEW, MANY = 10, 30


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """Clusters, and how many equally weighted ones the instruments' variation is worth."""
    problem = problem_of(effects)
    worth = instruments.carriers(problem)
    kind = f"clusters ({data.labels.word(data.labels.cluster)})" if problem.errors == "clustered" else "rows"
    counted = f"The errors take {problem.clusters:,} {kind} as independent"
    repeated = problem.errors != "clustered" and data.unit is not None and len(data.units) < data.n
    if repeated:
        return _check(
            "E105",
            f"{counted}, but {data.labels.word(data.labels.unit)} repeats: rows of the same one are not independent.",
            f"Set `cluster: {data.labels.unit}` (or the level at which the instrument varies) and `errors: clustered`.",
            worth,
        )
    if worth >= FEW and (problem.errors != "clustered" or problem.clusters >= MANY):
        return _check(
            "E103",
            f"{counted}; the instruments' variation is worth {worth:,.0f} equally weighted ones.",
            "If the instrument was set above this level (by state for schools, say), name that level under `cluster`.",
            worth,
            severe=False,
        )
    return _check(
        "E104" if worth < FEW else "E103",
        f"{counted}, but the instruments' variation is worth only {worth:.1f} equally weighted ones: errors and "
        "t intervals would be too small. The answer's interval comes from a wild bootstrap instead.",
        "Find out which cases carry the instruments: what else happened in them would look like an effect.",
        worth,
    )


def _check(code: str, finding: str, advice: str, worth: float, *, severe: bool = True) -> Check:
    return Check("instrument_clusters", code, ASSUMPTION, finding, advice, "warn" if severe else "note", worth)
