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


def _fits(value: str, low: str, high: str, unit: Unit) -> str:
    space = display.THIN if unit.words == "%" else " "
    words = f"{space}{unit.words}" if unit.words else ""
    if "not shown" in (low, high):
        return f"{value}{words} fits the data best; how far it could be off cannot be told, and no interval is shown."
    open_ends = [end for end in (low, high) if end.endswith("unbounded")]
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


def estimators(values: Sequence[float], bounds: Sequence[tuple[float, float]], unit: Unit) -> str:
    """Estimators of the same effect side by side, the answer first: how far they lie apart, and where zero lies."""
    if len(values) < 2:
        return "The other rows estimate something else, and need not agree with the answer."
    return f"The rows that estimate the same effect {_span(values, unit)}. {_zero(_known(bounds))}".strip()


def _span(values: Sequence[float], unit: Unit) -> str:
    """The lowest and the highest of several effects, the unit once."""
    low, high = unit.amount(min(values)), unit.amount(max(values))
    if low == high:
        return f"all come to about {low}"
    return f"run from {low.removesuffix(unit.words).strip()} to {high}"


def _zero(bounds: Sequence[tuple[float, float]]) -> str:
    """How many of the intervals leave zero out."""
    out = sum(not low <= 0 <= high for low, high in bounds)
    if not bounds:
        return ""
    if len(bounds) == 1:
        return f"The one interval {'leaves zero out' if out else 'includes zero'}."
    return f"{_of(out, len(bounds), 'interval', ('leaves', 'leave'))} zero out."


