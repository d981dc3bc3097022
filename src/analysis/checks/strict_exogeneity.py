"""Does the outcome move before the treatment does? The treatment of the next period is added to the regression.

Reference: Wooldridge (2010), section 10.7.1. It should say nothing once the present treatment is known, unless the
policy answers to the outcome or people see it coming.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.checks._common import about
from analysis.checks._panel import ALPHA, own, p_said, repeated, rows_of
from analysis.estimate import t_interval
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_errors import careful
from analysis.inference.panel_fit import PanelFit
from analysis.inference.panel_models import Choices, choices, refitted
from analysis.refusal import Refusal
from analysis.report.display import level_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "The treatment does not answer to the outcome, and nobody reacts before it comes."


def run(data: Rows, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """Tests the treatment one period ahead."""
    found = own(effects)
    if found.model == "pooled" or not repeated(found):
        finding = "Without unit effects the treatment one period ahead mostly says which unit it is: nothing is tested."
        return about("strict_exogeneity", "E112", ASSUMPTION, finding, "Use a design that follows units over time.")
    chosen = choices(found)
    try:
        fit = _ahead(data, found, chosen)
    except Refusal as refusal:
        finding = f"Whether the outcome moves ahead of the treatment cannot be tested: {refusal.problem}."
        return Check("strict_exogeneity", "E110", ASSUMPTION, finding, "More periods would allow it.", "warn")
    return _verdict(fit, level)


def _ahead(data: Rows, found: PanelEffects, chosen: Choices) -> PanelFit:
    """The regression with the treatment one period ahead; without lags where these leave nothing to test."""
    try:
        return refitted(found.model, chosen.terms(data, leads=1), chosen.effects)
    except Refusal:
        if not chosen.lags:
            raise
    return refitted(found.model, replace(chosen, lags=0).terms(data, leads=1), chosen.effects)


def _verdict(fit: PanelFit, level: float) -> Check:
    place = fit.terms.own
    robust = careful(fit)
    value, error = float(fit.regression.estimate[place]), float(np.sqrt(robust.covariance[place, place]))
    low, high, p_value = t_interval(value, error, float(robust.df[place]), level)
    ahead = p_value <= ALPHA
    said = "moves ahead of the treatment" if ahead else "does not clearly move ahead of the treatment"
    return Check(
        "strict_exogeneity",
        "E112",
        ASSUMPTION,
        f"The outcome {said}: with as much more of it one period later, the outcome now differs by {{lead}} "
        f"({level_words(level)} {{low_number}} to {{high}}, {p_said(p_value)}; {rows_of(fit)}).",
        "Ask why the treatment changed: if because of the outcome, or if it was announced, the answer is biased."
        if ahead
        else "The interval shows how strong a reaction ahead of time could have gone unnoticed.",
        "warn" if ahead else "note",
        value,
        p_value,
        low,
        high,
        amounts={"lead": value, "low": low, "high": high},
    )
