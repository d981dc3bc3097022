"""Was the trial read along the way, and stopped when it looked good? A single interval then promises too much.

Reference: Johari, Koomen, Pekelis and Walsh (2022), "Always valid inference"; the interval is the asymptotic confidence
sequence of Waudby-Smith et al. (2024). Novelty: the effect of the first half of the rows against that of the second.
"""

from __future__ import annotations

from analysis.checks._common import about
from analysis.fits.randomised_trial import Trial
from analysis.inference.sequential import Looks
from analysis.inference.trial_looks import Halves, halves, looks
from analysis.report.display import level_words, p_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
WORN = 0.01  # a change between halves is no fault of the draw: only a clear one is a caution
ASSUMPTION = "The moment of reading did not choose the result."


def run(
    data: Rows,
    effects: Trial,
    path: Effects | None,
    *,
    order: str | None,
    planned: int | None,
    level: float,
) -> Check:
    """Reads the trial along its running order, with an interval that holds at all readings at once."""
    found = looks(data, effects, order=order, planned=planned, level=level)
    if order is None or found is None:
        finding = (
            "No running order is named, so that nothing shows when the trial was read, or whether effects wore off."
        )
        return about("peeking", "E119", ASSUMPTION, finding, "Name a column of dates or running numbers under `order`.")
    return _verdict(effects, found, halves(data, effects, order=order, level=level), planned, level)


def _verdict(effects: Trial, found: Looks, split: Halves | None, planned: int | None, level: float) -> Check:
    answer = effects.average(level)
    always = bool(found.low[-1] > 0 or found.high[-1] < 0)
    kept = effects.reading == "always_valid" or (planned is not None and effects.n >= planned)
    early = planned is not None and effects.n < planned and effects.reading != "always_valid"
    exposed = answer.excludes(0.0) and not always and not kept
    worn = split is not None and split.p_value <= WORN
    amounts = {"low": float(found.low[-1]), "high": float(found.high[-1])}
    finding = (
        f"Read {len(found.n)} times along the way, a single interval would have left zero out {found.alarms} times. "
        f"The {level_words(level)} that holds at all readings ends at {{low_number}} to {{high}}, "
        f"{'without' if always else 'with'} zero."
    )
    if early and planned is not None:
        finding += f" {effects.n:,} of {planned:,} planned rows are in."
    if split is not None:
        amounts |= {"first": split.first, "later": split.later}
        finding += (
            f" The effect is {{first}} in the first half and {{later}} in the second (p = {p_words(split.p_value)} "
            "for a difference; slow changes within halves would not show)."
        )
    return Check(
        "peeking",
        "E119",
        ASSUMPTION,
        finding,
        "Decide on the interval that holds at all readings (`uncertainty: always_valid`), or on a size planned before."
        if exposed or early
        else "Expect the later effect, not the average, to last."
        if worn
        else "Plan the size, or use the interval that holds at all readings, before the next trial starts.",
        "warn" if exposed or early or worn else "note",
        float(found.alarms),
        None if split is None else split.p_value,
        amounts["low"],
        amounts["high"],
        amounts,
    )