def _known(bounds: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [pair for pair in bounds if not any(map(math.isnan, pair))]


def _of(count: int, many: int, what: str, verbs: tuple[str, str]) -> str:
    """How many of several do something: subject and verb, the verb in the singular and in the plural."""
    if many == 1:
        return f"{'The one' if count else 'No'} {what} {verbs[0]}"
    return f"{count if count else 'None'} of {many:,} {what}s {verbs[0] if count == 1 else verbs[1]}"


def path(before: Sequence[tuple[float, float]], after: Sequence[tuple[float, float]]) -> str:
    """Effects by period: how many intervals (low, high) before and under the policy leave zero out."""
    parts = [
        f"{when}, {_zero(bounds)[:-1].lower()}"
        for when, bounds in (("before the policy", _known(before)), ("under the policy", _known(after)))
        if bounds
    ]
    if not parts:
        return ""
    said = "; ".join(parts)
    return (
        f"{said[:1].upper()}{said[1:]}. An effect of the policy would leave the dots before it near zero and "
        "move those after it."
    )


def stages(treatment: str, outcome: str, change: tuple[float, float], units: tuple[Unit, Unit]) -> str:
    """The groups for which the instruments predict most and least: how far their treatment and outcome are apart."""
    moved = [
        f"a {'fall' if x < 0 else 'rise'} of {unit.amount(x).lstrip(display.MINUS)} in {name}"
        for x, unit, name in zip(change, units, (treatment, outcome), strict=True)
    ]
    return (
        f"From the group for which the instruments predict least to the one for which they predict most there is "
        f"{moved[0]}, and {moved[1]}. The second is set against the first."
    )


def _apart(x: float, unit: Unit) -> str:
    return f"{unit.amount(x).lstrip(display.MINUS)} {'lower' if x < 0 else 'higher'}"


def fit(holds_zero: bool, empty: bool) -> str:
    """A curve of p-values over sizes of effect."""
    if empty:
        return "No size of effect agrees with the data: the instruments tell different stories."
    return (
        "Read the curve as a scale of fit: the higher it is, the better an effect of that size agrees with the data. "
        f"An effect of zero is {'among' if holds_zero else 'not among'} the sizes that agree."
    )


def side(gaps: Sequence[float], effect: float) -> str:
    """Observed less predicted in each period under the policy: how many lie on the side of the effect."""
    way = "below" if effect < 0 else "above"
    hits = sum(x * effect > 0 for x in gaps)
    return (
        f"In {hits} of {len(gaps)} periods under the policy the observed value lies {way} what is predicted without "
        "it; with no effect it would be about half of them, but for errors that last several periods."
    )


def false_starts(estimates: Sequence[float], hits: int, answer: float, level: float) -> str:
    """How many of the false starts find something, and how many find as much as the answer."""
    as_large = sum(abs(x) >= abs(answer) for x in estimates)
    expected = display.fixed(len(estimates) * (1 - level), 0)
    return (
        f"{_of(hits, len(estimates), 'false start', ('leaves', 'leave'))} zero out, where chance alone "
        f"would give about {expected}; {as_large or 'none'} {'is' if as_large == 1 else 'are'} as large as the answer."
    )


def errors(first: float, outside: int, many: int) -> str:
    """Whether errors of neighbouring periods go together, and what is left of that."""
    return (
        f"The error of one period goes along with that of the next (correlation {display.fixed(first, 2)}; 0 would be "
        f"not at all, 1 entirely). Once that is allowed for, {outside or 'none'} of {many} bars "
        f"{'lies' if outside == 1 else 'lie'} outside the dashed lines; chance alone puts about one in 20 there."
    )


def added_up(until: str, value: str, low: str, high: str) -> str:
    """The last row of an effect added up."""
    return f"By {until} the effect adds up to {value}; everything from {low} to {high} fits the data too."


def dots(treatment: Sequence[float], outcome: Sequence[float], slope: float) -> str:
    """Dots right of the middle, on the side that the slope has them."""
    right = [y for x, y in zip(treatment, outcome, strict=True) if x > 0]
    way = "lower" if slope < 0 else "higher"
    hits = sum(y * slope > 0 for y in right)
    return (
        f"Of {len(right)} dots with more of the treatment than expected, {hits or 'none'} "
        f"{'has' if hits == 1 else 'have'} a {way} outcome than expected, as the answer would have it."
        if right
        else ""
    )


def widths(values: Sequence[float], bounds: Sequence[tuple[float, float]], unit: Unit) -> str:
    """One effect at several widths."""
    turned = " The sign depends on the width." if min(values) < 0 < max(values) else ""
    return f"The estimates at {len(values)} widths {_span(values, unit)}. {_zero(_known(bounds))}{turned}"


def elsewhere(values: Sequence[float], bounds: Sequence[tuple[float, float]], real: float) -> str:
    """Jumps at made-up cut-offs beside the real one's."""
    larger = sum(abs(x) >= abs(real) for x in values)
    out = sum(not low <= 0 <= high for low, high in _known(bounds))
    return (
        f"{_of(out, len(values), 'made-up cut-off', ('shows', 'show'))} a jump whose interval leaves "
        f"zero out; {larger or 'none'} {'is' if larger == 1 else 'are'} at least as large as at the real one."
    )


def jumps(p_values: Sequence[float], alarm: float) -> str:
    """How many columns jump by more than chance explains."""
    hits = sum(p < alarm for p in p_values)
    if len(p_values) == 1:
        return f"The one column {'jumps' if hits else 'does not jump'} by more than chance explains."
    return (
        f"{_of(hits, len(p_values), 'column', ('jumps', 'jump'))} by more than chance explains; "
        "taken one by one, about one in 20 would by luck."
    )


def donors(own: float, others: Sequence[float], unit: Unit) -> str:
    """The treated unit's average gap under the policy beside those of the donors drawn."""
    as_large = sum(abs(x) >= abs(own) for x in others)
    return (
        f"Under the policy the outcome is on average {_apart(own, unit)} than expected. Of {len(others)} donors drawn, "
        f"{as_large or 'none'} {'strays' if as_large == 1 else 'stray'} as far on average, without any policy."
    )


def overlap(plain: float, weighted: float) -> str:
    """How much of the two groups' chances of treatment they share, as they are and weighted."""
    return (
        f"The groups share {display.percent(plain)} of their bars as they are and {display.percent(weighted)} once "
        "weighted. Groups with the same chances of treatment would share all of them; groups that never meet, none."
    )


def covariates(before: Sequence[float], after: Sequence[float], small: float) -> str:
    """How many covariates differ, before and after weighting."""
    first, left = (sum(abs(x) > small for x in values) for values in (before, after))
    return (
        f"{_of(first, len(before), 'covariate', ('differs', 'differ'))} by more than {small:g} "
        f"standard deviations as the groups are; {left or 'none'} {'does' if left == 1 else 'do'} once weighted."
    )


def missing(low: str, high: str, unit: Unit, *, holds_zero: bool) -> str:
    """Bounds for outcomes that are missing."""
    return (
        "Suppose that being assigned made some answer who would otherwise not have. Leaving the best or the worst "
        f"answers out instead moves the effect to between {low} and {high} {unit.words}".rstrip()
        + f"; the interval around these bounds {'includes zero' if holds_zero else 'leaves zero out'}."
    )


def inference(found: Sequence[Estimate]) -> str:
    """Several intervals of one estimate: how much wider the widest is, and where zero lies."""
    bounds = _known([(one.low, one.high) for one in found])
    if len(bounds) < 2:
        return ""
    widths, holds = [high - low for low, high in bounds], sum(low <= 0 <= high for low, high in bounds)
    most = max(widths) / min(widths) if min(widths) > 0 and all(map(math.isfinite, widths)) else math.inf
    wider = f"{display.significant(most, 2)} times as wide as" if math.isfinite(most) else "far wider than"
    said = f". The widest interval is {wider} the narrowest." if most > 1.05 else "; all give nearly the same width."
    if 0 < holds < len(bounds):
        said += f" {holds} of {len(bounds)} {'includes' if holds == 1 else 'include'} zero: take zero as plausible."
    return f"Every row takes the same estimate and asks differently how far it could be off{said}"


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
    share = found.left_within
    return (
        f"Of {found.units:,} units {found.changers:,} ever change. After everything held constant is taken out, "
        f"{display.percent(min(share, 1.0))} of the treatment's variance within units is left; only that part speaks."
    )


def balance(names: Sequence[str], values: Sequence[float], small: float) -> str:
    """How alike two groups were before."""
    beyond = [name for name, value in zip(names, values, strict=True) if abs(value) > small]
    if not beyond:
        return f"Before, the groups were alike in all {len(names)} columns, to within a tenth of the usual spread."
    named = ", ".join(display.lower_first(name) for name in beyond[:3])
    more = f" and {len(beyond) - 3} more" if len(beyond) > 3 else ""
    are = "s are" if len(names) > 1 and len(beyond) > 1 else "s is" if len(names) > 1 else " is"
    return f"{len(beyond)} of {len(names)} column{are} more than a tenth of the usual spread apart: {named}{more}."


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
