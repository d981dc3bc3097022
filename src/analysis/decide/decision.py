"""The decision rule: what the estimate, the checks and the smallest effect that matters recommend together.

Chances read the estimate's t distribution as a posterior under a flat prior. The cut-off `SURE` is this project's
choice; a recommendation that rests on it names it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from analysis.decide.grounds import Grounds
from analysis.inference.trends import mean_distance
from analysis.result import AnyData, Check, Effects, Estimate
from analysis.rows import Rows
from analysis.studies.difference_in_differences import Study as Differences
from analysis.study import Study

Action = Literal["extend", "stop", "immaterial", "collect", "not_on_this", "withhold"]
SURE = 0.8
WORDS = {0: "none", 1: "weak", 2: "moderate", 3: "strong"}


@dataclass(frozen=True)
class Decision:
    """gain and harm: chances that the effect is at least `worthwhile` in the good and in the bad direction (None
    where the inference gives no distribution). step: strength of evidence, 1 weak to 3 strong, 0 when withheld.
    drift: difference in trends per period that would bring "no effect" into the interval; 0 if it is there already; for
    designs without trends the bias that would.
    breakdown: how many times the largest change in trends seen before may be exceeded afterwards before that happens;
    None where this was not found out.
    shock: there is no path over time, so that drift is a single change of one group. trends: the answer rests on
    parallel trends. overturning: the check that found out what would make no effect plausible. against: what the
    outcome was higher or lower than, in words.
    detectable: smallest effect that a test would find four times in five. single: one period before the policy, so that
    drift is one change from it to the periods under the policy.
    """

    action: Action
    gain: float | None
    harm: float | None
    step: int
    reason: str
    drift: float
    shock: bool
    detectable: float | None
    breakdown: float | None = None
    trends: bool = True
    overturning: Check | None = None
    against: str = "the comparison predicts"
    single: bool = False

    @property
    def strength(self) -> str:
        """The step in a word."""
        return WORDS[self.step]


def decide(
    study: Study, data: AnyData, effects: Effects, path: Effects | None, answer: Estimate, checks: Sequence[Check]
) -> Decision:
    """The decision that `answer` and `checks` support."""
    grounds: Grounds = import_module(f"analysis.decide.{study.FAMILY}").GROUNDS
    step, reason = strength(
        checks, grounds, study.design, bounded=answer.std_error is not None, unstated=answer.unstated
    )
    gain, harm = chances(answer, study.direction, study.worthwhile)
    small = max(abs(answer.low), abs(answer.high)) < study.worthwhile
    return Decision(
        action=recommend(gain, harm, step, found=answer.excludes(0.0) and answer.p_value <= 0.05, small=small),
        gain=gain,
        harm=harm,
        step=step,
        reason=reason,
        drift=drift(answer, _distance(study, data, effects, path)),
        shock=path is None,
        single=path is not None and _single(path),
        detectable=answer.detectable(),
        breakdown=next((c.statistic for c in checks if c.name == "parallel_trends"), None),
        trends=isinstance(study, Differences),
        overturning=next((check for check in checks if check.overturns), None),
        against=grounds.against,
    )


def _distance(study: Study, data: AnyData, effects: Effects, path: Effects | None) -> float:
    """Periods over which a difference in trends acts on average; one where the answer rests on no trend."""
    if not isinstance(study, Differences) or isinstance(data, Rows) or path is None or _single(path):
        return 1.0
    return mean_distance(data, effects, study.average)


def _single(path: Effects) -> bool:
    """No effect before the reference period: trends before the policy cannot be seen."""
    before = path.pre().table["event_time"]
    return not bool((before < (0 if path.reference is None else path.reference)).any())


def chances(answer: Estimate, direction: int, worthwhile: float) -> tuple[float | None, float | None]:
    """Chances of an effect at least `worthwhile` in the good and in the bad direction."""
    above, below = answer.chance_above(worthwhile), answer.chance_above(-worthwhile)
    if above is None or below is None:
        return None, None
    return (above, 1 - below) if direction > 0 else (1 - below, above)


def strength(
    checks: Sequence[Check], grounds: Grounds, design: str, *, bounded: bool, unstated: str = ""
) -> tuple[int, str]:
    """Strength of evidence, from 1 (weak) to 3 (strong), and why; 0 when a check says stop.

    Three steps less one for each kind of threat (others for themselves) with a check that cautions. Weak, whatever else
    was found, when a check made a fatal finding, or without a standard error (`bounded` false). Each check that is
    needed and missing counts like a caution. Never above what the design can reach.
    """
    stops = [check.name for check in checks if check.severity == "stop"]
    warned = [check for check in checks if check.severity == "warn" and check.name not in grounds.aside]
    if stops:
        return 0, f"withheld: {', '.join(stops)}"
    fatal = [check.name for check in warned if check.code in grounds.fatal.get(check.name, ())]
    if fatal:
        return 1, grounds.because.get(fatal[0], grounds.diverged)
    if not bounded:
        return 1, unstated or "too few clusters for a standard error"
    kinds = list(dict.fromkeys(grounds.kind(check.name) for check in warned))
    missing = [name for name in grounds.needed if name not in {check.name for check in checks}]
    most, limit = grounds.most(design)
    if missing:
        return max(1, min(most, 3 - len(missing) - len(kinds))), f"not checked: {', '.join(missing)}"
    if not kinds:
        return most, limit or f"none of {len(checks)} checks gave cause for caution"
    many = f"{len(warned)} of {len(checks)} checks"
    return max(1, min(most, 3 - len(kinds))), f"{many} caution, about {' and '.join(kinds)}"


def drift(answer: Estimate, distance: float) -> float:
    """The steady difference in trends that would bring no effect into the interval; zero where it is there."""
    if not answer.excludes(0.0):
        return 0.0
    nearest = min(abs(answer.low), abs(answer.high))
    return nearest / abs(distance) if distance else math.inf


def recommend(gain: float | None, harm: float | None, step: int, *, found: bool, small: bool) -> Action:
    """found: no effect is rejected, at the study's level and at five per cent. small: the interval holds no effect that
    matters."""
    if step == 0:
        return "withhold"
    if gain is None or harm is None or step == 1:
        return "not_on_this"
    if small:
        return "immaterial"
    if gain >= SURE and found:
        return "extend"
    if harm >= SURE and found:
        return "stop"
    return "collect"
