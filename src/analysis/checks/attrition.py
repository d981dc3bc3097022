"""Who is missing an outcome, and could that be the effect? Below five per cent little can be; above, it is tested.

Reference: Lee (2009) for the bounds; the cut-offs of 5 and 20 per cent are the usual ones of trial guidelines (What
Works Clearinghouse; Schulz and Grimes 2002). Above twenty per cent bounds are mandatory.
"""

from __future__ import annotations

from analysis.checks._common import ALPHA, about
from analysis.fits.randomised_trial import Trial
from analysis.inference.attrition_bounds import Bounds
from analysis.inference.trial_arms import arms
from analysis.inference.trial_missing import Missing, missing
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.report.display import level_words, p_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "Outcomes are seen alike in both arms: who is missing has nothing to do with the arm."
SMALL, LARGE = 0.05, 0.20
THIN = "\u202f"


def run(
    data: Rows,
    effects: Trial,
    path: Effects | None,
    *,
    treatment: str,
    control_arm: str | int | None,
    arm: str | int | None,
    strata: str | None,
    level: float,
) -> Check:
    """The shares without an outcome, their difference, and bounds on the effect where they matter."""
    found = missing(data, arms(data, treatment, control_arm, arm), strata=strata, level=level)
    if not found.overall:
        finding = (
            "Every row assigned to the two arms has an outcome. Rows that never reached the table "
            "cannot be counted here."
        )
        return about("attrition", "E120", ASSUMPTION, finding, "Compare with the list of everyone assigned.")
    p_value = _differential(effects, found.rows)
    shown = effects.assigned and (found.overall > LARGE or p_value <= ALPHA)
    return _verdict(found, p_value, found.bounds if shown else None, effects, level)


def _differential(effects: Trial, whole: Rows) -> float:
    """p-value of a difference in the shares missing, with the design's own errors."""
    robust = {} if whole.clustered or "errors" not in effects.refit.keywords else {"errors": "robust"}  # type: ignore[attr-defined]
    try:
        return float(effects.refit(whole, uncertainty="design", **robust).average(0.95).p_value)  # type: ignore[call-arg]
    except Refusal:
        return float("nan")


def _verdict(found: Missing, p_value: float, bounds: Bounds | None, effects: Trial, level: float) -> Check:
    names, rates, overall = found.names, found.shares, found.overall
    lopsided = p_value <= ALPHA
    severe = overall > LARGE or (lopsided and overall >= SMALL)
    amounts = {"bias": _breaking(effects, rates, level)}
    finding = (
        f"{_percent(overall)} have no outcome: {names[0]} {_percent(rates[0])}, {names[1]} {_percent(rates[1])} "
        f"(p = {p_words(p_value)} for a difference)."
    )
    if bounds is not None:
        amounts |= {"lower": bounds.lower, "upper": bounds.upper, "low": bounds.low, "high": bounds.high}
        finding += (
            " If the assignment moved response one way only, the effect on those seen in either arm lies between "
            f"{{lower_number}} and {{upper}} ({level_words(level)} {{low_number}} to {{high}})."
        )
    finding += " Equal shares may still hide different people." if not lopsided else ""
    return Check(
        "attrition",
        "E120",
        ASSUMPTION,
        finding,
        "Read the bounds beside the answer, and follow up a sample of those missing."
        if severe
        else "Compare those missing between the arms on what is known of them.",
        "warn" if severe else "note",
        overall,
        p_value,
        None if bounds is None else bounds.low,
        None if bounds is None else bounds.high,
        amounts,
        _overturns(names, amounts["bias"], float(effects.estimate[0])),
    )


def _breaking(effects: Trial, rates: Array, level: float) -> float:
    """How much worse or better than those seen the missing of the arm would have to be for zero to become plausible."""
    answer = effects.average(level)
    if not effects.assigned or not answer.excludes(0.0) or not rates[1]:
        return float("nan")
    return float(min(abs(answer.low), abs(answer.high)) / rates[1])


def _overturns(names: tuple[str, ...], bias: float, value: float) -> str:
    if bias != bias:
        return ""
    worse = "lower" if value > 0 else "higher"
    return (
        f"Zero becomes plausible if those missing from {names[1]} had outcomes {worse} than those seen there by "
        f"{{bias}} or more, and those missing from {names[0]} did not."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}{THIN}%"
