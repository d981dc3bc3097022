"""Tables of counts with all their margins: cells with names, and the sums that tie them together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cell: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Counts:
    """A table of counts of units by one, two or three classifications.

    dimensions: (name, categories) of each; counts: whole numbers, one axis per dimension, without margins. A cell is
    named by its ((dimension, category), ...) in alphabetical order of the dimensions; a margin leaves out what it sums
    over, so that two tables that share a margin name it alike. sensitive: also that nobody is in a cell would tell
    something, so that zeros are hidden like small counts. Raises ValueError for counts that do not fit.
    """

    dimensions: tuple[tuple[str, tuple[str, ...]], ...]
    counts: NDArray[np.int64]
    sensitive: bool = False

    def __post_init__(self) -> None:
        shape = tuple(len(categories) for _, categories in self.dimensions)
        if self.counts.shape != shape or not 1 <= len(shape) <= 3:
            raise ValueError(f"counts of shape {self.counts.shape} for categories {shape}; one to three dimensions")
        if self.counts.dtype.kind not in "iu" or (self.counts < 0).any():
            raise ValueError("counts are whole numbers, none below zero")
        for name, categories in self.dimensions:
            if len(set(categories)) < len(categories):
                raise ValueError(f"a category of {name} occurs twice")

    def cell(self, places: Sequence[int | None]) -> Cell:
        """The name of the cell at `places`, None where a dimension is summed over."""
        named = [
            (name, categories[place])
            for (name, categories), place in zip(self.dimensions, places, strict=True)
            if place is not None
        ]
        return tuple(sorted(named))

    def places(self) -> list[tuple[int | None, ...]]:
        """All cells and margins, inner cells first in each line, the total last."""
        axes = [[*range(len(categories)), None] for _, categories in self.dimensions]
        return list(itertools.product(*axes))

    def cells(self) -> dict[Cell, int]:
        """The count of every cell and every margin."""
        return {self.cell(places): int(self._sum(places)) for places in self.places()}

    def _sum(self, places: Sequence[int | None]) -> int:
        return int(self.counts[tuple(slice(None) if p is None else p for p in places)].sum())

    def sums(self) -> list[tuple[Cell, list[Cell]]]:
        """(total, parts) for every line of the table, its margins included."""
        found = []
        for places in self.places():
            for axis, (place, (_, categories)) in enumerate(zip(places, self.dimensions, strict=True)):
                if place is None:
                    parts = [(*places[:axis], k, *places[axis + 1 :]) for k in range(len(categories))]
                    found.append((self.cell(places), [self.cell(part) for part in parts]))
        return found
