"""What several diagnostics of a trial need of its rows: all that were assigned, and at which level."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.trial_arms import Arms
from analysis.panel import Array
from analysis.rows import Rows


@dataclass(frozen=True, eq=False)
class Everyone:
    """Every row that was assigned: code of its arm, whether its outcome was seen, its stratum, and its unit of
    assignment (a cluster where the assignment never varies within one, else the row itself). All (rows,).

    rows: the same as `Rows`, the outcome 1 where it is missing and 0 where it was seen. clustered: whether units are
    clusters.
    """

    code: Array
    seen: Array
    stratum: Array
    unit: Array
    rows: Rows
    clustered: bool

    def units(self) -> tuple[Array, Array, Array]:
        """One entry for each unit of assignment: its arm and its stratum, and the unit of each row."""
        _, first, place = np.unique(self.unit, return_index=True, return_inverse=True)
        return self.code[first], self.stratum[first], place


def everyone(data: Rows, arms: Arms, strata: str | None) -> Everyone:
    """The rows of `data` and those set aside for want of an outcome, together."""
    aside = data.unobserved if data.unobserved is not None and data.unobserved.n else None
    code = arms.code if aside is None else np.concatenate([arms.code, arms.of(aside)])
    whole = _joined(data, aside)
    stratum = np.zeros(len(code)) if strata is None else whole.column(strata)
    apart = _varies(code, whole.cluster)
    unit = np.arange(len(code)) if apart or not whole.clustered else whole.cluster
    seen = np.arange(len(code)) < data.n
    return Everyone(code, seen, stratum, unit, whole, whole.clustered and not apart)


def _joined(data: Rows, aside: Rows | None) -> Rows:
    """Both sets of rows, with missingness as outcome. Clusters come from the column of that name; without it every row
    stands for itself."""
    name = data.labels.cluster
    if aside is None:
        return data.with_outcome(np.zeros(data.n))
    columns = {key: np.concatenate([values, aside.columns[key]]) for key, values in data.columns.items()}
    known = name in columns
    total = data.n + aside.n
    return replace(
        data,
        outcome=np.concatenate([np.zeros(data.n), np.ones(aside.n)]),
        columns=columns,
        weight=np.concatenate([data.weight, aside.weight / aside.weight.mean()]),
        cluster=np.unique(columns[name], return_inverse=True)[1] if known else np.arange(total),
        labels=data.labels if known else replace(data.labels, cluster=""),
        unit=None,
        time=None,
        unobserved=None,
    )


def _varies(code: Array, cluster: Array) -> bool:
    """Rows of one cluster are in different arms."""
    low = np.full(int(cluster.max()) + 1, np.inf)
    high = np.full(int(cluster.max()) + 1, -np.inf)
    np.minimum.at(low, cluster, code)
    np.maximum.at(high, cluster, code)
    return bool((high > low).any())


def assigned_together(data: Rows, code: Array, name: str) -> bool:
    """The arm never varies among rows that share a value of column `name`, and chance would hardly have done that.

    Values held by one row say nothing. Under assignment row by row the probability that all groups agree is the product
    over groups of the chance that their rows fell into one arm; it must be below one in a million.
    """
    group = np.unique(data.column(name), return_inverse=True)[1]
    size = np.bincount(group)
    if len(size) < 2 or size.max() < 2 or _varies(code, group):
        return False
    share = np.bincount(code) / len(code)
    agree = sum(np.exp(size * np.log(part)) for part in share if part > 0)
    return bool(np.log(np.minimum(agree, 1.0)).sum() < np.log(1e-6))
