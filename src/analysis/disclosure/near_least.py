"""Suppression of tables too large for the whole-number programme: each need at least loss, then nothing needless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.disclosure.least_loss import Attacks, Need

MOVED = 1e-7


def choose(attacks: Attacks, needs: Sequence[Need]) -> NDArray[Any]:
    """Hidden cells that meet all `needs`, none of which could be shown again."""
    import numpy as np

    problem = attacks.problem
    hidden = np.array([key in problem.forced for key in attacks.place])
    while unmet := attacks.unmet(needs, hidden):
        for need in unmet:
            if attacks.unmet([need], hidden):
                hidden = hidden | _cells_for(attacks, need, hidden)
    losses = np.array([problem.loss[key] for key in attacks.place])
    for place in sorted(np.flatnonzero(hidden), key=lambda k: (-losses[k], k)):
        if list(attacks.place)[place] in problem.forced:
            continue
        fewer = hidden.copy()
        fewer[place] = False
        if not attacks.unmet(needs, fewer):
            hidden = fewer
    return hidden


def _cells_for(attacks: Attacks, need: Need, hidden: NDArray[Any]) -> NDArray[Any]:
    """The cells that some table with `need` at its target changes, at least loss per count that moves."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    size = len(attacks.place)
    fixed = np.array([key in attacks.problem.never for key in attacks.place])
    ranges = attacks.ranges(~fixed)
    closed = attacks.closed
    combination = csr_array(attacks.costs([need]))
    loss = np.array([attacks.problem.loss[key] for key in attacks.place])
    unit, none = eye_array(size), csr_array((size, size))
    below = hstack([unit, -unit])  # y - d <= highest shown
    above = hstack([-unit, -unit])  # -y - d <= -lowest shown
    aim = hstack([combination, csr_array((1, size))])
    rows, limits = [below, above, aim], [closed[:, 1], -closed[:, 0], np.array([-need.sign * need.target])]
    if attacks.most is not None:
        rows.append(hstack([attacks.most, csr_array(attacks.most.shape)]))
        limits.append(np.zeros(attacks.most.shape[0]))
    found = linprog(
        np.concatenate([np.zeros(size), np.where(hidden, 0.0, loss)]),
        A_ub=vstack(rows, "csr"),
        b_ub=np.concatenate(limits),
        A_eq=hstack([attacks.equal, none[: attacks.equal.shape[0]]], "csr"),
        b_eq=np.zeros(attacks.equal.shape[0]),
        bounds=np.vstack([ranges, np.tile([0.0, np.inf], (size, 1))]),
        method="highs-ds",
    )
    if found.status != 0:
        raise ValueError(f"no choice of hidden cells is enough ({found.message})")
    moved: NDArray[Any] = found.x[size:] > MOVED
    return moved
