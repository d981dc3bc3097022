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
    who = arms(data, treatment, control_arm, arm)
    found = missing(data, who, strata=strata, level=level)
    if not found.overall:
        finding = (
            "Every row assigned to the two arms has an outcome. Rows that never reached the table "
            "cannot be counted here."
        )
        return about("attrition", "E120", ASSUMPTION, finding, "Compare with the list of everyone assigned.")
    p_value = _differential(effects, found.rows)
    shown = effects.assigned and (found.overall > LARGE or p_value <= ALPHA)
    room = _room(data.outcome[who.code <= 1], data.outcome[who.code == 1], float(effects.estimate[0]))
    return _verdict(found, p_value, found.bounds if shown else None, effects, level, room)


def _differential(effects: Trial, whole: Rows) -> float:
    """p-value of a difference in the shares missing, with the design's own errors."""
    robust = {} if whole.clustered or "errors" not in effects.refit.keywords else {"errors": "robust"}  # type: ignore[attr-defined]
    try:
        return float(effects.refit(whole, uncertainty="design", **robust).average(0.95).p_value)  # type: ignore[call-arg]
    except Refusal:
        return float("nan")


def _verdict(found: Missing, p_value: float, bounds: Bounds | None, effects: Trial, level: float, room: float) -> Check:
    names, rates, overall = found.names, found.shares, found.overall
    lopsided = p_value <= ALPHA
    severe = overall > LARGE or (lopsided and overall >= SMALL)
    needed = _needed(effects, level)
    amounts = {"needed": needed, "bias": needed / rates[1] if rates[1] else float("nan")}
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
        _overturns(names, amounts["bias"], room, float(effects.estimate[0])),
    )


def _needed(effects: Trial, level: float) -> float:
    """How far the interval of the effect of being assigned stays from no effect; missing where it holds it."""
    answer = effects.average(level)
    if not effects.assigned or not answer.excludes(0.0):
        return float("nan")
    return float(min(abs(answer.low), abs(answer.high)))


def _room(seen: Array, treated: Array, value: float) -> float:
    """How far below the treated arm's mean (above it, for an effect below zero) outcomes seen in either arm reach."""
    mean = float(treated.mean())
    return mean - float(seen.min()) if value > 0 else float(seen.max()) - mean


def _overturns(names: tuple[str, ...], bias: float, room: float, value: float) -> str:
    """What missing outcomes would have to be like; that they cannot be, where no outcome seen lies so far away."""
    if bias != bias:
        return ""
    if bias > room:
        return (
            f"Missing outcomes alone cannot: even if everybody missing from {names[1]} had the "
            f"{'lowest' if value > 0 else 'highest'} outcome seen, zero would stay outside the interval. A bias of "
            "{needed}, for any other reason, would be enough."
        )
    worse = "lower" if value > 0 else "higher"
    return (
        f"Zero becomes plausible if those missing from {names[1]} had outcomes {worse} than those seen there by "
        f"{{bias}} or more, and those missing from {names[0]} did not."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}{THIN}%"
