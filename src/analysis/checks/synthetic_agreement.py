"""Do other ways to build the comparison agree? A gap of more than a standard error needs an explanation.

Reference: the threshold of one standard error is this project's choice. The estimators share their data: a gap says
that levels, trends or the choice of donors matter.
"""

from __future__ import annotations

from collections.abc import Mapping

from analysis.checks._common import about, listed
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import Panel
from analysis.report.display import fixed
from analysis.result import Check, Effects

FAMILIES = ("synthetic_control",)
ASSUMPTION = "The answer does not hang on one way to weight the donors."


def run(data: Panel, effects: Synthetic, path: Effects | None, *, level: float, gaps: Mapping[str, float]) -> Check:
    """Compares the headline with every other estimator of the same effect: `gaps`, in the unit of the outcome."""
    if not gaps:
        finding = "No other estimator was asked for, so that nothing shows whether the answer hangs on this one."
        return about("synthetic_agreement", "E101", ASSUMPTION, finding, "Name others under `estimators`.")
    gaps = {name.replace(" did", " difference in differences"): gap for name, gap in gaps.items()}
    answer = effects.average(level)
    error = answer.std_error or 0.0
    farthest = max(gaps, key=lambda name: abs(gaps[name]))
    apart = [name for name, gap in gaps.items() if abs(gap) > (error or abs(answer.value) / 2)]
    against = [name for name, gap in gaps.items() if (answer.value + gap) * answer.value < 0]
    size = abs(gaps[farthest])
    errors = f"{fixed(size / error, 1)} standard errors" if error else "no error is known to hold against it"
    many = f"the farthest of {len(gaps)} other estimators" if len(gaps) > 1 else "the other estimator"
    rest = f" More than one away: {listed(apart)}." if error and len(gaps) > 1 and apart else ""
    turned = f" Pointing the other way: {listed(against)}." if against else ""
    return Check(
        "synthetic_agreement",
        "E101",
        ASSUMPTION,
        f"{many[:1].upper()}{many[1:]} ({farthest}) differs from the answer by {{gap}}: {errors}.{rest}{turned}",
        "Say which of them the decision is about: they differ in level, in the years and in the donors they lean on."
        if apart or against
        else "Agreement does not test what all of them assume: that nothing else happened to the treated unit then.",
        "warn" if apart or against else "note",
        size / error if error else None,
        amounts={"gap": size},
    )
