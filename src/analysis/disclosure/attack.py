"""The attacker: what anybody can work out about hidden counts from everything that was published.

Published cells, their sums, printed percentages and earlier versions are linear constraints on the hidden counts; the
smallest and largest value that agrees with all of them are two linear programmes per cell (Fischetti and Salazar 2001,
Management Science 47(7), the "attacker's problems"; solved by HiGHS). The bounds are those of real numbers: whole
numbers can only be narrower where sums of three-way tables interlock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Key: TypeAlias = Any  # whatever names a cell
TOLERANCE = 1e-6
LIMIT = 1e8  # of any count; bounds beyond half of it are called infinite


@dataclass(frozen=True)
class Ratio:
    """A printed share: `part` / `whole` lies between `low` and `high` (the rounding of what was printed)."""

    part: Key
    whole: Key
    low: float
    high: float


@dataclass(frozen=True)
class Knowledge:
    """What is published: `cells` key -> (lowest, highest) as printed (equal for an exact count); `sums` (total, parts);
    `ratios` printed shares; `ordered` pairs (earlier, later) of a count that can only grow."""

    cells: Mapping[Key, tuple[float, float]]
    sums: Sequence[tuple[Key, Sequence[Key]]] = ()
    ratios: Sequence[Ratio] = ()
    ordered: Sequence[tuple[Key, Key]] = ()

    def joined(self, other: Knowledge, ordered: Sequence[tuple[Key, Key]] = ()) -> Knowledge:
        """Both taken together; a cell in both is known to lie where both say."""
        cells = dict(self.cells)
        for key, (low, high) in other.cells.items():
            mine = cells.get(key, (low, high))
            cells[key] = (max(low, mine[0]), min(high, mine[1]))
        sums = [*self.sums, *(line for line in other.sums if line not in self.sums)]
        return Knowledge(cells, sums, [*self.ratios, *other.ratios], [*self.ordered, *other.ordered, *ordered])

    def renamed(self, version: Key) -> Knowledge:
        """The same with every cell marked as that of `version`."""
        return Knowledge(
            {(version, key): known for key, known in self.cells.items()},
            [((version, total), [(version, part) for part in parts]) for total, parts in self.sums],
            [Ratio((version, r.part), (version, r.whole), r.low, r.high) for r in self.ratios],
            [((version, a), (version, b)) for a, b in self.ordered],
        )


def printed_share(text: str) -> tuple[float, float]:
    """The lowest and highest share that is printed as `text` per cent: "12.5" is 12.45 to 12.55 per cent."""
    decimals = len(text.partition(".")[2])
    half = 0.5 * 10.0**-decimals
    return (float(text) - half) / 100, (float(text) + half) / 100


def reach(knowledge: Knowledge, asked: Sequence[tuple[Mapping[Key, float], int]]) -> list[float]:
    """How high (+1) or low (-1) each combination of cells, coefficient by key, can get; infinite without limit.

    Raises ValueError when what was published contradicts itself.
    """
    import numpy as np
    from scipy.optimize import linprog

    place = {key: number for number, key in enumerate(knowledge.cells)}
    costs = np.zeros((len(asked), len(place)))
    for row, (combination, sign) in enumerate(asked):
        for key, value in combination.items():
            costs[row, place[key]] -= sign * value
    equal = _matrix([{total: -1.0, **dict.fromkeys(parts, 1.0)} for total, parts in knowledge.sums], place)
    most = _matrix(_inequalities(knowledge), place)
    many = [None if one is None else copied(one, len(asked)) for one in (most, equal)]
    found = linprog(
        costs.reshape(-1),
        A_ub=many[0],
        b_ub=None if many[0] is None else np.zeros(many[0].shape[0]),
        A_eq=many[1],
        b_eq=None if many[1] is None else np.zeros(many[1].shape[0]),
        bounds=np.tile(np.minimum(np.array(list(knowledge.cells.values()), dtype=float), LIMIT), (len(asked), 1)),
        method="highs-ds",
    )
    if found.status != 0:
        raise ValueError("the published counts contradict one another")
    values = (costs * found.x.reshape(costs.shape)).sum(axis=1)
    return [
        sign * (-float(value)) if abs(value) < LIMIT / 2 else sign * math.inf
        for value, (_, sign) in zip(values, asked, strict=True)
    ]


def _inequalities(knowledge: Knowledge) -> list[dict[Key, float]]:
    """Rows that are at most zero."""
    rows: list[dict[Key, float]] = [{a: 1.0, b: -1.0} for a, b in knowledge.ordered]
    for ratio in knowledge.ratios:
        rows.append({ratio.part: 1.0, ratio.whole: -ratio.high})
        rows.append({ratio.part: -1.0, ratio.whole: ratio.low})
    return rows


def _matrix(lines: Sequence[Mapping[Key, float]], place: Mapping[Key, int]) -> Any:
    from scipy.sparse import csr_array

    entries = [(row, place[key], value) for row, line in enumerate(lines) for key, value in line.items()]
    if not entries:
        return None
    rows, columns, values = zip(*entries, strict=True)
    return csr_array((values, (rows, columns)), shape=(len(lines), len(place)))


def copied(matrix: Any, copies: int) -> Any:
    """`copies` of a sparse matrix (csr), one after the other along the diagonal: many programmes as one."""
    import numpy as np
    from scipy.sparse import csr_array

    rows, columns = matrix.shape
    steps = np.arange(copies)[:, None]
    starts = (matrix.indptr[:-1][None, :] + steps * matrix.nnz).reshape(-1)
    return csr_array(
        (
            np.tile(matrix.data, copies),
            (matrix.indices[None, :] + steps * columns).reshape(-1),
            np.append(starts, copies * matrix.nnz),
        ),
        shape=(copies * rows, copies * columns),
    )


def bounds(knowledge: Knowledge, targets: Iterable[Key]) -> dict[Key, tuple[float, float]]:
    """For each of the cells `targets` the smallest and largest count that agrees with all that is published.

    Raises ValueError when what was published contradicts itself.
    """
    wanted = list(targets)
    if not wanted:
        return {}
    reached = reach(knowledge, [({key: 1.0}, sign) for key in wanted for sign in (-1, 1)])
    return {key: (reached[2 * place], reached[2 * place + 1]) for place, key in enumerate(wanted)}


def recovered(found: Mapping[Key, tuple[float, float]], width: float) -> dict[Key, tuple[float, float]]:
    """The cells of `found` whose bounds lie closer together than `width`, the protection interval."""
    return {key: (low, high) for key, (low, high) in found.items() if high - low < width - TOLERANCE}
