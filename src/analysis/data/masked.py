"""Outcomes permuted for a draft, so that everything can be read but the effect of the policy.

Who was treated when, covariates, weights and clusters stay in their places. Every column of outcomes (the study's own,
further, placebo and control ones, and all that the declaration calls an outcome) moves, always together, and so that
the marginal distributions stay, and as far as can be what a standard error rests on:

* units followed over time: whole paths go to other units, clusters together; where few units were treated, so that one
  path could be recognised, all paths are also turned by one number of periods and none breaks at the policy's date;
* repeated cross-sections: rows within periods; trials: within strata; other rows: among all; clusters together;
* one series: blocks of whole seasons.

Of many such orders the one is taken that leaves least of an effect in any contrast between treated and untreated cells.
Where even that leaves too much (two units in two periods), the draft is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.panel import Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.studies.difference_in_differences import Study as Differences
from analysis.studies.interrupted_time_series import Study as Interrupted
from analysis.studies.regression_discontinuity import Study as Discontinuity

if TYPE_CHECKING:
    from analysis.data.catalog import Source
    from analysis.result import AnyData
    from analysis.rows import Rows
    from analysis.study import Study

NOTE = "outcomes were permuted for a draft: nothing said about them means anything"
MOVING = ("outcomes", "placebo_outcome", "negative_outcome", "pre_outcome", "control_series")
POLICY = ("treatment", "instruments", "received")
STAYING = (*POLICY, "dose", "eligible", "running", "strata", "order", "cluster", "weight")
NEAR = (1.0, 0.5, 0.25)  # shares of the rows, nearest to a cut-off, within which lines are drawn
FEW = 5  # treated units: fewer can be recognised one by one
NOTHING, LITTLE, TOO_MUCH = 0.01, 0.25, 0.5  # of an effect, left in some contrast
CELLS, FEWEST, MOST = 2_000_000, 20, 400  # orders tried: so many that about CELLS cells are moved in all
SALT = 0x6D61736B  # the permutation is not the first one that a test of the same seed draws

Order = Callable[[np.random.Generator], Array]


@dataclass(frozen=True)
class Layout:
    """The cells that outcomes may move between, one entry each.

    policy: (cells, k) what the policy was there. cluster: codes of what moves together. unit, time: codes of units (or
    groups of rows) and periods, where there are any. stratum: cells move within it. score: what assigned the policy.
    block: periods of a single series that stay together, else 0. followed: units have paths, which move.
    """

    policy: Array
    cluster: Array
    unit: Array | None = None
    time: Array | None = None
    stratum: Array | None = None
    score: Array | None = None
    block: int = 0
    followed: bool = False

    @property
    def n(self) -> int:
        """Cells."""
        return len(self.cluster)

    @property
    def turned(self) -> bool:
        """Paths are turned as well: few units ever had the policy."""
        unit = self.unit if self.followed else None
        return unit is not None and any(len(np.unique(unit[column != 0])) < FEW for column in self.policy.T)


def permuted(study: Study, data: AnyData, source: Source) -> AnyData:
    """`data` with its outcomes permuted by the study's seed. Raises Refusal R307 where that would hide too little."""
    names = _moving(study, source)
    if isinstance(data, Panel):
        return _panel(study, data, names)
    if isinstance(data, Sample):
        policy = data.treated.astype(float)[:, None]
        layout = Layout(policy, data.cluster, unit=data.adoption, time=data.period, stratum=data.period)
        take = order(layout, study.seed)
        columns = _moved(data.covariates, names, take)
        return replace(data, outcome=data.outcome[take], covariates=columns, notes=(*data.notes, NOTE))
    return _rows(study, data, names)


def _moving(study: Study, source: Source) -> set[str]:
    """The columns that go with the outcome."""
    found = {name for name, column in source.columns.items() if column.role == "outcome"}
    staying = set(STAYING) | ({"exposure"} if isinstance(study, Differences) else set())
    moving = set(MOVING) | ({"exposure"} if isinstance(study, Interrupted) else set())
    found |= {name for field, name in study.columns() if field in moving}
    return found - {name for field, name in study.columns() if field in staying}


def _panel(study: Study, panel: Panel, names: set[str]) -> Panel:
    seen = np.isfinite(panel.outcome)
    unit, time = np.nonzero(seen)
    reached = panel.treated if panel.dose is None else panel.treated * panel.dose[:, None]
    policy = reached[seen].astype(float)[:, None]
    take = order(Layout(policy, panel.cluster[unit], unit=unit, time=time, followed=True), study.seed)

    def moved(values: Array) -> Array:
        found = values.copy()
        found[seen] = values[seen][take]
        found.flags.writeable = False
        return found

    columns = {name: moved(values) if name in names else values for name, values in panel.covariates.items()}
    return replace(panel, outcome=moved(panel.outcome), covariates=columns, notes=(*panel.notes, NOTE))


