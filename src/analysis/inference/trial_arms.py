"""The arms of a trial: which rows belong to the control arm, to the arm of the headline, and to the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

MOST = 12


@dataclass(frozen=True, eq=False)
class Arms:
    """treatment: the column that holds them. names: the control arm first, then the arm of the headline, then others.
    code: (rows,) places in `names`.

    values: what stands in the column for each arm, so that other rows can be read the same way.
    """

    treatment: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    code: Array

    @cached_property
    def compared(self) -> Array:
        """(rows,) whether the row is in the control arm or in the arm of the headline."""
        return np.asarray(self.code <= 1)

    @property
    def shown(self) -> tuple[str, ...]:
        """The arms as a reader knows them: numbers alone say nothing."""
        if set(self.names) == {"0", "1"}:
            return ("Control group", "Treated group")
        return tuple(name[:1].upper() + name[1:] for name in self.names)

    def counts(self) -> Array:
        """(arms,) rows of each arm."""
        return np.bincount(self.code, minlength=len(self.names))

    def of(self, rows: Rows) -> Array:
        """(rows,) the places in `names` of other rows of the same table."""
        return _places(rows.column(self.treatment), self.values)


def arms(rows: Rows, treatment: str, control: str | int | None = None, arm: str | int | None = None) -> Arms:
    """The arms that the column `treatment` holds.

    Args:
        control: the control arm's value; None where it is 0. arm: the arm compared with it; None where only one other
            is left.

    Raises:
        Refusal: P005 for fewer than two arms, too many values, an unknown name, or a choice that must be made.
    """
    column = rows.column(treatment)
    present = np.unique(column)
    known = {_name(rows, treatment, value): float(value) for value in present}
    if len(present) < 2:
        raise Refusal("P005", treatment, "every row is in the same arm", "check `where`, or name another column")
    if len(present) > MOST:
        problem = f"{len(present)} different values: that is no list of arms"
        raise Refusal("P005", treatment, problem, "name the column of the assigned arm")
    first = _chosen(known, "control_arm", control, "0" if "0" in known else None)
    others = [name for name in known if name != first]
    second = _chosen(dict.fromkeys(others, 0.0), "arm", arm, others[0] if len(others) == 1 else None)
    names = (first, second, *(name for name in others if name != second))
    values = tuple(known[name] for name in names)
    return Arms(treatment, names, values, _places(column, values))


def _places(column: Array, values: tuple[float, ...]) -> Array:
    return np.asarray((column[:, None] == np.array(values)[None, :]).argmax(axis=1))


def _name(rows: Rows, treatment: str, value: float) -> str:
    return rows.categories[treatment][int(value)] if treatment in rows.categories else f"{value:g}"


def _chosen(known: dict[str, float], field: str, asked: str | int | None, otherwise: str | None) -> str:
    listed = ", ".join(known)
    if asked is None:
        if otherwise is None:
            raise Refusal("P005", field, "the arms do not say which one it is", f"write one of {listed}")
        return otherwise
    if str(asked) not in known:
        raise Refusal("P005", field, f"there is no arm {asked!r}", f"write one of {listed}")
    return str(asked)
