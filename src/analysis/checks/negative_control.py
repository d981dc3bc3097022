"""An outcome that treatment cannot have moved: a difference there shows that the groups are not yet alike.

Reference: Lipsitch, Tchetgen Tchetgen and Cohen (2010), negative controls; Imbens and Rubin (2015), chapter 21, on an
earlier outcome held back from the covariates.
"""

from __future__ import annotations

from analysis.checks._common import ALPHA, about, left_alone
from analysis.checks._weighting import again, weighted, without
from analysis.refusal import Refusal
from analysis.result import Check, Effects, Estimate
from analysis.rows import Rows

FAMILIES = ("weighting",)
ASSUMPTION = "Weighted, the groups are alike in what treatment cannot have moved."


def run(rows: Rows, effects: Effects, path: Effects | None, *, negative_outcome: str | None, level: float) -> Check:
    """The same estimate on `negative_outcome`, held back from the covariates, in its standard deviations."""
    if negative_outcome is None:
        return _about(
            "No outcome is named that treatment cannot have moved, so that nothing shows whether groups alike in the "
            "covariates are alike otherwise.",
            "Name one under `negative_outcome`, such as the outcome before treatment.",
        )
    values = rows.column(negative_outcome)
    fit = weighted(effects)
    try:
        false = rows.with_outcome(values / values.std())
        found = again(fit, false, **without(fit, [negative_outcome])).average(level)
    except Refusal as refusal:
        return _about(f"The difference in {negative_outcome} cannot be estimated: {refusal.problem}.", "Name another.")
    return _verdict(found, negative_outcome, level)


def _verdict(found: Estimate, name: str, level: float) -> Check:
    hit = found.p_value <= ALPHA
    verdict = "still differs between the groups" if hit else "differs by no more than chance explains"
    said = f"{name}, which treatment cannot have moved, {verdict} once the other covariates are alike: by"
    advice = "The covariates do not make the groups alike; what is left may stand in the answer as well."
    return left_alone("negative_control", ASSUMPTION, found, said, advice, level)


def _about(finding: str, advice: str) -> Check:
    return about("negative_control", "E110", ASSUMPTION, finding, advice)
