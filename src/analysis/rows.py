"""Rows of a table in their roles, for designs that need no units x periods matrix; validated once, never mutated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from analysis.panel import Array, Dropped, Labels
from analysis.refusal import Refusal


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table: people, firms, unit-years of a panel with gaps, or the periods of one series, in time order.

    outcome: (rows,) in the outcome's own unit. columns: name -> (rows,) numbers; a column of text holds codes, whose
    words are in `categories`, sorted. weight: (rows,) with mean one. cluster: (rows,) codes 0..clusters-1, every row
    its own where none is named. unit: (rows,) codes of `units`, and time: (rows,) period labels, where the table
    declares these roles; rows are then unique by unit and time. unobserved: rows whose outcome is missing, set aside
    where the family asks for them; their outcome is NaN.
    """

    outcome: Array
    columns: dict[str, Array]
    weight: Array
    cluster: Array
    labels: Labels
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unit: Array | None = None
    units: Array = field(default_factory=lambda: np.empty(0))
    time: Array | None = None
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    unobserved: Rows | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.outcome)

    @cached_property
    def clusters(self) -> int:
        """Number of clusters (rows when each is its own)."""
        return len(np.unique(self.cluster))

    @property
    def clustered(self) -> bool:
        """Rows are grouped into clusters coarser than the row."""
        return bool(self.labels.cluster)

    @property
    def weighted(self) -> bool:
        """Rows count differently."""
        return bool(self.labels.weight)

    @cached_property
    def periods(self) -> Array:
        """Period labels present, in order; empty where the table declares no time."""
        return np.empty(0) if self.time is None else np.unique(self.time)

    def column(self, name: str) -> Array:
        """(rows,) one column. Raises Refusal D402 where the study did not carry it along."""
        if name == self.labels.outcome:
            return self.outcome
        if name not in self.columns:
            raise Refusal("D402", name, "the rows do not hold this column", "name it in the parameter file")
        return self.columns[name]

    def binary(self, name: str, code: str = "P005") -> Array:
        """(rows,) a column as booleans. Raises Refusal unless it holds 0 and 1, both of them."""
        values = self.column(name)
        if not np.isin(values, (0.0, 1.0)).all():
            raise Refusal(code, name, "the column holds values other than 0 and 1", "write 0 or 1 in every row")
        if len(np.unique(values)) < 2:
            raise Refusal(code, name, f"every row has {values[0]:g}: there is nothing to compare", "check `where`")
        return np.asarray(values == 1.0)

    def matrix(self, names: Sequence[str]) -> tuple[Array, list[str]]:
        """(rows, k) the columns side by side, text as indicators of all categories present but the first; and names."""
        found, shown = [], []
        for name in names:
            values = self.column(name)
            if name not in self.categories:
                found.append(values)
                shown.append(name)
                continue
            for code in np.unique(values)[1:]:
                found.append((values == code).astype(float))
                shown.append(f"{name}: {self.categories[name][int(code)]}")
        return (np.column_stack(found) if found else np.empty((self.n, 0))), shown

    def rows(self, keep: Array) -> Rows:
        """The rows selected or reordered by `keep` (a mask or positions)."""
        return replace(
            self,
            outcome=self.outcome[keep],
            columns={name: values[keep] for name, values in self.columns.items()},
            weight=self.weight[keep],
            cluster=np.unique(self.cluster[keep], return_inverse=True)[1],
            unit=None if self.unit is None else self.unit[keep],
            time=None if self.time is None else self.time[keep],
        )

    def only(self, keep: Array, reason: str) -> Rows:
        """The rows for which `keep` is true; the others are counted as dropped for `reason`."""
        if keep.all():
            return self
        gone = int((~keep).sum())
        units = gone if self.unit is None else len(np.setdiff1d(self.unit[~keep], self.unit[keep]))
        return replace(self.rows(keep), dropped=(*self.dropped, Dropped(reason, units, gone)))

    def with_outcome(self, outcome: Array) -> Rows:
        """The same design with another outcome."""
        return replace(self, outcome=outcome)

    def with_column(self, name: str, values: Array) -> Rows:
        """The same rows with one column replaced or added."""
        return replace(self, columns={**self.columns, name: values})
