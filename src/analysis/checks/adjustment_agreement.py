"""Does adjusting for covariates change the answer? In a sound trial it sharpens the estimate and hardly moves it.

Reference: Freedman (2008); Lin (2013). The cut-off of one standard error is this project's choice.
"""

from __future__ import annotations

from collections.abc import Mapping

from analysis.checks._common import about
from analysis.fits.randomised_trial import Trial
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "The answer does not hang on whether, or how, it was adjusted."


def run(data: Rows, effects: Trial, path: Effects | None, *, level: float, gaps: Mapping[str, float]) -> Check:
    """Compares the headline with the other estimators of the same effect, in standard errors."""
    if not gaps:
        finding = (
            "No other estimator of the same effect was asked for, so that nothing shows whether adjusting matters."
        )
        return about("adjustment_agreement", "E101", ASSUMPTION, finding, "Name others under `estimators`.")
    if not effects.assigned:
        finding = (
            "The answer is the effect of taking part; the other estimators tell that of being assigned, and no gap "
        )
        return about("adjustment_agreement", "E101", ASSUMPTION, f"{finding}shows anything.", "Read them side by side.")
    answer = effects.average(level)
    error = answer.std_error or 0.0
    farthest = max(gaps, key=lambda name: abs(gaps[name]))
    gap = abs(gaps[farthest])
    far = gap > error > 0
    turned = (answer.value + gaps[farthest]) * answer.value < 0
    errors = f", {gap / error:.1f} standard errors" if error else ""
    other = "The other estimator" if len(gaps) == 1 else f"The farthest of {len(gaps)} other estimators"
    return Check(
        "adjustment_agreement",
        "E101",
        ASSUMPTION,
        f"{other} ({farthest}) differs from the answer by {{gap}}{errors}"
        f"{', and points the other way' if turned else ''}.",
        "Find the baseline column that drives it, and say which estimate was planned."
        if far
        else "Agreement cannot show an imbalance in what was not measured.",
        "warn" if far else "note",
        gap / error if error else None,
        amounts={"gap": gap},
    )