def _rows(study: Study, rows: Rows, names: set[str]) -> Rows:
    take = order(_layout(study, rows), study.seed)
    columns = _moved(rows.columns, names, take)
    found = replace(rows, outcome=rows.outcome[take], columns=columns, notes=(*rows.notes, NOTE))
    if rows.unobserved is None:
        return found
    take = np.random.default_rng([study.seed, SALT]).permutation(rows.unobserved.n)
    columns = _moved(rows.unobserved.columns, names, take)
    return replace(found, unobserved=replace(rows.unobserved, columns=columns))


def _moved(columns: dict[str, Array], names: set[str], take: Array) -> dict[str, Array]:
    return {name: values[take] if name in names else values for name, values in columns.items()}


def _layout(study: Study, rows: Rows) -> Layout:
    """Where the outcomes of `rows` may go, by what the study says the policy was."""
    if isinstance(study, Interrupted):
        assert rows.time is not None
        last = np.inf if study.end is None else study.end
        under = ((rows.time >= study.start) & (rows.time <= last)).astype(float)
        season = 12 if study.season is None else study.season
        return Layout(under[:, None], np.arange(rows.n), time=np.arange(rows.n), block=max(season, 1))
    policy = [_numbers(rows, name) for field, name in study.columns() if field in POLICY]
    score = None
    if isinstance(study, Discontinuity):
        score = rows.column(study.running) - study.cutoff
        side = (score >= 0) == (study.treated_side == "above")
        policy.append(side.astype(float)[:, None])
    stratum = next((rows.column(name) for field, name in study.columns() if field == "strata"), None)
    followed = rows.unit is not None and rows.time is not None and len(rows.periods) > 1
    return Layout(
        np.column_stack(policy),
        rows.cluster,
        unit=rows.unit if followed else None,
        time=np.searchsorted(rows.periods, rows.time) if followed and rows.time is not None else None,
        stratum=stratum,
        score=score,
        followed=followed,
    )


def _numbers(rows: Rows, name: str) -> Array:
    """A column as numbers side by side: text as an indicator of each word."""
    values = rows.column(name)
    if name not in rows.categories:
        return values[:, None]
    return np.asarray(values[:, None] == np.unique(values)[None, :], dtype=float)


