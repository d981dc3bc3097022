"""How strong would an unmeasured cause have to be to explain the answer away?

Reference: Cinelli and Hazlett (2020). The strength is the share that a cause changing within units must explain of what
is left of both treatment and outcome, until the interval reaches zero; covariates that are held constant show what is
usual.
"""

from __future__ import annotations

from analysis.checks._panel import own, share_words
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.hidden_cause import Benchmark, benchmarks, strength
from analysis.inference.panel_fit import PanelFit
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "No unmeasured cause changes along with the treatment."


def run(data: Rows, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """The strength that would explain the whole answer, and the one that would bring zero into the interval."""
    found = own(effects)
    fit, answer = found.regression, found.average(level)
    nearest = min(abs(answer.low), abs(answer.high)) if answer.excludes(0.0) else 0.0
    whole, enough = _strength(fit, fit.value), _strength(fit, nearest)
    usual = _benchmarks(found)
    strongest = max(usual, key=lambda one: one.bias, default=None)
    weak = strongest is not None and 0 < nearest <= strongest.bias
    return Check(
        "unobserved_selection",
        "E110",
        ASSUMPTION,
        _words(whole, enough, nearest, strongest),
        "Hold constant what could be as strong as that, or find a policy change that nobody chose."
        if weak
        else "Think of causes that changed in the same units at the same time, and how strong they could be.",
        "warn" if weak else "note",
        enough if nearest else whole,
        overturns="" if not nearest else _overturns(enough),
    )


def _strength(fit: PanelFit, bias: float) -> float:
    regression = fit.regression
    return strength(bias, fit.left[0], regression.residual, regression.weight)


def _benchmarks(found: PanelEffects) -> list[Benchmark]:
    fit = found.regression
    regression, own_terms = fit.regression, fit.terms.own
    named = list(fit.names[own_terms:])
    if not named:
        return []
    columns = regression.regressors[:, 1:]
    order = [
        *range(own_terms - 1),
        *range(regression.asked - 1, columns.shape[1]),
        *range(own_terms - 1, regression.asked - 1),
    ]
    held = own_terms - 1 + columns.shape[1] - (regression.asked - 1)
    return benchmarks(
        regression.regressors[:, 0], regression.outcome, columns[:, order], named, regression.weight, first=held
    )


def _words(whole: float, enough: float, nearest: float, strongest: Benchmark | None) -> str:
    both = "of what is left of the treatment and as much of the outcome"
    first = f"A cause that changes within units and explains {share_words(whole)} {both} would make up the whole answer"
    second = f"; {share_words(enough)} would bring zero into the interval." if nearest else "."
    if strongest is None:
        return f"{first}{second} No covariate is held constant that would show what is usual."
    shares = f"{share_words(strongest.treatment)} of the treatment and {share_words(strongest.outcome)} of the outcome"
    return f"{first}{second} Of the covariates held constant the strongest, {strongest.name}, explains {shares}."


def _overturns(enough: float) -> str:
    return (
        "Zero becomes plausible if an unmeasured cause that changes within units explains more than "
        f"{share_words(enough)} of what is left of both the treatment and the outcome."
    )
