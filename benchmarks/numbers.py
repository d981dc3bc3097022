"""What every tool returns, so that tools can be compared: {name of the number: (estimate, standard error)}.

Names are event times ("-3", "0") or words ("average"). The standard error is 0 where a number has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Table = dict[str, tuple[float, float]]
Tool = Callable[[Any], Table]


def by_time(times: Iterable[Any], estimates: Iterable[Any], errors: Iterable[Any]) -> Table:
    """The numbers by event time; reference periods, without an error, are left out."""
    rows = zip(times, estimates, errors, strict=True)
    return {str(int(time)): (float(value), float(error)) for time, value, error in rows if error > 0}


def worst(ours: Table, theirs: Table) -> tuple[float, float]:
    """Largest gap of estimates, in our standard errors (as they are where there is none), and of standard errors,
    relative; over the numbers in both tables. Infinite where they share none."""
    shared = ours.keys() & theirs.keys()
    gaps = [abs(theirs[name][0] - ours[name][0]) / (ours[name][1] or 1.0) for name in shared]
    errors = [abs(theirs[name][1] / ours[name][1] - 1) for name in shared if ours[name][1] and theirs[name][1]]
    return max(gaps, default=float("inf")), max(errors, default=0.0)


def shared(ours: Table, theirs: Table) -> str:
    """How many numbers both tables hold, where it is not all of ours."""
    count = len(ours.keys() & theirs.keys())
    return "" if count == len(ours) else f"{count} of {len(ours)}"
