"""Does the answer hang on one covariate? The same estimate without each of them in turn.

What leaving out a measured covariate does is a yardstick for an unmeasured one of the same strength. A caution is given
where that would turn the sign, or bring zero into the interval.
"""

from __future__ import annotations

from analysis.checks._common import about
from analysis.checks._weighting import again, weighted, without
from analysis.refusal import Refusal
from analysis.result import Check, Effects, Estimate
from analysis.rows import Rows

FAMILIES = ("weighting",)
ASSUMPTION = "The answer does not hang on a single covariate."


def run(rows: Rows, effects: Effects, path: Effects | None, *, covariates: list[str], level: float) -> Check:
    """The answer without each covariate (and its square)."""
    fit = weighted(effects)
    answer = fit.average(level)
    moved, needed = {}, []
    for name in covariates if len(covariates) > 1 else []:
        try:
            moved[name] = again(fit, rows, **without(fit, [name])).average(level).value - answer.value
        except Refusal:
            needed.append(name)
    if not moved:
        finding = "There is no covariate that could be left out, so that the answer rests on all of what is held alike."
        return about("specification_sensitivity", "E116", ASSUMPTION, finding, "Name more covariates if there are any.")
    return _verdict(answer, moved, needed)


def _verdict(answer: Estimate, moved: dict[str, float], needed: list[str]) -> Check:
    farthest = max(moved, key=lambda name: abs(moved[name]))
    gap = moved[farthest]
    turned = (answer.value + gap) * answer.value < 0
    reach = min(abs(answer.low), abs(answer.high))
    undone = answer.excludes(0.0) and any(abs(one) > reach for one in moved.values())
    consequence = (
        " Holding constant a further cause as important as that could move it back as far, and bring zero into the "
        "interval."
        if undone
        else ""
    )
    rest = f" Without {', '.join(needed)} it cannot be estimated." if needed else ""
    return Check(
        "specification_sensitivity",
        "E116",
        ASSUMPTION,
        f"Of {len(moved)} covariates, leaving out {farthest} moves the answer most: by {{gap}}, to {{other}}."
        f"{' It then points the other way.' if turned else ''}{consequence}{rest}",
        "Ask what else is as important as this covariate and was not measured."
        if turned or undone
        else "Covariates that matter little here do not show that the ones left out would.",
        "warn" if turned or undone else "note",
        gap,
        amounts={"gap": gap, "other": answer.value + gap},
    )
