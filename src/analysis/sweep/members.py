"""Who belongs to which cluster, so that specifications with other samples and other clusters can be matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.panel import Array, Panel
from analysis.result import AnyData
from analysis.rows import Rows


@dataclass(frozen=True, eq=False)
class Members:
    """atom: (A,) a number for each unit (or row, where the table names no units), the same in every specification.
    cluster: (A,) its cluster. rows: what the numbers of rows stand for; empty where they stand for units."""

    atom: Array
    cluster: Array
    rows: str = ""


def of(table: AnyData, kept: Array | None = None) -> Members:
    """The members of the table's clusters: units by their label, else rows by their place; of the rows `kept` only."""
    if isinstance(table, Panel):
        return Members(hashed(table.units), table.cluster.astype(np.int64))
    used = slice(None) if kept is None else kept
    cluster = np.unique(table.cluster[used], return_inverse=True)[1].astype(np.int64)
    if isinstance(table, Rows) and table.unit is not None and len(table.units):
        # One entry for each unit and cluster that meet.
        pairs = np.unique(np.column_stack([table.unit[used].astype(np.int64), cluster]), axis=0)
        return Members(hashed(table.units)[pairs[:, 0]], pairs[:, 1])
    gone = "; ".join(f"{one.reason}: {one.rows}" for one in table.dropped)
    return Members(np.arange(table.n, dtype=np.uint64)[used], cluster, f"{table.n} rows ({gone})")


def hashed(labels: Array) -> Array:
    """(A,) labels as 64-bit numbers that depend on nothing but their text."""
    from pandas.util import hash_array

    return np.asarray(hash_array(np.asarray([str(label) for label in labels], dtype=object)), dtype=np.uint64)


def blocks(found: Sequence[Members]) -> tuple[int, list[Array]] | None:
    """How many independent blocks there are, and the block of every cluster of each specification.

    A block holds all clusters that are tied together because some specification puts their members into one cluster.
    None where rows cannot be matched: they have no label, and the specifications drop different ones.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if len({one.rows for one in found}) > 1:
        return None
    atoms = np.unique(np.concatenate([one.atom for one in found]))
    sizes = [int(one.cluster.max()) + 1 for one in found]
    starts = np.concatenate([[len(atoms)], len(atoms) + np.cumsum(sizes)])
    left = np.concatenate([np.searchsorted(atoms, one.atom) for one in found])
    right = np.concatenate([one.cluster + start for one, start in zip(found, starts[:-1], strict=True)])
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(int(starts[-1]),) * 2)
    count, label = connected_components(graph, directed=False)
    return int(count), [label[start : start + size] for start, size in zip(starts[:-1], sizes, strict=True)]


def aligned(contributions: Sequence[Array], found: Sequence[Members]) -> Array | None:
    """(blocks, specifications) contributions summed by block; None where the specifications cannot be matched."""
    tied = blocks(found)
    if tied is None:
        return None
    count, labels = tied
    matrix = np.zeros((count, len(found)))
    for column, (values, label) in enumerate(zip(contributions, labels, strict=True)):
        np.add.at(matrix[:, column], label, values)
    return matrix
