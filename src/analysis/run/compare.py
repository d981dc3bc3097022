"""Two executions side by side: which published numbers and shown texts agree."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOLERANCE = 1e-6
MEASURED = ("estimate", "std_error", "low", "high", "p_value")
_MEASURED = ("estimate", "std_error", "low", "high")
_STATED = ("label", "level", "n", "clusters", "treated_clusters", "unit", "method", "inference", "estimand")
_NOT_COMPARED = "nbval-ignore-output"
_TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")


@dataclass(frozen=True)
class Difference:
    """One published number that came out otherwise; None where it is absent on one side."""

    id: str
    what: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.id} ({self.what}): published {self.before!r}, here {self.now!r}"


@dataclass(frozen=True)
class Agreement:
    """How far a re-execution agrees: `agree` of `of` published numbers, those that differ, cells whose text differs."""

    agree: int
    of: int
    numbers: list[Difference]
    texts: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing at all differs."""
        return not self.numbers and not self.texts


def agreement(
    old: Mapping[str, Any], new: Mapping[str, Any], old_notebook: Any = None, new_notebook: Any = None
) -> Agreement:
    """Compare two results.json and, when given, the text outputs of their notebooks."""
    texts = _texts_that_differ(old_notebook, new_notebook) if old_notebook is not None else []
    published = {number["id"] for number in old["numbers"]}
    different = numbers_that_differ(old, new)
    agreeing = published - {difference.id for difference in different}
    return Agreement(len(agreeing), len(published), different, texts)


def numbers_that_differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """The numbers that are absent on one side, differ by more than `allowed`, or are described otherwise."""
    before, now = ({number["id"]: number for number in side["numbers"]} for side in (old, new))
    found = []
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in now or name not in before:
            absent = [None if side is None else side["estimate"] for side in (before.get(name), now.get(name))]
            found.append(Difference(name, "estimate", *absent))
        else:
            found += _first_difference(name, before[name], now[name])
    return found


def allowed(number: Mapping[str, Any], value: float) -> float:
    """How far a re-computed `value` of `number` may be off.

    A millionth (TOLERANCE) of the number's standard error, which no reader could notice; of the value itself where
    there is no standard error; but never less than 1e-12 of the value, the noise of floating-point arithmetic.
    """
    return max(TOLERANCE * (number.get("std_error") or abs(value)), 1e-12 * abs(value))


def what_differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of what differs between two records of one number: measured by more than `allowed`, or stated."""
    within = {what: allowed(before, before.get(what) or 0.0) for what in _MEASURED} | {"p_value": TOLERANCE}
    measured = [what for what, room in within.items() if not _close(before.get(what), now.get(what), room)]
    return measured + [what for what in _STATED if before.get(what) != now.get(what)]


def _first_difference(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    return [Difference(name, what, before.get(what), now.get(what)) for what in what_differs(before, now)[:1]]


def _close(old: float | None, new: float | None, within: float) -> bool:
    return old == new if old is None or new is None else abs(new - old) <= within


def _texts_that_differ(old: Any, new: Any) -> list[str]:
    before, now = _texts(old), _texts(new)
    if len(before) != len(now):
        return [f"{len(before)} cells published, {len(now)} here"]
    pairs = enumerate(zip(before, now, strict=True), start=1)
    return [f"cell {number} shows another text" for number, (a, b) in pairs if a != b]


def _texts(notebook: Any) -> list[Any]:
    return [None if not_compared(cell) else [_shown(o) for o in cell.get("outputs", [])] for cell in notebook["cells"]]


def not_compared(cell: Any) -> bool:
    """Whether the cell says that its output may differ between machines (as the provenance does)."""
    return _NOT_COMPARED in cell["metadata"].get("tags", [])


def _shown(output: Any) -> Any:
    if output["output_type"] == "stream":
        return output["name"], "".join(output["text"])
    return {kind: "".join(text) for kind, text in output.get("data", {}).items() if kind in _TEXTS}


def with_provenance_of(old: Any, new: Any) -> Any:
    """A copy of the notebook `new` in which cells that are not compared show what they show in `old`."""
    merged = copy.deepcopy(new)
    for before, now in zip(old["cells"], merged["cells"], strict=False):
        if not_compared(before) and not_compared(now) and before["source"] == now["source"]:
            now["outputs"] = copy.deepcopy(before["outputs"])
    return merged
