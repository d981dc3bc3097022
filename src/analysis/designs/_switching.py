"""Groups of units that switch alike, and the contrasts of their mean paths behind `switching`.

Units with the same period-one treatment, date of the first change and new level form a cohort. Every estimate is a
contrast of cohort mean paths, so that the moment kernel gives its covariance. The scores carry the small-sample
factors of did_multiplegt_dyn: departures from the mean of a cohort (of the comparison units, pooled) seen in n
clusters count sqrt(n / (n - 1)) times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference.moments import Moments
from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal


@dataclass(frozen=True, eq=False)
class Groups:
    """Units alike in period-one treatment, first change, new level and end. G groups, T periods.

    code: (units,) the group of each unit. start: (G,) code of the period-one treatment. switch: (G,) position of the
    first change, NEVER where there is none. sign: (G,) +1 where treatment goes up, -1 where it goes down, 0 without a
    change. cohort: (G,) code of (start, switch, new level). end: (G,) first position at which treatment has been on
    both sides of where it started, T where it never is. extra: (G, T) mean treatment less its period-one level.
    """

    code: Array
    start: Array
    switch: Array
    sign: Array
    cohort: Array
    end: Array
    extra: Array


@dataclass(frozen=True, eq=False)
class Step:
    """Switchers of one date and direction against those not yet switched: rows of groups, a period and its base."""

    switchers: Array
    controls: Array
    sign: int
    period: int
    base: int


@dataclass(frozen=True, eq=False)
class Contrast:
    """One event time: the steps it averages, and the weight of the switchers in them."""

    event_time: int
    steps: tuple[Step, ...]
    total: float


def groups_of(panel: Panel) -> Groups:
    """The groups of a panel; without a treatment column units switch from 0 to 1 at adoption.

    Raises Refusal P002 where adoption and the treatment column disagree on who ever changes.
    """
    if panel.treatment is None:
        return _for_good(panel)
    level = np.asarray(panel.treatment, dtype=float)
    change = level - level[:, :1]
    moved = change != 0
    new = change[np.arange(len(change)), moved.argmax(axis=1)]
    _check_agreement(panel, moved.any(axis=1))
    parts = [np.unique(part, return_inverse=True) for part in (level[:, 0], panel.adoption, new, _ends(change))]
    cohort = _mixed([codes for _, codes in parts[:3]])
    group, first, code = np.unique(_mixed([cohort, parts[3][1]]), return_index=True, return_inverse=True)
    size = np.bincount(code, weights=panel.weight)
    totals = [np.bincount(code, weights=panel.weight * change[:, t]) for t in range(change.shape[1])]
    return Groups(
        code=code,
        start=parts[0][1][first],
        switch=panel.adoption[first],
        sign=np.sign(new[first]).astype(int),
        cohort=np.unique(cohort[first], return_inverse=True)[1].reshape(len(group)),
        end=_ends(change)[first],
        extra=np.stack(totals, axis=1) / size[:, None],
    )


def _for_good(panel: Panel) -> Groups:
    """The groups of a treatment that stays: the panel's own cohorts, in their order."""
    cohorts = panel.cohorts
    reached = cohorts != NEVER
    periods = np.arange(len(panel.periods))
    return Groups(
        code=np.searchsorted(cohorts, panel.adoption),
        start=np.zeros(len(cohorts), dtype=int),
        switch=cohorts,
        sign=reached.astype(int),
        cohort=np.arange(len(cohorts)),
        end=np.full(len(cohorts), len(periods)),
        extra=(reached[:, None] & (periods >= cohorts[:, None])).astype(float),
    )


def _check_agreement(panel: Panel, moves: Array) -> None:
    odd = int((moves != (panel.adoption != NEVER)).sum())
    if odd:
        column = panel.labels.treatment or "treatment"
        problem = f"adoption and treatment disagree on whether {odd} unit{'s' if odd > 1 else ''} ever change"
        raise Refusal("P002", column, problem, "give each unit the date at which its own treatment first changes")


def _ends(change: Array) -> Array:
    """(units,) first position at which treatment has been both above and below its start; T where it never is."""
    above, below = change > 0, change < 0
    both = above.any(axis=1) & below.any(axis=1)
    later = np.maximum(above.argmax(axis=1), below.argmax(axis=1))
    return np.asarray(np.where(both, later, change.shape[1]))


def _mixed(codes: list[Array]) -> Array:
    """One code per combination of several."""
    out = np.zeros(len(codes[0]), dtype=np.int64)
    for code in codes:
        out = out * (int(code.max()) + 1) + code
    return out


