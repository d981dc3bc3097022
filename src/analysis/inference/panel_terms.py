"""The terms of a panel regression as arrays: outcome, treatment with its lags and leads, covariates, unit and period.

Lags and leads are taken by period within units, among all periods of the table: also from rows whose outcome is
missing. A row whose lag or lead is not known is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows


@dataclass(frozen=True, eq=False)
class Terms:
    """The n rows of a regression.

    outcome: (n,). regressors: (n, K): treatment in units of the change asked about, its lags, its leads, covariates
    (centred and in their standard deviations). unit, cluster: (n,) codes as in the data; period: (n,) positions among
    `periods`. weight: (n,). own: how many of the first columns are the treatment now and before.
    """

    outcome: Array
    regressors: Array
    names: tuple[str, ...]
    own: int
    unit: Array
    period: Array
    cluster: Array
    weight: Array
    periods: Array

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.outcome)

    @property
    def treatment(self) -> Array:
        """(n,) the treatment now, in units of the change asked about."""
        return np.asarray(self.regressors[:, 0])

    @property
    def units(self) -> int:
        """Units present."""
        return len(np.unique(self.unit))

    def rows(self, keep: Array) -> Terms:
        """The rows for which `keep` (n,) is true."""
        return replace(
            self,
            outcome=self.outcome[keep],
            regressors=self.regressors[keep],
            unit=self.unit[keep],
            period=self.period[keep],
            cluster=self.cluster[keep],
            weight=self.weight[keep],
        )

    def with_columns(self, columns: Array, names: Sequence[str], place: int | None = None) -> Terms:
        """The same rows with further regressors (n, k), at the end or from column `place` on."""
        at = self.regressors.shape[1] if place is None else place
        regressors = np.hstack([self.regressors[:, :at], columns, self.regressors[:, at:]])
        return replace(self, regressors=regressors, names=(*self.names[:at], *names, *self.names[at:]))


def terms(
    data: Rows,
    treatment: str,
    *,
    change: float = 1.0,
    covariates: Sequence[str] = (),
    lags: int = 0,
    before: float | None = None,
    leads: int = 0,
) -> Terms:
    """The terms of a regression of the outcome on `treatment`, with its lags and leads.

    Raises:
        Refusal: no units where lags are asked for (D401), a treatment without variation (E107), no rows left (P005).
    """
    values = data.column(treatment) / change
    if values.min() == values.max():
        problem = f"{treatment} has the same value in every row"
        raise Refusal("E107", "treatment", problem, "name a column that varies, or check `where`")
    held, names = data.matrix(covariates)
    periods, period = _positions(data)
    unit = np.arange(data.n) if data.unit is None else data.unit
    shifts = [*range(1, lags + 1), *range(-1, -leads - 1, -1)]
    moved = _moved(data, treatment, periods, period, shifts, change, before)
    lagged = [f"{treatment}, {_words(shift)}" for shift in shifts]
    found = Terms(
        outcome=data.outcome,
        regressors=np.column_stack([values, moved, _standardised(held, data.weight)]),
        names=(treatment, *lagged, *names),
        own=1 + lags,
        unit=unit,
        period=period,
        cluster=data.cluster if data.clustered else unit,
        weight=data.weight,
        periods=periods,
    ).rows(np.asarray(np.isfinite(moved).all(axis=1)))
    if not found.n:
        problem = f"no row has a known treatment {max(lags, leads)} periods apart"
        raise Refusal("P005", "lags" if lags else "treatment", problem, "ask for fewer, or set `before`")
    return found


def need_units(data: Rows, design: str) -> None:
    """Refuse rows without units and periods (E130)."""
    if data.unit is None or data.time is None:
        missing = "unit" if data.unit is None else "time"
        problem = f"the table has no column with the role {missing}, and {design} follows units over time"
        raise Refusal("E130", "design", problem, "declare it in source.yml, or use `design: pooled`")


def _positions(data: Rows) -> tuple[Array, Array]:
    if data.time is None:
        return np.zeros(1), np.zeros(data.n, dtype=int)
    aside = data.unobserved
    later = np.empty(0) if aside is None or aside.time is None else aside.time
    periods = np.unique(np.concatenate([data.time, later]))
    return periods, np.searchsorted(periods, data.time)


def _moved(
    data: Rows,
    treatment: str,
    periods: Array,
    period: Array,
    shifts: Sequence[int],
    change: float,
    before: float | None,
) -> Array:
    """(rows, shifts) the treatment `shift` periods earlier (later where negative); NaN where not known."""
    if not shifts:
        return np.empty((data.n, 0))
    need_units(data, "a lag or lead")
    assert data.unit is not None
    grid = np.full((len(data.units), len(periods)), np.nan)
    grid[data.unit, period] = data.column(treatment) / change
    aside = data.unobserved
    if aside is not None and aside.unit is not None and aside.time is not None:
        grid[aside.unit, np.searchsorted(periods, aside.time)] = aside.column(treatment) / change
    columns = []
    for shift in shifts:
        at = period - shift
        inside = (at >= 0) & (at < len(periods))
        column = np.where(inside, grid[data.unit, np.clip(at, 0, len(periods) - 1)], np.nan)
        columns.append(np.where(at < 0, np.nan if before is None else before / change, column))
    return np.column_stack(columns)


def _standardised(columns: Array, weight: Array) -> Array:
    """Centred and scaled, which changes no other coefficient but keeps the algebra accurate."""
    if not columns.shape[1]:
        return columns
    centred = columns - np.average(columns, axis=0, weights=weight)
    spread = centred.std(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0))


def _words(shift: int) -> str:
    count = abs(shift)
    return f"{count} period{'s' if count > 1 else ''} {'earlier' if shift > 0 else 'later'}"
