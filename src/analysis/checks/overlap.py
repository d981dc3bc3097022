"""Is there anybody to compare with? Chances of treatment near one, few rows that carry the comparison, rows left out.

Reference: Crump, Hotz, Imbens and Mitnik (2009); Kish (1965) for the effective size; R's did refuses fitted chances of
.999. The limits of five per cent for one weight and half of the rows for the effective size are this project's.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._weighting import Side, sides, weighted
from analysis.inference import propensity
from analysis.panel import Array
from analysis.report.display import THIN, fixed
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("weighting",)
ASSUMPTION = "Every kind of person (or firm, or place) treated is found among the others too."
LARGEST = 0.05
WORTH = 0.5
TRIMMED = 0.1


def run(
    rows: Rows,
    effects: Effects,
    path: Effects | None,
    *,
    treatment: str,
    covariates: list[str],
    squares: list[str],
    estimand: str,
    trim: float,
) -> Check:
    """Fitted chances of treatment, the weights that one group gets to look like the other, and who is left out."""
    fit = weighted(effects)
    used = rows.rows(fit.kept)
    chances = propensity.of_rows(used, treatment, covariates, squares)
    everyone = estimand == "everyone"
    sure = chances >= propensity.CERTAIN
    sure = sure | (chances <= 1 - propensity.CERTAIN) if everyone else sure
    gone = 1 - float(fit.kept.mean())
    on, off = sides(fit)
    group, word = (on, "treated") if everyone and on.share < off.share else (off, "comparison")
    told = f"{_worth_words(group, word)} {_chance_words(chances, fit.treated)}{_left_out(rows, fit.kept, gone, trim)}"
    if sure.any():
        return _none(int(sure.sum()), told)
    thin = group.largest > LARGEST or group.share < WORTH or gone > TRIMMED
    return Check(
        "overlap",
        "E126",
        ASSUMPTION,
        told,
        _advice(group, gone),
        "warn" if thin else "note",
        group.worth,
    )


def _chance_words(chances: Array, treated: Array) -> str:
    most, middle = float(np.quantile(chances[~treated], 0.9)), float(np.median(chances[treated]))
    return (
        "Given the covariates, nine in ten of the comparison rows had a chance of treatment of at most "
        f"{_percent(most)}; the middle treated row had {_percent(middle)}, and the highest chance of all is "
        f"{_percent(float(chances.max()))}."
    )


def _worth_words(group: Side, word: str) -> str:
    return (
        f"The {group.rows:,} {word} rows, weighted, are worth {fixed(group.worth, 0)} that count the same "
        f"({_percent(group.share)}); the largest weight is {fixed(100 * group.largest, 1)}{THIN}% of their total."
    )


def _left_out(rows: Rows, kept: Array, gone: float, trim: float) -> str:
    if not trim:
        return ""
    return (
        f" {int((~kept).sum()):,} of {rows.n:,} rows ({_percent(gone)}) have chances outside {trim:g} to {1 - trim:g} "
        "and are left out, so that the answer is about the others."
    )


def _percent(x: float) -> str:
    """A share in per cent, with a decimal where it is small."""
    if x < 0.0005:
        return f"below 0.1{THIN}%"
    return f"{fixed(100 * x, 0 if 0.095 <= x < 0.985 else 1)}{THIN}%" if x < 0.9995 else f"above 99.9{THIN}%"


def _none(sure: int, told: str) -> Check:
    limit = f"{100 * propensity.CERTAIN:g}{THIN}%"
    return Check(
        "overlap",
        "E126",
        ASSUMPTION,
        f"For {sure:,} {'rows' if sure > 1 else 'row'} the covariates leave no doubt about the group (a chance beyond "
        f"{limit}): there is nobody to compare them with. {told}",
        "Compare only where both groups are found (`where`, or `trim`), and say for whom the answer then holds.",
        "stop",
        float(sure),
    )


def _advice(group: Side, gone: float) -> str:
    if group.largest > LARGEST:
        return "Look at the rows with the largest weights: the answer follows their outcomes."
    if group.share < WORTH:
        return "The comparison rests on far fewer rows than the table holds; intervals are a little too narrow then."
    if gone > TRIMMED:
        return "Say for whom the answer holds, now that many are left out."
    return "Overlap in what was measured says nothing about what was not."
