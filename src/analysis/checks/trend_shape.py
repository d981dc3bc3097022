"""Is the trend without the policy a straight line? The answer again with a trend that may bend.

Reference: Bernal, Cummins and Gasparrini (2017), on non-linear trends; the thresholds are this project's.
"""

from __future__ import annotations

from analysis.checks._interrupted import ALPHA, changed, choices, error, number, rows_of
from analysis.inference.interruption import with_bend
from analysis.refusal import Refusal
from analysis.report.display import level_words, p_words
from analysis.result import AnyData, Check, Effects, t_interval

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "Without the policy the outcome would have kept the trend that the regression gives it."


def run(data: AnyData, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """Adds the square of time (time itself, where the design has no trend) and compares."""
    longer, name = with_bend(rows_of(data), effects)
    held = [*choices(effects)["covariates"], name]
    try:
        other = changed(effects, longer, covariates=held)
    except Refusal as refusal:
        finding = f"A trend that bends cannot be fitted to these data: {refusal.problem}."
        return Check("trend_shape", "E110", ASSUMPTION, finding, "Look for a longer series.", "warn")
    (term,) = (one for one in other.coefficients if one.name == name)
    p_value = t_interval(term.value, term.error, other.df, level)[2]
    answer, bent = effects.average(level), other.average(level)
    apart = abs(number(other) - number(effects)) / error(effects)
    turned = answer.excludes(0) and (bent.value * answer.value < 0 or abs(bent.value) < 0.5 * abs(answer.value))
    bad = (p_value <= ALPHA and apart > 1) or turned
    undone = p_value <= ALPHA and answer.excludes(0) and not bent.excludes(0)
    return Check(
        "trend_shape",
        "E111" if undone else "E110",
        ASSUMPTION,
        f"With {_added(name)} the estimate is {{bent}} instead of {{answer}} ({level_words(level)} {{low_number}} to "
        f"{{high_number}}; the added term has p = {p_words(p_value)}).",
        "Do not rely on the straight line: shorten the window with `since` and `until`, or find a control series."
        if bad
        else "A trend that bends at the start itself cannot be told from a policy whose effect grows.",
        "warn" if bad else "note",
        apart,
        p_value,
        amounts={
            "bent": bent.value,
            "answer": answer.value,
            "low": bent.low,
            "high": bent.high,
        },
    )


def _added(name: str) -> str:
    return "a trend that may bend" if name.startswith("curvature") else "a steady drift"
