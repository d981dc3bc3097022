"""An outcome that the policy should leave alone: an effect on it points to something else that happened.

Reference: Lipsitch, Tchetgen Tchetgen and Cohen (2010), negative controls.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import ALPHA, about, changed, left_alone, options
from analysis.inference import few_clusters
from analysis.refusal import Refusal
from analysis.result import Check, Data, Effects, Estimate

ASSUMPTION = "Nothing else changed at the same time: an outcome that the policy cannot touch did not move."


def run(
    data: Data,
    effects: Effects,
    path: Effects | None,
    *,
    placebo_outcome: str | None,
    average: str,
    level: float,
    draws: int,
    seed: int,
) -> Check:
    """The same estimate on `placebo_outcome`, in standard deviations of that outcome."""
    if placebo_outcome is None:
        finding = (
            "No outcome is named that the policy should leave alone, so that nothing shows whether something else "
        )
        return _about(f"{finding}changed at the same time.", "Name one under `placebo_outcome`.")
    try:
        false, effect = _on(data, effects, placebo_outcome)
        found = few_clusters.headline(false, effect, average=average, level=level, seed=seed, draws=draws)
    except Refusal as refusal:
        finding = f"The effect on {data.labels.word(placebo_outcome)} cannot be estimated: {refusal.problem}."
        return _about(finding, "Name another outcome under `placebo_outcome`.")
    return _verdict(found, data.labels.word(placebo_outcome), level)


def _on(data: Data, effects: Effects, name: str) -> tuple[Data, Effects]:
    """The data with that outcome in its standard deviations, and its effects; what the answer holds constant is held
    constant again, less that outcome itself."""
    values = data.covariates[name]
    false = data.with_outcome(values / np.nanstd(values))
    held = options(effects).get("covariates")
    if held is None:
        return false, effects.refit(false)
    return false, changed(effects, false, covariates=[other for other in held if other != name])


def _verdict(found: Estimate, name: str, level: float) -> Check:
    verdict = "moved with the policy" if found.p_value <= ALPHA else "did not move by more than chance explains"
    said = f"{name[:1].upper()}{name[1:]}, which the policy should leave alone, {verdict}:"
    advice = "Find out what else changed in these units then; the answer may contain it."
    return left_alone("placebo_outcome", ASSUMPTION, found, said, advice, level)


def _about(finding: str, advice: str) -> Check:
    return about("placebo_outcome", "E110", ASSUMPTION, finding, advice)
