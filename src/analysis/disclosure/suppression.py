"""Which counts to hide, so that the small ones cannot be worked out from the rest: primary and secondary suppression.

A count below the threshold is printed as "fewer than 10", which tells that it lies between 1 and 9. What else is hidden
is chosen so that everything published together, sums and earlier versions included, tells no more than that: for each
small count some table with 1 in its place and one with 9 agree with all that is shown. The choice loses the
least: a whole-number programme over cells, to which the attacker's linear programmes add constraints until none of them
succeeds (Fischetti and Salazar 2001, Management Science 47(7), here with Benders' decomposition; solved by HiGHS).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from analysis.disclosure.attack import Knowledge
from analysis.disclosure.rules import Rules
from analysis.disclosure.tables import Cell, Counts

if TYPE_CHECKING:
    from analysis.disclosure.least_loss import Problem

State = Literal["shown", "small", "hidden"]
HIDDEN = "not shown"


@dataclass(frozen=True)
class Protected:
    """Tables as they may be published.

    tables: as given; states: of every cell; known: the lowest and highest count that a reader of the cell alone knows;
    short: small cells whose range stays narrow whatever is hidden (an earlier release gave them away).
    """

    tables: tuple[Counts, ...]
    rules: Rules
    states: Mapping[Cell, State]
    known: Mapping[Cell, tuple[float, float]]
    short: tuple[Cell, ...] = ()

    @property
    def knowledge(self) -> Knowledge:
        """What a reader knows: the cells as printed and how they add up."""
        return Knowledge(dict(self.known), _sums(self.tables))

    def text(self, cell: Cell) -> str:
        """The cell as it is printed."""
        if self.states[cell] == "small":
            return f"fewer than {self.rules.smallest_count}"
        if self.states[cell] == "hidden":
            return HIDDEN
        return f"{_nearest(next(t.cells()[cell] for t in self.tables if cell in t.cells()), self.rules.round_to):,}"

    def rows(self, table: int = 0) -> list[list[str]]:
        """The printed cells of a one- or two-way table: a line per category of the first dimension, then totals."""
        chosen = self.tables[table]
        if len(chosen.dimensions) > 2:
            raise ValueError("a three-way table has no rows; ask for the text of each cell")
        texts = [self.text(chosen.cell(places)) for places in chosen.places()]
        width = 1 if len(chosen.dimensions) == 1 else len(chosen.dimensions[1][1]) + 1
        return [texts[start : start + width] for start in range(0, len(texts), width)]


def protect(table: Counts, rules: Rules, earlier: Protected | None = None, grows: bool = False) -> Protected:
    """`table` with its small counts hidden, and what else must be hidden; the rest rounded if `rules` say so.

    `earlier` is what an earlier version of the same table published: cells whose change since then is small are hidden
    too. `grows`: a reader may know that cases are only ever added.
    """
    return protect_linked([table], rules, earlier, grows)


def shown(categories: Sequence[str], counts: Sequence[int], rules: Rules) -> list[str]:
    """A list of counts and their total as they may be printed: small ones, and what else must go, in words.

    One text for each category, then that of the total. For a report's list of groups, arms or reasons.
    """
    import numpy as np

    table = Counts((("category", tuple(categories)),), np.asarray(counts, dtype=np.int64))
    return [row[0] for row in protect(table, rules).rows()]


def protect_linked(
    tables: Sequence[Counts], rules: Rules, earlier: Protected | None = None, grows: bool = False
) -> Protected:
    """The same for several tables of the same units at once: cells and margins that they share are one cell.

    Raises ValueError where they do not agree on a shared cell, or contradict what an earlier version published.
    """
    from analysis.disclosure.least_loss import Problem, solve

    cells, sensitive, totals = _cells(tables), _sensitive(tables), {total for total, _ in _sums(tables)}
    small = [cell for cell, count in cells.items() if _is_small(count, cell in sensitive, rules)]
    labelled = {cell for cell in small if cell not in totals}
    shown = {cell: _as_shown(count, rules) for cell, count in cells.items()}
    opened = {cell: _as_hidden(cell in labelled, cell in totals, cell in sensitive, rules) for cell in cells}
    never = {cell for cell, count in cells.items() if count == 0 and cell not in small}
    width = float(rules.largest_hidden - 1)
    problem = Problem(cells, shown, opened, _sums(tables), set(small), never, _losses(tables), small, width)
    if earlier is not None:
        problem = _with_earlier(problem, earlier, grows)
    hidden, short = solve(problem)
    states: dict[Cell, State] = {
        cell: "small" if cell in labelled else "hidden" if cell in hidden else "shown" for cell in cells
    }
    known = {cell: shown[cell] if states[cell] == "shown" else opened[cell] for cell in cells}
    return Protected(tuple(tables), rules, states, known, tuple(cell for cell in small if cell in short))


def _with_earlier(problem: Problem, earlier: Protected, grows: bool) -> Problem:
    """`problem` joined with what an earlier version published: its cells, fixed, and the changes since."""
    from analysis.disclosure.least_loss import Need

    before = {("earlier", cell): count for table in earlier.tables for cell, count in table.cells().items()}
    known = {("earlier", cell): earlier.known[cell] for _, cell in before}
    needs, forced = [], set(problem.forced)
    threshold = earlier.rules.smallest_count
    for cell, count in problem.cells.items():
        old = ("earlier", cell)
        change = count - before.get(old, count)
        known_small = max(count, before.get(old, count)) < threshold  # then a change can be small only
        if 0 < abs(change) < threshold and not known_small:
            sign = 1 if change > 0 else -1
            needs.append(Need({cell: 1.0, old: -1.0}, sign, sign * float(threshold)))
            if earlier.states[cell] == "shown":
                forced.add(cell)
    lines = [(("earlier", total), [("earlier", part) for part in parts]) for total, parts in _sums(earlier.tables)]
    return replace(
        problem,
        cells={**problem.cells, **before},
        shown={**problem.shown, **known},
        hidden={**problem.hidden, **known},
        sums=[*problem.sums, *lines],
        forced=forced,
        never={*problem.never, *before},
        loss={**problem.loss, **dict.fromkeys(before, 0.0)},
        small=[*problem.small, *(key for key in before if earlier.rules.small(before[key]))],
        needs=needs,
        ordered=[(("earlier", cell), cell) for _, cell in before if cell in problem.cells] if grows else [],
    )


def rounded(table: Counts, base: int, rules: Rules) -> Protected:
    """`table` with every cell and margin rounded to the nearest multiple of `base` on its own, nothing hidden.

    The alternative to hiding: totals no longer equal the sums of what is printed. Whether it is enough, `attack.bounds`
    of the result's `knowledge` tells.
    """
    cells = table.cells()
    known = {cell: _multiple(count, base) for cell, count in cells.items()}
    own = rules.model_copy(update={"round_to": base})
    return Protected((table,), own, dict.fromkeys(cells, "shown"), known)


def only_primary(table: Counts, rules: Rules) -> Protected:
    """`table` with its small counts hidden and nothing else: what must not be published, for comparison."""
    cells, sensitive = table.cells(), _sensitive([table])
    small = {cell for cell, count in cells.items() if _is_small(count, cell in sensitive, rules)}
    known = {
        cell: _as_hidden(True, False, cell in sensitive, rules) if cell in small else _as_shown(count, rules)
        for cell, count in cells.items()
    }
    states: dict[Cell, State] = {cell: "small" if cell in small else "shown" for cell in cells}
    return Protected((table,), rules, states, known)


def _cells(tables: Sequence[Counts]) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for table in tables:
        for cell, count in table.cells().items():
            if found.setdefault(cell, count) != count:
                raise ValueError(f"the tables give {found[cell]} and {count} for {dict(cell) or 'the total'}")
    return found


def _sensitive(tables: Sequence[Counts]) -> set[Cell]:
    return {cell for table in tables if table.sensitive for cell in table.cells()}


def _sums(tables: Sequence[Counts]) -> list[tuple[Cell, list[Cell]]]:
    lines: list[tuple[Cell, list[Cell]]] = []
    for table in tables:
        lines += [line for line in table.sums() if line not in lines]
    return lines


def _is_small(count: int, sensitive: bool, rules: Rules) -> bool:
    return rules.small(count) or (sensitive and count == 0)


def _as_shown(count: int, rules: Rules) -> tuple[float, float]:
    """What a reader knows of a count that is printed. A reader knows also that it is not small."""
    if rules.round_to is None or count == 0:
        return float(count), float(count)
    low, high = _multiple(count, rules.round_to)
    return max(low, float(rules.smallest_count)), high


def _nearest(count: int, base: int | None) -> int:
    return count if base is None else base * math.floor(count / base + 0.5)


def _multiple(count: int, base: int) -> tuple[float, float]:
    """The lowest and highest count that rounds to the same multiple of `base`, halves up."""
    nearest = _nearest(count, base)
    return max(0.0, float(math.ceil(nearest - base / 2))), math.ceil(nearest + base / 2) - 1.0


def _as_hidden(labelled: bool, total: bool, sensitive: bool, rules: Rules) -> tuple[float, float]:
    """What a reader knows of a cell that is not printed.

    "Fewer than 10" tells the range. Of "not shown" a reader may know how cells are chosen: an inner cell so marked is
    not small, a sum may be.
    """
    least = 0.0 if sensitive else 1.0
    if labelled:
        return least, float(rules.largest_hidden)
    return least if total else float(rules.smallest_count), math.inf


def _losses(tables: Sequence[Counts]) -> dict[Cell, float]:
    """What is lost by hiding a cell: more for larger counts, and for margins, which readers need most."""
    found: dict[Cell, float] = {}
    for table in tables:
        counts = table.cells()
        for places in table.places():
            cell = table.cell(places)
            loss = (1 + math.log1p(counts[cell])) * (1 + sum(place is None for place in places))
            found[cell] = max(found.get(cell, 0.0), loss)
    return found