def order(layout: Layout, seed: int) -> Array:
    """(cells,) from which cell each one takes its outcome. Raises Refusal R307 where every order that was tried leaves
    more than TOO_MUCH of an effect in some contrast."""
    draw = np.random.default_rng([seed, SALT])
    left = _leaks(layout)
    tries = int(np.clip(CELLS // max(layout.n, 1), FEWEST, MOST))
    best, least = np.arange(layout.n), np.inf
    for candidate in _orders(layout):
        for _ in range(tries):
            take = candidate(draw)
            leak = left(take)
            if leak < least:
                best, least = take, leak
            if least <= NOTHING:
                return best
        if least <= LITTLE:
            break
    if least > TOO_MUCH:
        problem = f"{layout.n} observations are too few to hide the effect by permuting outcomes"
        raise Refusal("R307", "masked", problem, "a draft is not possible with these data; write the plan without one")
    return best


def _orders(layout: Layout) -> Iterator[Order]:
    """Ways to permute, the one that keeps most of the data's structure first."""
    alone, everywhere = np.arange(layout.n), np.zeros(layout.n, dtype=int)
    if layout.block:
        lengths = [layout.block, int(np.sqrt(layout.n)), 2, 1]
        for length in dict.fromkeys(sorted((max(1, k) for k in lengths), reverse=True)):
            yield lambda draw, length=length: _blocks(layout.n, length, draw)  # type: ignore[misc]
        return
    if layout.followed:
        yield lambda draw: _paths(layout, layout.cluster, draw)
        yield lambda draw: _paths(layout, alone, draw)
    stratum = everywhere if layout.stratum is None else layout.stratum
    yield lambda draw: _together(stratum, layout.cluster, draw)
    yield lambda draw: _together(stratum, alone, draw)
    yield lambda draw: _together(everywhere, alone, draw)


def _together(group: Array, cluster: Array, draw: np.random.Generator) -> Array:
    """An order within the values of `group` that lets the cells of a cluster stay together as far as sizes allow."""
    n, codes = len(group), np.unique(cluster, return_inverse=True)[1]
    ranks = [draw.permutation(int(codes.max()) + 1)[codes] for _ in range(2)]
    source, target = (np.lexsort((draw.random(n), rank, group)) for rank in ranks)
    take = np.empty(n, dtype=int)
    take[target] = source
    return take


def _paths(layout: Layout, cluster: Array, draw: np.random.Generator) -> Array:
    """Every unit takes the path of another, turned where `layout` says so; repeated or cut where lengths differ."""
    assert layout.unit is not None and layout.time is not None
    first, unit, counts = np.unique(layout.unit, return_index=True, return_inverse=True, return_counts=True)[1:]
    donor = _together(np.zeros(len(counts), dtype=int), cluster[first], draw)
    turn = int(draw.integers(0, int(counts.max()))) if layout.turned else 0
    places = np.lexsort((layout.time, unit))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    own = unit[places]
    within = np.arange(layout.n) - starts[own]
    take = np.empty(layout.n, dtype=int)
    take[places] = places[starts[donor[own]] + (within + turn) % counts[donor[own]]]
    return take


def _blocks(n: int, length: int, draw: np.random.Generator) -> Array:
    """A series cut into blocks of `length` periods from a turned start, the blocks in another order."""
    turned = np.roll(np.arange(n), length * int(draw.integers(0, max(1, n // length))))
    blocks = [turned[start : start + length] for start in range(0, n, length)]
    return np.concatenate([blocks[place] for place in draw.permutation(len(blocks))])


def _leaks(layout: Layout) -> Callable[[Array], float]:
    """What an order leaves of an effect, lasting or growing: the largest share of it in any contrast."""
    shapes = [*layout.policy.T, *_growing(layout)]
    contrasts = [c for column in layout.policy.T for c in _views(layout, column) if c @ c > 1e-9 * max(1.0, c.size)]
    if not contrasts:
        return lambda take: 0.0
    left, right = np.array(contrasts), np.column_stack([shape - shape.mean() for shape in shapes])
    floor = 0.1 * np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=0)[None, :]
    whole = np.maximum(np.abs(left @ right), np.maximum(floor, 1e-12))
    return lambda take: float((np.abs(left @ right[take]) / whole).max())


def _growing(layout: Layout) -> list[Array]:
    """Effects that grow with the periods since the policy began, where cells have periods."""
    if layout.time is None:
        return []
    unit = np.zeros(layout.n, dtype=int) if layout.unit is None else np.unique(layout.unit, return_inverse=True)[1]
    found = []
    for column in layout.policy.T:
        first = np.full(int(unit.max()) + 1, np.inf)
        np.minimum.at(first, unit[column != 0], layout.time[column != 0])
        found.append(column * (layout.time - np.where(np.isfinite(first), first, 0.0)[unit] + 1))
    return found


def _views(layout: Layout, column: Array) -> Iterator[Array]:
    """The contrasts of a policy column that estimators and figures make. Where cells keep their periods the mean of all
    keeps its path, and only contrasts between units are hidden."""
    unit, time = layout.unit, layout.time
    if unit is not None and time is not None:
        within = column
        for _ in range(10):
            within = within - _means(within, unit)
            within = within - _means(within, time)
        yield within
        yield _means(column, unit) - column.mean()
    elif layout.stratum is not None:
        yield column - _means(column, layout.stratum)
    if (unit is None and layout.stratum is None) or layout.turned:
        yield column - column.mean()
    if time is not None and (layout.turned or layout.block):
        yield _means(column, time) - column.mean()
    if layout.score is not None:
        yield from (_break(layout.score, column, share) for share in NEAR)
    if time is not None and layout.block:
        yield _break(time, column, 1.0)


def _break(line: Array, column: Array, share: float) -> Array:
    """What `column` adds to two straight lines, among the share of cells that lie nearest to zero."""
    inside = np.abs(line) <= np.quantile(np.abs(line), share)
    terms = np.column_stack([np.ones(len(line)), line, line * (column > 0)])[inside]
    found = np.zeros(len(line))
    found[inside] = column[inside] - terms @ np.linalg.lstsq(terms, column[inside], rcond=None)[0]
    return found


def _means(column: Array, group: Array) -> Array:
    codes = np.unique(group, return_inverse=True)[1]
    return np.asarray((np.bincount(codes, column) / np.bincount(codes))[codes])