def contrasts(groups: Groups, kernel: Moments, anticipation: int, window: int | None) -> list[Contrast]:
    """Placebos, then effects, by event time: every one that has a switcher and a comparison, within `window`."""
    found = []
    furthest = kernel.periods if window is None else window
    for ahead in range(kernel.periods - 1, 0, -1):
        if ahead <= furthest:
            found.append(_contrast(groups, kernel, anticipation, ahead, placebo=True))
    for ahead in range(1, kernel.periods):
        if ahead <= furthest + anticipation:
            found.append(_contrast(groups, kernel, anticipation, ahead, placebo=False))
    return [contrast for contrast in found if contrast.steps]


def _contrast(groups: Groups, kernel: Moments, anticipation: int, ahead: int, *, placebo: bool) -> Contrast:
    """The effect `ahead` periods after the base, or the placebo as long before it, on the same units."""
    seen = np.isfinite(kernel.mean)
    steps = []
    for start, switch, sign in np.unique(np.stack([groups.start, groups.switch, groups.sign]), axis=1).T:
        base = int(switch) - 1 - anticipation
        last = base + ahead
        period = base - ahead if placebo else last
        if switch == NEVER or base < 0 or period < 0 or last >= kernel.periods:
            continue
        present = seen[:, base] & seen[:, period] & (groups.start == start)
        waiting = (groups.switch == NEVER) | (groups.switch > last + anticipation)
        switchers = np.flatnonzero(present & (groups.switch == switch) & (groups.sign == sign) & (groups.end > last))
        controls = np.flatnonzero(present & waiting)
        if len(switchers) and len(controls):
            steps.append(Step(switchers, controls, int(sign), period, base))
    total = float(sum(kernel.size[step.switchers].sum() for step in steps))
    return Contrast(-1 - anticipation + (-ahead if placebo else ahead), tuple(steps), total)


def estimate_of(kernel: Moments, contrast: Contrast) -> float:
    """The average, over switchers, of their signed change less that of the comparison units."""
    value = 0.0
    for step in contrast.steps:
        change = kernel.mean[:, step.period] - kernel.mean[:, step.base]
        gap = _pooled(kernel, change, step.switchers) - _pooled(kernel, change, step.controls)
        value += step.sign * float(kernel.size[step.switchers].sum()) * gap
    return value / contrast.total


def scores_of(groups: Groups, kernel: Moments, contrast: Contrast) -> Array:
    """(G, T+2) scores of the contrast, with the small-sample factors."""
    out = np.zeros((len(kernel.cohorts), kernel.periods + 2))
    for step in contrast.steps:
        change = kernel.mean[:, step.period] - kernel.mean[:, step.base]
        union = np.concatenate([step.switchers, step.controls])
        own = groups.cohort[step.switchers]
        parts = [(step.switchers[own == cohort], 1.0) for cohort in np.unique(own)]
        parts.append((step.controls, -float(kernel.size[step.switchers].sum() / kernel.size[step.controls].sum())))
        for rows, weight in parts:
            centre, factor = _centre(kernel, change, rows, union)
            by = step.sign * weight * factor / contrast.total
            out[rows, step.period] += by
            out[rows, step.base] -= by
            out[rows, kernel.periods] += by * (change[rows] - centre)
    return out


def _centre(kernel: Moments, change: Array, rows: Array, union: Array) -> tuple[float, float]:
    """The mean change that departures of `rows` are taken from, and the factor on them.

    A single cluster has no departure from itself: it is set against the mean of all units of the step.
    """
    chosen = rows if clusters_in(kernel, rows) > 1 else union
    n = clusters_in(kernel, chosen)
    return _pooled(kernel, change, chosen), float(np.sqrt(n / (n - 1))) if n > 1 else 1.0


def _pooled(kernel: Moments, change: Array, rows: Array) -> float:
    return float(kernel.size[rows] @ change[rows] / kernel.size[rows].sum())


def clusters_in(kernel: Moments, rows: Array) -> int:
    """Clusters with a unit in any of the groups `rows`."""
    if kernel.pairs is None:
        return int(kernel.count[rows].sum())
    inside = np.zeros(len(kernel.cohorts), dtype=bool)
    inside[rows] = True
    return int(np.count_nonzero(np.bincount(kernel.pair_cluster[inside[kernel.pair_cohort]])))


def switchers_in(contrast: Contrast) -> Array:
    """Rows of the groups that switch in any step."""
    return np.unique(np.concatenate([step.switchers for step in contrast.steps]))


def extra_treatment(groups: Groups, kernel: Moments, contrast: Contrast) -> float:
    """Average change of treatment behind the effect, in the direction of the first change, over its switchers."""
    total = 0.0
    for step in contrast.steps:
        rows = step.switchers
        total += step.sign * float(kernel.size[rows] @ groups.extra[rows, step.period])
    return total / contrast.total
