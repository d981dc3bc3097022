"""Do defensible estimators of the same effect agree? A gap of more than a standard error needs an explanation.

Reference: the threshold of one standard error is this project's choice. The estimators share their data, so that a gap
is mostly not noise: it says that something they treat differently (comparison units, weights, early periods) matters.
"""

from __future__ import annotations

from collections.abc import Mapping

from analysis.checks._common import NOISE
from analysis.result import Check, Data, Effects

ASSUMPTION = "The answer does not hang on the choice of one estimator."


def run(
    data: Data, effects: Effects, path: Effects | None, *, average: str, level: float, gaps: Mapping[str, float]
) -> Check:
    """Compares the headline with every other estimator of the same effect: `gaps`, in the unit of the outcome."""
    if not gaps:
        return _alone()
    answer = effects.along(average).average(level)
    error = answer.std_error or 0.0
    farthest = max(gaps, key=lambda name: abs(gaps[name]))
    apart = [name for name, gap in gaps.items() if abs(gap) > error]
    against = [name for name in apart if (answer.value + gaps[name]) * answer.value < 0]
    gap = abs(gaps[farthest])
    if gap <= NOISE * abs(answer.value):
        return _same(len(gaps))
    return _verdict(farthest, gap, error, apart, against, len(gaps))


def _verdict(farthest: str, gap: float, error: float, apart: list[str], against: list[str], many: int) -> Check:
    errors = f"{gap / error:.1f} standard errors" if error else "more than the shared data explain"
    away = f"The farthest of {many} other estimators ({farthest}) differs from the answer by {{gap}}, {errors}"
    if many == 1:
        away = f"The other estimator ({farthest}) differs from the answer by {{gap}}, {errors}"
    rest = f"; {len(apart)} of {many} lie more than one away ({', '.join(apart)})" if apart and many > 1 else ""
    turned = f" It points the other way: {', '.join(against)}." if against else ""
    return Check(
        "agreement",
        "E101",
        ASSUMPTION,
        f"{away}{rest}.{turned}",
        "Say which comparison units, weights and periods each estimator uses, and which of them the decision is about."
        if apart
        else "Agreement does not test what all of them assume: parallel trends.",
        "warn" if apart else "note",
        gap / error if error else None,
        amounts={"gap": gap},
    )


def _same(many: int) -> Check:
    who = "The other estimator gives" if many == 1 else f"All {many} other estimators give"
    finding = f"{who} the same number: with these data they make the same comparison."
    advice = "Agreement of this kind tests nothing: look for an estimator that compares otherwise."
    return Check("agreement", "E101", ASSUMPTION, finding, advice, "note", 0.0)


def _alone() -> Check:
    return Check(
        "agreement",
        "E101",
        ASSUMPTION,
        "No other estimator was asked for, so that nothing shows whether the answer hangs on this one.",
        "Name others under `estimators` in the parameter file.",
        "note",
    )
