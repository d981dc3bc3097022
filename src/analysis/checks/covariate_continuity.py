"""Does anything jump at the cut-off that the policy cannot have changed? Traits settled before should pass smoothly.

Reference: Lee and Lemieux (2010), section 4; Holm (1979) for the number of tests.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import ALPHA, listed
from analysis.checks._cutoff import between, holm, p_said
from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference.at_cutoff import Jump, jumps
from analysis.report.display import significant
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "What the policy cannot have changed passes smoothly through the cut-off."


def run(data: Rows, effects: Discontinuity, path: Effects | None, *, placebo_columns: list[str], level: float) -> Check:
    """The jump in each of `placebo_columns`, estimated as the answer is, p-values corrected for their number."""
    found = jumps(data, effects, placebo_columns, level)
    if not found:
        named = "can be estimated with these rows" if placebo_columns else "is named"
        finding = f"No jump in anything that the policy cannot have changed {named}: nothing shows whether the sides"
        advice = "Name columns that the policy cannot have changed under `placebo_columns`."
        return Check("covariate_continuity", "E122", ASSUMPTION, f"{finding} are alike.", advice, "warn")
    p_values = holm(np.array([one.p_value for one in found.values()]))
    return _verdict(found, dict(zip(found, p_values, strict=True)), level)


def _verdict(found: dict[str, Jump], p_values: dict[str, float], level: float) -> Check:
    hits = [name for name, p in p_values.items() if p <= ALPHA]
    words = [
        f"{name} by {significant(one.value, 2)} {between(one, level)}, {p_said(p_values[name])}"
        for name, one in found.items()
    ]
    many = f" (corrected for {len(found)} tests)" if len(found) > 1 else ""
    verdict = f"{listed(hits)} {'jump' if len(hits) > 1 else 'jumps'} by more than chance explains: " if hits else ""
    return Check(
        "covariate_continuity",
        "E122",
        ASSUMPTION,
        f"{verdict}{'towards' if hits else 'Towards'} the treated side {'; '.join(words)}{many}.",
        "Find out why the sides differ; adjusting for these columns does not repair it."
        if hits
        else "The intervals show how different the sides could be; characteristics not listed were not looked at.",
        "warn" if hits else "note",
        float(len(hits)),
        min(p_values.values()),
    )
