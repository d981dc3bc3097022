"""Do the instruments move the treatment enough for an estimate to be read?

Reference: Montiel Olea and Pflueger (2013) for the effective F; Staiger and Stock (1997) for ten; Lee, McCrary, Moreira
and Porter (2022) for 104.7, from which on a t test of nominal 5 % has that size.
"""

from __future__ import annotations

import math

from analysis.fits.instrumental_variable import Region, instrumented, problem_of, region_of
from analysis.inference import instruments
from analysis.inference.anderson_rubin import STRONG, WEAK
from analysis.report.display import THIN, level_words, significant
from analysis.result import Check, Effects, t_interval
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "The instruments move the treatment (relevance)."


def run(data: Rows, effects: Effects, path: Effects | None, *, treatment: str, level: float) -> Check:
    """The effective F of the first stage, and what it allows."""
    found, region = instruments.strength(problem_of(effects)), region_of(effects, level)
    row = effects.table.iloc[0]
    low, high, _ = t_interval(float(row["estimate"]), float(row["std_error"]), effects.df, level)
    weak = found.effective < WEAK
    return Check(
        "weak_instrument",
        "E123",
        ASSUMPTION,
        f"The effective F of the first stage is {significant(found.effective, 3)}; the instruments explain "
        f"{significant(100 * found.share, 2)}{THIN}% of what is left of {treatment} once the rest is held constant. "
        f"{_verdict(found.effective, region, level, few=instrumented(effects).rule == 'bootstrap')}",
        "Look for an instrument that moves the treatment more; rely on the interval, not on the estimate."
        if weak
        else "Judge the strength by this number, not by the p-value of the first stage.",
        "warn" if weak else "note",
        found.effective,
        found.f.p_value,
        amounts={"t_low": low, "t_high": high, **_ends(region)},
    )


def _verdict(effective: float, region: Region, level: float, *, few: bool) -> str:
    usual = "the usual t interval would be {t_low_number} to {t_high}"
    if effective >= STRONG and few:
        return f"That is at least {STRONG:g}; the answer's interval allows for few clusters, not for weakness."
    if effective >= STRONG:
        return f"That is at least {STRONG:g}, from where on a t interval can be read as it stands."
    if effective >= WEAK:
        return (
            f"That is at least {WEAK:g} but below {STRONG:g}: {usual}, which holds the truth "
            "too rarely, so that the answer shows an interval that holds at any strength."
        )
    return (
        f"That is below {WEAK:g}: the estimate leans towards least squares, and its t interval is not shown. "
        f"{_set_words(region, level)}"
    )


def _set_words(region: Region, level: float) -> str:
    name = f"The Anderson-Rubin set ({level_words(level)})"
    if region.empty:
        return f"{name} is empty: no effect fits all instruments."
    if not region.bounded and len(region.pieces) == 1 and not any(math.isfinite(x) for x in region.hull):
        return f"{name} holds every effect: these data say nothing about its size."
    if len(region.pieces) > 1:
        parts = len(region.pieces)
        return f"{name} is in {parts} parts and leaves out only effects between {{hole_low}} and {{hole_high}}."
    if not region.bounded:
        return f"{name} has an end on one side only, at {{end}}."
    return f"{name} runs from {{low_number}} to {{high}}."


def _ends(region: Region) -> dict[str, float]:
    """Ends of the set, under the names that its words use."""
    if region.empty:
        return {}
    if len(region.pieces) > 1:
        return {"hole_low": region.pieces[0][1], "hole_high": region.pieces[1][0]}
    low, high = region.hull
    if region.bounded:
        return {"low": low, "high": high}
    return {"end": low if math.isfinite(low) else high}
