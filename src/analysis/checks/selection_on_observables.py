"""Is what was measured enough? The one assumption that these data cannot test, said in so many words.

Reference: Rosenbaum and Rubin (1983), strong ignorability; Rubin (2007) on writing down how treatment came about.
"""

from __future__ import annotations

from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("weighting",)
ASSUMPTION = "Among rows alike in the covariates, who was treated has nothing to do with the outcome without treatment."


def run(rows: Rows, effects: Effects, path: Effects | None, *, covariates: list[str]) -> Check:
    """Says what is held alike, and that nobody can check whether it is enough."""
    alike = f"in {len(covariates)} covariates" if len(covariates) > 1 else f"in {covariates[0]}" if covariates else ""
    made = f"The groups are made alike {alike}" if alike else "The groups are taken as they are"
    return Check(
        "selection_on_observables",
        "E110",
        ASSUMPTION,
        f"{made}; whether something else led to treatment and moves the outcome cannot be checked with these data, and "
        "if so it is part of the answer.",
        "Write down how treatment came about, and which of its reasons are among the covariates.",
        "note",
    )
