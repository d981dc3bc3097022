"""Do other ways to make the groups alike agree? A gap of more than two standard errors needs an explanation.

One standard error is the limit in other families. Here it would caution 26 % of comparisons in which nothing is wrong,
because matching to one neighbour is noisier than the rest; two caution 4 % (simulated: 200 tables of 1,500 rows, three
covariates). A gap of more than one that turns the sign is cautioned too. All of them assume that what was measured is
enough, so that agreement says nothing about that.
"""

from __future__ import annotations

from collections.abc import Mapping

from analysis.checks._common import about
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("weighting",)
FAR = 2.0
ASSUMPTION = "The answer does not hang on one way of making the groups alike."


def run(rows: Rows, effects: Effects, path: Effects | None, *, level: float, gaps: Mapping[str, float]) -> Check:
    """Compares the headline with every other estimator of the same effect: `gaps`, in the unit of the outcome."""
    if not gaps:
        finding = "No other estimator was asked for, so that nothing shows whether the answer hangs on this one."
        return about("weighting_agreement", "E101", ASSUMPTION, finding, "Name others under `estimators`.")
    answer = effects.average(level)
    error = answer.std_error or 0.0
    farthest = max(gaps, key=lambda name: abs(gaps[name]))
    apart = [name for name, gap in gaps.items() if abs(gap) > error]
    turned = [name for name in apart if (answer.value + gaps[name]) * answer.value < 0]
    part = bool(turned) or any(abs(gaps[name]) > FAR * error for name in apart)
    size = abs(gaps[farthest])
    errors = f"{size / error:.1f} standard errors" if error else "more than shared data explain"
    which = f"The farthest of {len(gaps)} other estimators" if len(gaps) > 1 else "The other estimator"
    rest = f"; {len(apart)} of {len(gaps)} lie more than one away" if apart and len(gaps) > 1 else ""
    opposite = f" It points the other way: {', '.join(turned)}." if turned else ""
    return Check(
        "weighting_agreement",
        "E101",
        ASSUMPTION,
        f"{which} ({farthest}) differs from the answer by {{gap}}, {errors}{rest}.{opposite}",
        _advice(part=part, apart=bool(apart)),
        "warn" if part else "note",
        size / error if error else None,
        amounts={"gap": size},
    )


def _advice(*, part: bool, apart: bool) -> str:
    if part:
        return "Find out where they part: few comparison rows, far matches, or an outcome not linear in the covariates."
    if apart:
        return "Noise alone parts these estimators by that much now and then; none of them tests what all assume."
    return "Agreement does not test what all of them assume: that what was measured is enough."
