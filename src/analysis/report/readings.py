"""The plain-language reading beside a technical table: what a row, an interval and a p-value say in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.report import display
from analysis.report.display import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.fits.synthetic_control import Synthetic
    from analysis.inference.panel_movement import Movement
    from analysis.result import Estimate


def estimate(one: Estimate, unit: Unit, which: str = "The first row") -> str:
    """An estimate's row in words: what fits best, what fits too, and how often chance alone gives as much."""
    value, low, high = display.interval_numbers(one, unit)
    return f"{which} says that {_fits(value, low, high, unit)} {chance(one.p_value)}".strip()


def row(value: float, low: float, high: float, p_value: float, which: str = "The first row") -> str:
    """The same for numbers without an `Estimate`, in the unit of their column."""
    decimals = display.decimals_for((high - low) / 2)
    shown = [display.fixed(x, decimals) for x in (value, low, high)]
    return f"{which} says that {_fits(shown[0], shown[1], shown[2], Unit(''))} {chance(p_value)}".strip()


def _fits(value: str, low: str, high: str, unit: Unit) -> str:
    space = display.THIN if unit.words == "%" else " "
    words = f"{space}{unit.words}" if unit.words else ""
    open_ends = [end for end in (low, high) if end in ("unbounded", "not shown") or end.endswith("unbounded")]
    if not open_ends:
        return f"{value}{words} fits the data best, and everything from {low} to {high} fits them too."
    if len(open_ends) == 2:
        return f"{value}{words} fits the data best, but no size of effect can be ruled out."
    side = f"from {low} upwards" if high in open_ends else f"up to {high}"
    return f"{value}{words} fits the data best, and everything {side} fits them too."


def chance(p_value: float) -> str:
    """A p-value as a frequency; empty where there is none."""
    if math.isnan(p_value):
        return ""
    return f"If there were no effect at all, chance alone would give a value this far from zero {times(p_value)}."


def times(share: float) -> str:
    """A probability as so many times in a hundred or a thousand."""
    if share < 0.001:
        return "less than once in 1,000 times"
    if share < 0.095:
        whole, of = (round(1000 * share), "1,000") if share < 0.0095 else (round(100 * share), "100")
        return f"about {'once' if whole == 1 else f'{whole} times'} in {of}"
    return f"about {min(round(100 * share), 99)} times in 100"


def inference(found: Sequence[Estimate]) -> str:
    """Several intervals of one estimate."""
    if len(found) < 2:
        return ""
    widths = [one.high - one.low for one in found]
    most = max(widths) / min(widths) if min(widths) > 0 and all(map(math.isfinite, widths)) else math.inf
    times_wider = f"{display.significant(most, 2)} times as wide as" if math.isfinite(most) else "far wider than"
    return (
        "Every row takes the same estimate and asks differently how far it could be off. The widest interval is "
        f"{times_wider} the narrowest; where they disagree about zero, trust the wider one."
        if most > 1.05
        else "Every row takes the same estimate and asks differently how far it could be off; all give nearly the same."
    )


def weights(effects: Synthetic, names: Sequence[str], shares: Sequence[float]) -> str:
    """What the largest weights of donors mean."""
    parts = [
        f"{display.fixed(100 * share, 0)}{display.THIN}% {name}" for name, share in zip(names, shares, strict=True)
    ]
    rest = " and smaller parts of others" if len(effects.donors) > len(parts) else ""
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"The comparison is a mix: {listed}{rest}. Its path stands for what would have happened without the policy."


def movement(found: Movement) -> str:
    """How much of a treatment's variation a study with fixed effects can use."""
    if not found.within:
        return "The treatment never changes within a unit, so that there is nothing to learn from."
    share = found.left / found.within
    return (
        f"Of {found.units:,} units {found.changers:,} ever change. After everything held constant is taken out, "
        f"{display.percent(min(share, 1.0))} of the movement within units is left; only that part speaks."
    )


def balance(names: Sequence[str], values: Sequence[float], small: float) -> str:
    """How alike two groups were before."""
    beyond = [name for name, value in zip(names, values, strict=True) if abs(value) > small]
    if not beyond:
        return f"Before, the groups were alike in all {len(names)} columns, to within a tenth of the usual spread."
    named = ", ".join(display.lower_first(name) for name in beyond[:3])
    more = f" and {len(beyond) - 3} more" if len(beyond) > 3 else ""
    are = "is" if len(beyond) == 1 else "are"
    return f"{len(beyond)} of {len(names)} columns {are} more than a tenth of the usual spread apart: {named}{more}."


def comparisons(weight: Mapping[str, float], clean: Sequence[str]) -> str:
    """How much of two-way fixed effects rests on units that did not have the policy yet."""
    good = sum(share for kind, share in weight.items() if kind in clean)
    return (
        f"{display.percent(good)} of what that regression compares is clean: units that get the policy against units "
        "that do not have it yet. The rest uses units that already have it, whose own effect is then counted as if it "
        "were the normal course of things."
        if good < 0.995
        else "All that the regression compares is clean: units that get the policy against units without it."
    )
