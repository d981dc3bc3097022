"""The programme behind suppression: hide the cells whose loss is least, until no attack succeeds.

For a set of hidden cells, each attack is a linear programme. Where it succeeds, its dual prices say which cells would
have stopped it: every choice must hide enough of them (a Benders cut). The whole-number programme over choices is
solved again with all cuts so far, and so on; the first choice that no attack beats is the one of least loss. Tables
too large for that are protected one small count after the other, each at least loss by a linear programme, and then
every hidden cell that no attack needs is shown again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from analysis.disclosure.attack import copied

if TYPE_CHECKING:
    from numpy.typing import NDArray

Key: TypeAlias = Any  # whatever names a cell
Range = tuple[float, float]
Cut = tuple["NDArray[Any]", float]
TOLERANCE = 1e-6
GRID = 1000  # weights in a cut are raised to whole thousandths: the cut stays true, the programme well scaled
EXACT_CELLS = 63  # a table of 8 by 6 with its margins
EXACT_ROUNDS = 12


@dataclass(frozen=True)
class Need:
    """A combination of cells that a reader must believe able to get as high (`sign` +1) or low (-1) as `target`."""

    terms: Mapping[Key, float]
    sign: int
    target: float


@dataclass(frozen=True)
class Problem:
    """cells: their true counts; shown, hidden: what a reader knows of a cell in either state; sums: (total, parts);
    forced: always hidden; never: never hidden; loss: of hiding a cell; small: cells to keep open over `width` counts
    from the least that hiding everything would leave possible; needs: further ranges to keep open; ordered: (earlier,
    later) of what only grows."""

    cells: Mapping[Key, int]
    shown: Mapping[Key, Range]
    hidden: Mapping[Key, Range]
    sums: Sequence[tuple[Key, Sequence[Key]]]
    forced: Set[Key]
    never: Set[Key]
    loss: Mapping[Key, float]
    small: Sequence[Key]
    width: float
    needs: Sequence[Need] = ()
    ordered: Sequence[tuple[Key, Key]] = ()


@dataclass
class Attacks:
    """The linear programmes of one problem: fixed sums, bounds that depend on what is hidden."""

    problem: Problem
    place: dict[Key, int] = field(init=False)
    closed: NDArray[Any] = field(init=False)
    opened: NDArray[Any] = field(init=False)
    equal: Any = field(init=False)
    most: Any = field(init=False)

    def __post_init__(self) -> None:
        import numpy as np

        problem = self.problem
        self.place = {key: place for place, key in enumerate(problem.cells)}
        limit = 4.0 * max([*problem.cells.values(), 1]) + 100.0
        self.closed = np.minimum(np.array([problem.shown[key] for key in problem.cells], dtype=float), limit)
        self.opened = np.minimum(np.array([problem.hidden[key] for key in problem.cells], dtype=float), limit)
        self.equal = self._matrix([{total: -1.0, **dict.fromkeys(parts, 1.0)} for total, parts in problem.sums])
        self.most = self._matrix([{a: 1.0, b: -1.0} for a, b in problem.ordered])

    def _matrix(self, lines: Sequence[Mapping[Key, float]]) -> Any:
        from scipy.sparse import csr_array

        entries = [(row, self.place[key], value) for row, line in enumerate(lines) for key, value in line.items()]
        if not entries:
            return None
        rows, columns, values = zip(*entries, strict=True)
        return csr_array((values, (rows, columns)), shape=(len(lines), len(self.place)))

    def ranges(self, hidden: NDArray[Any]) -> NDArray[Any]:
        """The bounds of every cell when `hidden` ones are not shown."""
        import numpy as np

        return np.asarray(np.where(hidden[:, None], self.opened, self.closed))

    def minimise(self, costs: NDArray[Any], ranges: NDArray[Any]) -> Any:
        """One programme for every row of `costs`, all solved as one."""
        import numpy as np
        from scipy.optimize import linprog

        copies = len(costs)
        many = [None if one is None else copied(one, copies) for one in (self.most, self.equal)]
        found = linprog(
            costs.reshape(-1),
            A_ub=many[0],
            b_ub=None if many[0] is None else np.zeros(many[0].shape[0]),
            A_eq=many[1],
            b_eq=None if many[1] is None else np.zeros(many[1].shape[0]),
            bounds=np.tile(ranges, (copies, 1)),
            method="highs-ds",
            options={"presolve": False},
        )
        if found.status != 0:
            raise ValueError(f"the counts contradict what an earlier version published ({found.message})")
        return found

    def costs(self, needs: Sequence[Need]) -> NDArray[Any]:
        """The combination of each of the `needs`, signed so that the least is the farthest it gets."""
        import numpy as np

        costs = np.zeros((len(needs), len(self.place)))
        for row, need in enumerate(needs):
            for key, value in need.terms.items():
                costs[row, self.place[key]] = -need.sign * value
        return costs

    def reach(self, needs: Sequence[Need], hidden: NDArray[Any]) -> NDArray[Any]:
        """How far `sign` x combination of each need gets."""
        costs = self.costs(needs)
        found = self.minimise(costs, self.ranges(hidden))
        reached: NDArray[Any] = -(costs * found.x.reshape(costs.shape)).sum(axis=1)
        return reached

    def unmet(self, needs: Sequence[Need], hidden: NDArray[Any]) -> list[Need]:
        """The needs that hiding `hidden` leaves unmet."""
        reached = self.reach(needs, hidden)
        return [need for need, far in zip(needs, reached, strict=True) if far < need.sign * need.target - TOLERANCE]

    def cuts(self, needs: Sequence[Need], hidden: NDArray[Any]) -> list[Cut]:
        """For every unmet need (a, b): each sufficient choice h of hidden cells has a'h >= b."""
        import numpy as np

        costs = self.costs(needs)
        found = self.minimise(costs, self.ranges(hidden))
        reached = -(costs * found.x.reshape(costs.shape)).sum(axis=1)
        gain = self.opened - self.closed
        cuts = []
        for row, need in enumerate(needs):
            lower = found.lower.marginals.reshape(costs.shape)[row]
            upper = found.upper.marginals.reshape(costs.shape)[row]
            wanted = need.sign * need.target
            if reached[row] < wanted - TOLERANCE:
                needed = wanted + float(lower @ self.closed[:, 0] + upper @ self.closed[:, 1])
                weights = np.clip((-lower * gain[:, 0] - upper * gain[:, 1]) / needed, 0.0, 1.0)
                cuts.append((np.where(weights < TOLERANCE, 0.0, np.ceil(weights * GRID)), float(GRID)))
        return cuts


