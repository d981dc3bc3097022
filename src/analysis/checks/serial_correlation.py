"""Do errors of one unit hang together over time, and do changes tell the same story as levels?

Wooldridge's test on the residuals of first differences; and the estimate by first differences beside that by fixed
effects. If nothing is wrong both estimate the same; they part when the treatment answers to the outcome, is measured
with error, or takes time to work (Wooldridge 2010, section 10.7.1).
"""

from __future__ import annotations

from analysis.checks._common import about
from analysis.checks._panel import ALPHA, gap_amounts, gap_words, own, p_said, repeated
from analysis.inference.panel_fit import differences, within
from analysis.inference.panel_models import Difference, choices, difference
from analysis.inference.serial import Serial, wooldridge
from analysis.refusal import Refusal
from analysis.report.display import fixed
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "Changes from period to period tell the same story as levels, and errors allow for what lasts."


def run(data: Rows, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """The test for serial correlation, and first differences beside fixed effects."""
    found = own(effects)
    chosen = choices(found)
    kind = "entity" if chosen.effects == "entity" else "two_way"
    if not repeated(found):
        finding = "Each unit is observed once: nothing is seen to last."
        return about("serial_correlation", "E110", ASSUMPTION, finding, "Find further periods.")
    try:
        parts = chosen.terms(data)
        changes, levels = differences(parts, kind), within(parts, kind)
    except Refusal as refusal:
        finding = f"First differences cannot be computed: {refusal.problem}."
        return about("serial_correlation", "E110", ASSUMPTION, finding, "Find units observed in neighbouring periods.")
    return _verdict(difference(levels, changes), wooldridge(changes), chosen.errors in ("robust", "classical"), level)


def _verdict(found: Difference, serial: Serial | None, unclustered: bool, level: float) -> Check:
    apart = found.interval(level)[2] <= ALPHA
    lasting = serial is not None and serial.p_value <= ALPHA
    said = "differ by more than chance" if apart else "do not clearly differ"
    return Check(
        "serial_correlation",
        "E110",
        ASSUMPTION,
        f"First differences give {{other_number}} and fixed effects {{answer}}: they {said}, by "
        f"{gap_words(found, level)}"
        f"{'; the signs are opposite' if found.turned else ''}.{_lasting_words(serial, lasting, unclustered)}",
        _advice(apart, lasting and unclustered),
        "warn" if apart or (lasting and unclustered) else "note",
        found.gap,
        found.interval(level)[2],
        amounts=gap_amounts(found, level),
    )


def _lasting_words(serial: Serial | None, lasting: bool, unclustered: bool) -> str:
    if serial is None:
        return " Too few periods to say whether errors last."
    test = f"{p_said(serial.p_value)} for none, slope {fixed(serial.slope, 2)}"
    if not lasting:
        return f" Errors of a unit do not clearly last ({test})."
    better = "first differences use such data better" if serial.walk else "fixed effects use such data better"
    ignored = "the answer's errors ignore this" if unclustered else "clustered errors allow for this"
    return f" Errors of a unit last ({test}): {ignored}; {better}."


def _advice(apart: bool, ignored: bool) -> str:
    if apart:
        return (
            "Ask whether the treatment answers to the outcome, is measured with error, or works with a delay (`lags`)."
        )
    if ignored:
        return "errors: clustered"
    return "The interval shows how far the two could part without being noticed."
