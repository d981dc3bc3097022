"""What the specifications add up to: how far they agree, which choice moves them most, and which are not comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from analysis.refusal import Refusal
from analysis.result import Estimate
from analysis.sweep.fit import Result
from analysis.sweep.plan import PLANNED, NotRun, Specification, Sweep
from analysis.sweep.runner import Run

ALIKE = 1e-9  # relative difference below which two specifications gave the same numbers
SCALED = "standard deviations"
LIMITED = "not the same ones of those treated"


@dataclass(frozen=True, eq=False)
class Entry:
    """One specification with its estimate on the axis of the curve (in standard deviations where the sweep says so).

    other: why it estimates something else, empty where it is comparable with the study's own. twin: an earlier
    specification that gave the same numbers, empty where there is none.
    """

    specification: Specification
    result: Result
    estimate: Estimate
    other: str
    twin: str

    @property
    def id(self) -> str:
        """The specification's name."""
        return self.specification.id

    @property
    def planned(self) -> bool:
        """It is the study's own."""
        return self.id == PLANNED

    @property
    def compared(self) -> bool:
        """It counts in the summary: it estimates the same, and no earlier one gave the same numbers."""
        return not self.other and not self.twin


@dataclass(frozen=True)
class Value:
    """One value of a choice: how many specifications make it and their median; the median change when it alone takes
    the place of the study's own value, over the `pairs` that differ in nothing else (None without any)."""

    value: Any
    specifications: int
    median: float
    change: float | None
    pairs: int


@dataclass(frozen=True)
class Lever:
    """A choice and what its values do to the estimate."""

    name: str
    values: tuple[Value, ...]

    @property
    def reach(self) -> float:
        """The largest change that another value makes, in absolute terms."""
        return max((abs(one.change) for one in self.values if one.change is not None), default=0.0)

    @property
    def strongest(self) -> Value:
        """The value with the largest change."""
        return max(self.values, key=lambda one: abs(one.change or 0.0))


@dataclass(frozen=True, eq=False)
class Summary:
    """The whole curve.

    entries: every specification that was estimated, the study's own first. unit: of the axis. worthwhile: the smallest
    effect that matters, on the axis. levers: choices, the one that moves the answer most first.
    The shares are of the entries that count: same_sign with the sign of the study's own estimate, excluding with an
    interval without zero, worth at least `worthwhile` in the direction of the study's own estimate.
    """

    sweep: Sweep
    entries: tuple[Entry, ...]
    failed: tuple[tuple[Specification, Result], ...]
    left: tuple[NotRun, ...]
    unit: str
    worthwhile: float
    levers: tuple[Lever, ...]
    median: float
    low: float
    high: float
    same_sign: int
    excluding: int
    worth: int

    @property
    def own(self) -> Entry:
        """The study's own specification."""
        return self.entries[0]

    @property
    def compared(self) -> tuple[Entry, ...]:
        """The specifications that count."""
        return tuple(entry for entry in self.entries if entry.compared)

    @property
    def aside(self) -> tuple[Entry, ...]:
        """Specifications that estimate something else."""
        return tuple(entry for entry in self.entries if entry.other and not entry.twin)

    @property
    def twins(self) -> tuple[Entry, ...]:
        """Specifications that gave the numbers of another one."""
        return tuple(entry for entry in self.entries if entry.twin)


def summarise(run: Run) -> Summary:
    """The summary of a sweep that was run. Raises Refusal where the study's own specification gave no estimate, or
    effects cannot be put into standard deviations."""
    run.refuse_without_answer()
    sweep = run.sweep
    pairs = list(zip(run.specifications, run.results, strict=True))
    done = [(one, result) for one, result in pairs if result.status == "done"]
    scales = _scales(sweep, done)
    entries = _entries(done, scales)
    compared = [entry for entry in entries if entry.compared]
    found = [entry.estimate for entry in compared]
    values = [one.value for one in found]
    sign = math.copysign(1.0, entries[0].estimate.value)
    worthwhile = sweep.study.worthwhile / scales[sweep.study.outcome]
    return Summary(
        sweep=sweep,
        entries=tuple(entries),
        failed=tuple((one, result) for one, result in pairs if result.status != "done"),
        left=tuple(run.left),
        unit=SCALED if sweep.standardise else sweep.base.source.columns[sweep.study.outcome].unit,
        worthwhile=worthwhile,
        levers=levers(sweep, entries),
        median=median(values),
        low=min(values),
        high=max(values),
        same_sign=sum(sign * value > 0 for value in values),
        excluding=sum(one.excludes(0.0) for one in found),
        worth=sum(sign * value >= worthwhile for value in values),
    )


