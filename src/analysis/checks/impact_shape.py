"""Does the effect have the shape chosen for it? The answer again with changes of both level and slope.

Reference: Wagner, Soumerai, Zhang and Ross-Degnan (2002); Bernal, Cummins and Gasparrini (2017), on impact models.
"""

from __future__ import annotations

from analysis.checks._interrupted import ALPHA, answer_of, changed, rows_of
from analysis.refusal import Refusal
from analysis.report.display import level_words, p_words
from analysis.result import AnyData, Check, Effects, t_interval

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "The effect has the shape that was chosen for it before looking."
SHAPES = {"step": "the same in every period", "ramp": "growing from zero by the same amount", "both": "free to grow"}


def run(data: AnyData, effects: Effects, path: Effects | None, *, impact: str, level: float) -> Check:
    """Adds the part of the impact model that was left out and tests it; describes the path where none was."""
    try:
        other = answer_of(effects) if impact == "both" else changed(effects, rows_of(data), impact="both")
    except Refusal as refusal:
        finding = f"Another shape cannot be fitted to these data: {refusal.problem}."
        return Check("impact_shape", "E110", ASSUMPTION, finding, "Look for a longer series.", "warn")
    terms = [one for one in other.coefficients if one.role == "policy"]
    added = terms[0] if impact == "ramp" else terms[1]
    p_value = t_interval(added.value, added.error, other.df, level)[2]
    misfit = impact != "both" and p_value <= ALPHA
    found, answer = other.average(level), effects.average(level)
    undone = misfit and answer.excludes(0.0) and not found.excludes(0.0)
    first, last = other.table.iloc[0], other.table.iloc[-1]
    free = "It" if impact == "both" else "Left free, it"
    moves = f"{free} goes from {{first}} in the first period to {{last}} in the last, on average {{average}}"
    return Check(
        "impact_shape",
        "E111" if undone else "E110",
        ASSUMPTION,
        f"The effect is taken to be {SHAPES[impact]}. {moves} ({level_words(level)} "
        f"{{low_number}} to {{high_number}}); the {'jump' if impact == 'ramp' else 'change of slope'} has p = "
        f"{p_words(p_value)}.",
        "Say which shape was meant before the data were seen; set `impact: both` if none was."
        if misfit
        else "Other shapes (slow starts, effects that fade) stay possible; set `lag` where one was planned.",
        "warn" if misfit else "note",
        p_value=p_value,
        amounts={
            "first": float(first["estimate"]),
            "last": float(last["estimate"]),
            "average": found.value,
            "low": found.low,
            "high": found.high,
        },
    )
