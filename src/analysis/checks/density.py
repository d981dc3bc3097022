"""Do more rows lie just on one side of the cut-off than on the other? If scores were moved, they pile up there.

Reference: McCrary (2008); Cattaneo, Jansson and Ma (2020). What sorting could do to the answer: Gerard, Rokkanen and
Rothe (2020), Quantitative Economics 11(3).
"""

from __future__ import annotations

import numpy as np

from analysis.checks._cutoff import p_said
from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference import score_density, sorting
from analysis.inference.score_density import Density
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.report.display import level_words, percent, significant
from analysis.result import Check, Effects, Severity
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "Nobody chose the side of the cut-off: scores do not pile up on one side of it."
CAUTION, STOP = 0.05, 0.01
SHARED, MANY = 0.2, 0.2  # share of rows whose score is not their own; distinct scores for each row


def run(
    data: Rows,
    effects: Discontinuity,
    path: Effects | None,
    *,
    level: float,
    density_dataset: str | None,
) -> Check:
    """The density test on the study's rows, or on the column of the same name in `density_dataset`."""
    x, where = scores(data, effects.running, density_dataset)
    if score_density.evenly_spaced(x):
        finding = "Each score stands once, at equal steps: rows are averages of groups, so that their number"
        return _untested(f"{finding} cannot show whether anyone moved across the cut-off.", "note")
    try:
        found = score_density.density(x, effects.cutoff)
    except ValueError as problem:
        return _untested(f"The density could not be tested: {problem}.", "warn")
    once = _of_distinct(x, effects.cutoff, found)
    severity = _severity(found, once)
    answer = effects.average(level)
    share = sorting.share_to_zero(*_treated(data, effects), answer.low, answer.high)
    return Check(
        "density",
        "E122",
        ASSUMPTION,
        f"{_counted(found, effects, level)}{where}{_heaps(found, once)}",
        _advice(severity),
        severity,
        found.statistic,
        found.p_value,
        overturns=_overturns(share, found, effects),
    )


def scores(data: Rows, running: str, dataset: str | None) -> tuple[Array, str]:
    """The scores whose density is tested, and where they come from if not from the study's rows."""
    if dataset is None:
        return data.column(running), ""
    from analysis.data import table

    frame = table.load(dataset)
    if running not in frame:
        problem = f"{dataset} has no column {running!r}"
        raise Refusal("D402", "density_dataset", problem, "name a dataset that holds the same score")
    values = frame[running].to_numpy(dtype=float, na_value=np.nan)
    return values[np.isfinite(values)], f" These are the scores of {dataset}, not only those with an outcome."


def _of_distinct(x: Array, cutoff: float, found: Density) -> Density | None:
    """The test on every distinct score once, where scores are shared by many rows and yet are many."""
    if not SHARED < 1 - found.distinct / found.n < 1 - MANY:
        return None
    try:
        return score_density.density(np.unique(x), cutoff)
    except ValueError:
        return None


def _severity(found: Density, once: Density | None) -> Severity:
    if found.p_value >= CAUTION:
        return "note"
    heaps_alone = once is not None and once.p_value >= CAUTION
    return "stop" if found.p_value < STOP and not heaps_alone else "warn"


def _ratio(found: Density, side: int, critical: float) -> tuple[float, float, float]:
    """Density on the treated side over that on the other, with bounds; missing where one is not above zero."""
    if min(found.below, found.above) <= 0:
        return np.nan, np.nan, np.nan
    log = side * np.log(found.above / found.below)
    half = critical * float(np.hypot(found.error_above / found.above, found.error_below / found.below))
    return float(np.exp(log)), float(np.exp(log - half)), float(np.exp(log + half))


def _counted(found: Density, effects: Discontinuity, level: float) -> str:
    from scipy import stats

    ratio, low, high = _ratio(found, effects.side, float(stats.norm.ppf((1 + level) / 2)))
    tested = f"{p_said(found.p_value)}, {sum(found.rows):,} of {found.n:,} rows near the cut-off"
    if np.isnan(ratio):
        return f"The density jumps by a statistic of {significant(found.statistic, 2)} ({tested})."
    numbers = f"{level_words(level)} {significant(low, 3)} to {significant(high, 3)}"
    return (
        f"Just {effects.treated_word} the cut-off, the treated side, rows lie {significant(ratio, 3)} times as densely "
        f"as just {effects.untreated_word} ({numbers}; {tested})."
    )


def _heaps(found: Density, once: Density | None) -> str:
    shared = 1 - found.distinct / found.n
    if shared <= SHARED:
        return ""
    said = f" Many rows share a score ({found.distinct:,} distinct scores), which makes this test too ready to warn"
    if once is None:
        return f"{said} or blind, depending on where the shared scores lie."
    return f"{said}; with every distinct score counted once it gives {p_said(once.p_value)}."


def _advice(severity: str) -> str:
    if severity == "stop":
        return "Find out who records the score and who gains from it; until then the sides cannot be compared."
    if severity == "warn":
        return "Look at the scores next to the cut-off, and ask who could have moved them."
    return "The interval shows how much sorting could have gone unnoticed; sorting in both directions leaves no trace."


def _untested(finding: str, severity: Severity) -> Check:
    advice = "Say who could have moved a score, and why that did not happen, or bring the rows behind the groups."
    return Check("density", "E122", ASSUMPTION, finding, advice, severity)


def _treated(data: Rows, effects: Discontinuity) -> tuple[Array, Array, float]:
    """Departures from the fitted line on the treated side, their weights, and how much of a change of the outcome one
    unit of the effect is."""
    place = 1 if effects.side > 0 else 0
    distance = data.column(effects.running) - effects.cutoff
    own = (distance >= 0) == (effects.side > 0)
    near = own & (np.abs(distance) < effects.width[place]) & (np.abs(distance) >= effects.donut)
    line = effects.lines[place]
    rest = data.outcome[near] - np.polynomial.polynomial.polyval(distance[near], line)
    u = np.abs(distance[near]) / effects.width[place]
    weight = data.weight[near] * ((1 - u) if effects.local else 1.0)
    return rest, weight, 1.0 if effects.take_up is None else abs(effects.take_up.jump)


def _about(share: float) -> str:
    words = percent(share)
    return f"about {words}" if words[:1].isdigit() else words


def _overturns(share: float, found: Density, effects: Discontinuity) -> str:
    if not np.isfinite(share):
        return ""
    most = _ratio(found, effects.side, 1.96)[2]
    if np.isnan(most):
        most = np.inf
    allowed = f"allows for at most {percent(1 - 1 / most)}" if most > 1 else "shows no surplus of rows there"
    return (
        f"Zero becomes plausible if {_about(share)} of the rows just on the treated side were moved there, and "
        f"were the most favourable ones. The density of scores {allowed}."
    )