def _entries(done: Sequence[tuple[Specification, Result]], scales: Mapping[str, float]) -> list[Entry]:
    """In the order of the sweep; `other` names the first reason that is known."""
    entries: list[Entry] = []
    own = done[0][1]
    for one, result in done:
        estimate = scaled(result.found, scales[one.study.outcome])
        other = one.other or (result.other if result.other != own.other else "")
        if not other and not one.same and result.limits != own.limits:
            other = f"{LIMITED}: {result.limits or 'nobody is left out, unlike in the study'}"
        twin = next((entry.id for entry in entries if not entry.twin and alike(entry.estimate, estimate)), "")
        entries.append(Entry(one, result, estimate, other, twin))
    return entries


def _scales(sweep: Sweep, done: Sequence[tuple[Specification, Result]]) -> dict[str, float]:
    """What the estimates of each outcome are divided by: one, or the spread of the outcome in the first specification
    that has it."""
    scales: dict[str, float] = {}
    for one, result in done:
        scales.setdefault(one.study.outcome, result.spread if sweep.standardise else 1.0)
    for outcome, scale in scales.items():
        if not (math.isfinite(scale) and scale > 0):
            problem = f"the standard deviation of {outcome} without the policy is not known in this design"
            raise Refusal("R302", f"{sweep.file}:standardise", problem, "keep to outcomes in one unit")
    return scales


def scaled(estimate: Estimate, scale: float) -> Estimate:
    """The estimate in units of `scale`."""
    if scale == 1.0:
        return estimate
    error = None if estimate.std_error is None else estimate.std_error / scale
    centre = None if estimate.centre is None else estimate.centre / scale
    low, high = estimate.low / scale, estimate.high / scale
    return replace(estimate, value=estimate.value / scale, std_error=error, low=low, high=high, centre=centre)


def alike(one: Estimate, other: Estimate) -> bool:
    """Two estimates that are the same number with the same interval."""
    pairs = ((one.value, other.value), (one.low, other.low), (one.high, other.high))
    return all(math.isclose(a, b, rel_tol=ALIKE, abs_tol=1e-300) or a == b for a, b in pairs)


def levers(sweep: Sweep, entries: Sequence[Entry]) -> tuple[Lever, ...]:
    """What each choice does, the strongest first; specifications that estimate something else are left out, those with
    the numbers of another one are not, because here every value stands for itself."""
    known = {_key(entry.specification.choices): entry.estimate.value for entry in entries if not entry.other}
    found = []
    for name, alternatives in sweep.alternatives.items():
        values = [_value(name, one.value, alternatives[0].value, entries, known) for one in alternatives]
        found.append(Lever(name, tuple(one for one in values if one is not None)))
    return tuple(sorted(found, key=lambda lever: -lever.reach))


def _value(
    name: str, value: Any, own: Any, entries: Sequence[Entry], known: Mapping[tuple[Any, ...], float]
) -> Value | None:
    inside = [one for one in entries if not one.other and one.specification.choices[name] == value]
    if not inside:
        return None
    changes = []
    for entry in inside:
        before = known.get(_key({**entry.specification.choices, name: own}))
        if before is not None and value != own:
            changes.append(entry.estimate.value - before)
    middle = median(entry.estimate.value for entry in inside)
    return Value(value, len(inside), middle, median(changes) if changes else None, len(changes))


def _key(choices: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in choices.values())
