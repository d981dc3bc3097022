"""Do rows far from the cut-off say something else than rows near it? A line through all rows beside the local fit.

Reference: Gelman and Imbens (2019), Journal of Business & Economic Statistics 37(3): fits to the whole range are swayed
by rows far away.
"""

from __future__ import annotations

import numpy as np

from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference import local_polynomial
from analysis.inference.at_cutoff import line, options
from analysis.inference.local_polynomial import Options
from analysis.report.display import level_words, significant
from analysis.result import Check, Effects, Estimate, Severity, t_interval
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "The answer does not depend on a shape fitted to rows far from the cut-off."
SHAPE = "Treat the answer as one that rests on the shape fitted to rows far from the cut-off."
WEAK = 10.0  # F of the jump in take-up below which nothing is divided by it


def run(data: Rows, effects: Discontinuity, path: Effects | None, *, level: float) -> Check:
    """For a local answer, the line through all rows; for an answer from a whole window, the local estimate."""
    answer = effects.average(level)
    return _line(data, effects, answer, level) if effects.local else _near(data, effects, answer, level)


def _line(data: Rows, effects: Discontinuity, answer: Estimate, level: float) -> Check:
    found = line(data, effects, level)
    scale = 1.0 if effects.take_up is None else effects.take_up.jump
    low, high = sorted((found.low / scale, found.high / scale))
    value = found.value / scale
    outside = not answer.low <= value <= answer.high
    surer = not low <= 0 <= high and not answer.excludes(0.0)
    contradicts = surer and (outside or value * answer.value < 0)
    words = (
        f"A straight line through all {data.n:,} rows gives {{far}} ({level_words(level)} {{far_low_number}} to "
        f"{{far_high}}); the rows near the cut-off give {{answer}}."
    )
    if contradicts:
        words += " The line finds an effect that the rows near the cut-off do not show."
    elif outside:
        words += " The line lies outside the interval of the answer."
    elif surer:
        words += " The line is surer than the rows near the cut-off can be: it takes that from rows far away."
    advice = (
        "Do not quote the line: rows far from the cut-off decide about it."
        if surer or outside
        else "Both agree within the noise; the local estimate needs less faith in a shape."
    )
    return _check(words, advice, "warn" if contradicts else "note", answer.value, value, low, high)


def _near(data: Rows, effects: Discontinuity, answer: Estimate, level: float) -> Check:
    chosen = options(effects)
    keep = np.abs(data.column(effects.running) - effects.cutoff) >= effects.donut
    rows = data.rows(keep)
    treatment = chosen.get("treatment")
    try:
        fit = local_polynomial.jump(
            rows.outcome,
            rows.column(effects.running),
            effects.cutoff,
            Options(),
            treatment=None if treatment is None else rows.column(treatment),
            weight=rows.weight if rows.weighted else None,
            cluster=rows.cluster if rows.clustered else None,
        )
    except (ValueError, np.linalg.LinAlgError):
        words = "The rows near the cut-off are too few for an estimate of their own, so that the fitted shape decides."
        return _check(words, SHAPE, "warn", answer.value)
    first = fit.take_up
    if first is not None and abs(first.corrected) < WEAK**0.5 * first.std_error:
        f = significant((first.corrected / first.std_error) ** 2, 2)
        words = (
            f"In the {sum(fit.rows):,} rows nearest to the cut-off take-up hardly jumps (F is {f}), so that they give "
            "no answer of their own: the whole window's rests on the fitted shape."
        )
        return _check(words, SHAPE, "warn", answer.value)
    side = effects.side if treatment is None else 1
    low, high, _ = t_interval(side * fit.corrected, fit.std_error, float("inf"), level)
    outside = not low <= answer.value <= high
    unsure = answer.excludes(0.0) and low <= 0 <= high
    words = (
        f"The {sum(fit.rows):,} rows nearest to the cut-off alone give {{far}} ({level_words(level)} "
        "{far_low_number} to {far_high}); the whole window gives {answer}."
    )
    if unsure:
        words += " Near the cut-off alone no effect could be told from zero: the answer rests on the fitted shape."
    elif outside:
        words += " The answer lies outside that interval."
    advice = SHAPE if unsure or outside else "The two agree within the noise, which near the cut-off is large."
    severity: Severity = "warn" if unsure or outside else "note"
    return _check(words, advice, severity, answer.value, side * fit.value, low, high)


def _check(
    finding: str,
    advice: str,
    severity: Severity,
    answer: float,
    far: float | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Check:
    amounts = {"answer": answer}
    if far is not None and low is not None and high is not None:
        amounts |= {"far": far, "far_low": low, "far_high": high}
    return Check(
        "distant_rows",
        "E110",
        ASSUMPTION,
        finding,
        advice,
        severity,
        far,
        None,
        low,
        high,
        amounts,
    )
