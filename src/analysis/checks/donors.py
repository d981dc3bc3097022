"""Are there enough donors, and does the comparison rest on several of them?

Reference: with J donors a permutation p-value cannot fall below 1/(J+1); the thresholds (ten donors, half of the
weight) are this project's.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import listed, plain
from analysis.checks._synthetic import weights
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import Panel
from analysis.report.display import fixed, p_words, percent
from analysis.result import Check, Effects

FAMILIES = ("synthetic_control",)
ASSUMPTION = "Enough donors, untouched by the policy and by shocks of their own, carry the comparison."
ENOUGH, HALF, CARRIES = 10, 0.5, 0.01


def run(data: Panel, effects: Synthetic, path: Effects | None) -> Check:
    """Counts donors and those that carry weight, names the heaviest, and says which were left out by name."""
    shares = weights(effects)
    top = int(np.argmax(np.abs(shares)))
    few, heavy = len(shares) < ENOUGH, float(np.abs(shares[top])) > HALF
    return Check(
        "donors",
        "E104" if few else "E116",
        ASSUMPTION,
        f"{_counted(shares)}; the heaviest is {plain(effects.donors[top])} with {percent(float(shares[top]))}."
        f"{_floor(len(shares)) if few else ''}{_excluded(effects)}",
        _advice(few, heavy),
        "warn" if few or heavy else "note",
        float(len(shares)),
    )


def _counted(shares: np.ndarray) -> str:
    carrying = int((np.abs(shares) >= CARRIES).sum())
    worth = fixed(float(1 / (shares**2).sum()), 1)
    return (
        f"{len(shares)} donors; {carrying} have one per cent of the weight or more, together worth {worth} equal ones"
    )


def _floor(count: int) -> str:
    return f" With {count} donors a permutation p-value cannot fall below {p_words(1 / (count + 1))}."


def _excluded(effects: Synthetic) -> str:
    if not effects.excluded:
        return " None was left out by name."
    return f" Left out by name: {listed([str(name) for name in effects.excluded])}."


def _advice(few: bool, heavy: bool) -> str:
    if few:
        return "Look for more donors; with so few neither the fit nor the inference can be judged."
    if heavy:
        return "Find out what happened in the heaviest donor in these years: an event there would look like the policy."
    return "Name donors with shocks of their own under `exclude`; only knowledge of the places can tell."
