"""What the checks of panels with fixed effects share: the regression behind the answer, and differences in words."""

from __future__ import annotations

from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_fit import PanelFit
from analysis.inference.panel_models import Difference
from analysis.report.display import fixed, level_words, p_words
from analysis.result import Effects

ALPHA = 0.05


def own(effects: Effects) -> PanelEffects:
    """The effects as a design of this family returns them."""
    assert isinstance(effects, PanelEffects)
    return effects


def repeated(effects: PanelEffects) -> bool:
    """Units are observed in more than one period."""
    terms = effects.regression.terms
    return effects.model == "first_differences" or (len(terms.periods) > 1 and terms.n > terms.units)


def gap_amounts(found: Difference, level: float) -> dict[str, float]:
    """What sentences about a difference name."""
    low, high, _ = found.interval(level)
    return {"answer": found.answer, "other": found.other, "gap": found.gap, "gap_low": low, "gap_high": high}


def gap_words(found: Difference, level: float) -> str:
    """The difference with its interval and p-value, as a template for `gap_amounts`."""
    p_value = found.interval(level)[2]
    return f"{{gap}} ({level_words(level)} {{gap_low_number}} to {{gap_high}}, {p_said(p_value)})"


def p_said(p: float) -> str:
    """A p-value inside a sentence."""
    words = p_words(p)
    return f"p {words}" if words.startswith("below") else f"p = {words}"


def share_words(x: float) -> str:
    """A share in per cent with sensible digits."""
    return f"{fixed(100 * x, 1 if x < 0.1 else 0)}\u202f%"


def rows_of(fit: PanelFit) -> str:
    """Rows and clusters in words."""
    return f"{fit.n:,} rows, {fit.clusters:,} clusters"