def solve(problem: Problem) -> tuple[set[Key], list[Key]]:
    """The cells to hide, and the small ones whose range stays narrower than `width` whatever is hidden.

    Raises ValueError when an earlier version and these counts contradict each other.
    """
    import numpy as np

    from analysis.disclosure.near_least import choose

    keys = list(problem.cells)
    if not problem.small and not problem.needs:
        return set(problem.forced), []
    attacks = Attacks(problem)
    everything = np.array([key not in problem.never for key in keys])
    needs, short = _needs(problem, attacks, everything)
    choice = _exact(attacks, needs) if len(keys) <= EXACT_CELLS else None
    if choice is None:
        choice = choose(attacks, needs)
    return {key for key, hide in zip(keys, choice, strict=True) if hide}, short


def _needs(problem: Problem, attacks: Attacks, everything: NDArray[Any]) -> tuple[list[Need], list[Key]]:
    """The ranges to keep open, as far as hiding everything would keep them open."""
    asked = [Need({key: 1.0}, sign, 0.0) for key in problem.small for sign in (-1, 1)] + list(problem.needs)
    reached = attacks.reach(asked, everything)
    found, short = [], []
    for place, key in enumerate(problem.small):
        low, high = -float(reached[2 * place]), float(reached[2 * place + 1])
        high = min(high, low + problem.width)
        found += [Need({key: 1.0}, -1, low), Need({key: 1.0}, +1, high)]
        if high - low < problem.width - TOLERANCE:
            short.append(key)
    for need, most in zip(problem.needs, reached[2 * len(problem.small) :], strict=True):
        found.append(Need(need.terms, need.sign, need.sign * min(need.sign * need.target, float(most))))
    return found, short


def _exact(attacks: Attacks, needs: Sequence[Need]) -> NDArray[Any] | None:
    """The choice of least loss; None if it was not found in time."""
    cuts = _lines(attacks)
    for _ in range(EXACT_ROUNDS):
        choice = _cheapest(attacks, cuts)
        new = attacks.cuts(needs, choice)
        if not new:
            return choice
        cuts += new
    return None


def _lines(attacks: Attacks) -> list[Cut]:
    """Cuts that hold at once where counts are printed exactly: in no sum is a count hidden alone.

    A small one would be known; hiding another alone would be in vain, so that a choice of least loss never does.
    """
    import numpy as np

    cuts = []
    exact = attacks.closed[:, 0] == attacks.closed[:, 1]
    for total, parts in attacks.problem.sums:
        members = [attacks.place[key] for key in (total, *parts)]
        if not exact[members].all():
            continue
        for key in (total, *parts):
            weights = np.zeros(len(attacks.place))
            weights[members] = 1.0
            weights[attacks.place[key]] = 0.0 if key in attacks.problem.forced else -1.0
            cuts.append((weights, 1.0 if key in attacks.problem.forced else 0.0))
    return cuts


def _cheapest(attacks: Attacks, cuts: Sequence[Cut]) -> NDArray[Any]:
    """The choice of least loss among those that satisfy all cuts."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    problem = attacks.problem
    low = np.array([float(key in problem.forced) for key in attacks.place])
    if not cuts:
        return np.asarray(low > 0)
    high = np.array([float(key not in problem.never) for key in attacks.place])
    least = np.array([needed - 0.5 for _, needed in cuts])  # weights and choices are whole numbers
    found = milp(
        np.round(np.array([10 * problem.loss[key] for key in attacks.place])),
        constraints=LinearConstraint(np.vstack([weights for weights, _ in cuts]), least, math.inf),
        bounds=Bounds(low, high),
        integrality=np.ones(len(attacks.place)),
        options={"presolve": False},
    )
    if found.x is None:
        raise ValueError(f"no choice of hidden cells is enough ({found.message})")
    chosen: NDArray[Any] = found.x > 0.5
    return chosen
