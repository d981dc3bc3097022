"""The decision rule: what the estimate, the checks and the smallest effect that matters recommend together.

Chances read the estimate's t distribution as a posterior under a flat prior. The cut-offs are this project's choice
and are printed with every recommendation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.inference.trends import mean_distance
from analysis.result import Check, Data, Effects, Estimate
from analysis.study import Study

Action = Literal["extend", "stop", "immaterial", "collect", "not_on_this", "withhold"]
SURE, DOUBTFUL = 0.8, 0.2
WORDS = {0: "none", 1: "weak", 2: "moderate", 3: "strong"}


@dataclass(frozen=True)
class Decision:
    """gain and harm: chances that the effect is at least `worthwhile` in the good and in the bad direction (None
    where the inference gives no distribution). step: strength of evidence, 1 weak to 3 strong, 0 when withheld.
    drift: difference in trends per period that would bring "no effect" into the interval; 0 if it is there already.
    shock: there is no path over time, so that drift is a single change of one group.
    detectable: smallest effect that a test would find four times in five.
    """

    action: Action
    gain: float | None
    harm: float | None
    step: int
    reason: str
    drift: float
    shock: bool
    detectable: float | None

    @property
    def strength(self) -> str:
        """The step in a word."""
        return WORDS[self.step]


def decide(
    study: Study, data: Data, effects: Effects, path: Effects | None, answer: Estimate, checks: Sequence[Check]
) -> Decision:
    """The decision that `answer` and `checks` support."""
    step, reason = strength(checks)
    gain, harm = chances(answer, study.direction, study.worthwhile)
    return Decision(
        action=_action(gain, harm, step, powered=(answer.detectable() or math.inf) <= study.worthwhile),
        gain=gain,
        harm=harm,
        step=step,
        reason=reason,
        drift=drift(answer, 1.0 if path is None else mean_distance(data, effects, path, study.average)),
        shock=path is None,
        detectable=answer.detectable(),
    )


def chances(answer: Estimate, direction: int, worthwhile: float) -> tuple[float | None, float | None]:
    """Chances of an effect at least `worthwhile` in the good and in the bad direction."""
    above, below = answer.chance_above(worthwhile), answer.chance_above(-worthwhile)
    if above is None or below is None:
        return None, None
    return (above, 1 - below) if direction > 0 else (1 - below, above)


def strength(checks: Sequence[Check]) -> tuple[int, str]:
    """Three steps less one for each check that warns, not below one; zero when a check says stop."""
    stops = [check.name for check in checks if check.severity == "stop"]
    warns = [check.name for check in checks if check.severity == "warn"]
    if stops:
        return 0, f"withheld: {', '.join(stops)}"
    if not checks:
        return 1, "no check was made"
    step = max(1, 3 - len(warns))
    if not warns:
        return step, f"none of {len(checks)} checks gave cause for caution"
    return step, f"{len(warns)} of {len(checks)} checks give cause for caution"


def drift(answer: Estimate, distance: float) -> float:
    """The steady difference in trends that would bring no effect into the interval; zero where it is there."""
    if not answer.excludes(0.0):
        return 0.0
    nearest = min(abs(answer.low), abs(answer.high))
    return nearest / distance


def _action(gain: float | None, harm: float | None, step: int, *, powered: bool) -> Action:
    """powered: an effect that matters would be found four times in five; without it, a null result is no result."""
    if step == 0:
        return "withhold"
    if gain is None or harm is None or step == 1:
        return "not_on_this"
    if gain >= SURE:
        return "extend"
    if harm >= SURE:
        return "stop"
    if powered and gain + harm <= DOUBTFUL:
        return "immaterial"
    return "collect"
