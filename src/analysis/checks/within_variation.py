"""How much does the treatment move within units, and is the change asked about one that was ever seen?

Cautions where fewer than ten clusters change, or where the change asked about exceeds the largest difference within any
unit (thresholds are this project's choice).
"""

from __future__ import annotations

from analysis.checks._panel import own, repeated, share_words
from analysis.inference.panel_models import choices
from analysis.inference.panel_movement import Movement, movement
from analysis.report.display import significant
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "The data hold changes of treatment like the one the answer is about."
ENOUGH = 10


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """Counts who changes, and sets the change asked about beside the changes seen."""
    found = own(effects)
    moved, change = movement(data, found), choices(found).change
    few = found.treated_clusters < ENOUGH
    beyond = repeated(found) and change > moved.range * (1 + 1e-9)
    return Check(
        "within_variation",
        "E126",
        ASSUMPTION,
        _words(moved, change, beyond, repeated(found)),
        _advice(few, beyond),
        "warn" if few or beyond else "note",
        moved.share,
    )


def _words(moved: Movement, change: float, beyond: bool, again: bool) -> str:
    left = f"Effects and covariates leave {_left(moved, again)}, worth "
    left += f"{significant(moved.worth, 2)} clusters that tell as much as one another."
    if not again:
        return left
    seen = f"{moved.changers:,} of {moved.units:,} units ever change; the largest difference within one is "
    reach = (
        f"so that the change of {significant(change, 3)} which the answer is about was never seen in any of them"
        if beyond
        else f"and the answer is about a change of {significant(change, 3)}"
    )
    return f"{seen}{significant(moved.range, 2)}, {reach}. {left}"


def _left(moved: Movement, again: bool) -> str:
    """The share of the variance left: of that within units, where they come again, and of all of it."""
    whole = share_words(moved.share)
    if not again:
        return f"{whole} of the treatment's variance"
    within = share_words(min(moved.left_within, 1.0))
    return f"{within} of the treatment's variance within units ({whole} of all its variance)"


def _advice(few: bool, beyond: bool) -> str:
    if beyond:
        return "The answer extends a straight line beyond the data: ask about a smaller change (`change`)."
    if few:
        return "Few units carry the answer: look at each of them."
    return "Effects of changes larger than those seen remain unknown."
