"""Which published numbers moved between two versions, which are new or gone, and which flipped.

A number is followed by its name and label, not by its place in a list: an estimator added in front of others does not
turn them into other numbers. One that is an interval alone is compared by its two ends, never by their middle.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from analysis.run import compare

Number = Mapping[str, Any]
Pair = tuple[Number | None, Number | None]
NOTABLE = 0.1
_PLACE = re.compile(r"_\d+(?=_|$)")


def only_interval(number: Mapping[str, Any]) -> bool:
    """Whether a published number is an interval alone, whose `estimate` is no more than its middle."""
    return str(number.get("label", "")).endswith("interval")


def moved(old: Sequence[Number], new: Sequence[Number]) -> list[dict[str, Any]]:
    """One entry per number that moved, is new or is gone: flips first, then by size in standard errors of the earlier.

    `what` names what differs; `in_std_errors` is None where the earlier number has no standard error, where one side
    has no estimate or where the units differ; of an interval alone it is that of the end that moved most. `largest` is
    the size of the largest move of estimate, low and high in standard errors. Numbers within `compare.allowed` are
    equal and get no entry. `std_error` is the earlier number's, or that of a new one.
    """
    entries = [entry for before, after in pairs(old, new) if (entry := _entry(before, after)) is not None]
    return sorted(entries, key=_rank)


def described(old: Sequence[Number], new: Sequence[Number]) -> list[dict[str, Any]]:
    """What is said otherwise about numbers of both sides (their label, n, level, inference ...), one entry per field.

    `ids` are the numbers, `label`, `before` and `after` belong to the first; `alike`: the same words about all.
    """
    found: dict[str, list[tuple[Number, Any, Any]]] = {}
    for before, after in pairs(old, new):
        if before is not None and after is not None:
            for what in _what(before, after):
                if what not in compare.MEASURED:
                    field = "id" if what == "name" else what
                    found.setdefault(what, []).append((after, before.get(field), after.get(field)))
    return [_field(what, lines) for what, lines in found.items()]


def _field(what: str, lines: Sequence[tuple[Number, Any, Any]]) -> dict[str, Any]:
    first, before, after = lines[0]
    alike = all(line[1:] == lines[0][1:] for line in lines)
    ids = [number["id"] for number, *_ in lines]
    return {"what": what, "ids": ids, "label": first["label"], "before": before, "after": after, "alike": alike}


def pairs(old: Sequence[Number], new: Sequence[Number]) -> list[Pair]:
    """The numbers of both sides that are the same number, in the order of `new`; then those that are gone.

    Tried in turn: name and label; the same at another place of its list; name; the same estimator at another place;
    label and unit under another name; name and value under another label.
    """
    partner: dict[int, int] = {}
    for key in _KEYS:
        left = [i for i in range(len(old)) if i not in partner.values()]
        right = [j for j in range(len(new)) if j not in partner]
        partner |= _matches([(i, key(old[i])) for i in left], [(j, key(new[j])) for j in right])
    found: list[Pair] = [(old[partner[j]] if j in partner else None, number) for j, number in enumerate(new)]
    return found + [(number, None) for i, number in enumerate(old) if i not in partner.values()]


def _matches(left: list[tuple[int, Hashable]], right: list[tuple[int, Hashable]]) -> dict[int, int]:
    """Positions on the right and their only counterpart on the left, by keys that occur once on each side."""
    once_left, once_right = (Counter(key for _, key in side) for side in (left, right))
    place = {key: i for i, key in left if key is not None and once_left[key] == 1}
    return {j: place[key] for j, key in right if key in place and once_right[key] == 1}


def _bare(name: str) -> str:
    return _PLACE.sub("_#", name)


def _by_name(number: Number) -> Hashable:
    words = re.sub(r"\d+", "", number["label"]) if _PLACE.search(number["id"]) else ""
    return number["id"], words


def _by_estimator(number: Number) -> Hashable:
    bare = _bare(number["id"])
    return bare if "_#_" in bare else None


_KEYS: tuple[Callable[[Number], Hashable], ...] = (
    lambda number: (number["id"], number["label"]),
    lambda number: (_bare(number["id"]), number["label"]),
    _by_name,
    _by_estimator,
    lambda number: (number["label"], number["unit"]),
    lambda number: (number["id"], *(number.get(what) for what in compare.MEASURED)),
)


def _entry(before: Number | None, after: Number | None) -> dict[str, Any] | None:
    shown = after or before or {}
    alone = only_interval(shown)
    what = _what(before, after)
    if set(what).isdisjoint({"new", "gone", *compare.MEASURED}):
        return None
    return {
        "id": shown["id"],
        "label": shown["label"],
        "unit": shown["unit"],
        "what": what,
        "before": before["estimate"] if before and not alone else None,
        "after": after["estimate"] if after and not alone else None,
        "interval_before": _interval(before),
        "interval_after": _interval(after),
        "std_error": (before or shown).get("std_error"),
        "in_std_errors": _in_std_errors(before, after, ("low", "high") if alone else ("estimate",)),
        "largest": _largest(before, after, ("low", "high") if alone else ("estimate", "low", "high")),
        "sign_flip": "estimate" in what and _sign_flip(before, after),
        "significance_flip": not {"low", "high", "p_value"}.isdisjoint(what) and _significance_flip(before, after),
    }


def _what(before: Number | None, after: Number | None) -> list[str]:
    if before is None or after is None:
        return ["new"] if before is None else ["gone"]
    renamed = [] if _bare(before["id"]) == _bare(after["id"]) else ["name"]
    differs = compare.what_differs(before, after) + renamed
    return [what for what in differs if what != "estimate" or not only_interval(after)]


def _interval(number: Number | None) -> list[float | None] | None:
    if number is None or (number.get("low") is None and number.get("high") is None):
        return None
    return [number.get("low"), number.get("high")]


def _in_std_errors(before: Number | None, after: Number | None, names: Sequence[str]) -> float | None:
    """The move of whichever of `names` moved most, in standard errors of the earlier number."""
    spread = before.get("std_error") if before else None
    if before is None or after is None or not spread or before["unit"] != after["unit"]:
        return None
    known = [(before.get(name), after.get(name)) for name in names]
    steps = [(new - old) / spread for old, new in known if old is not None and new is not None]
    return max((step for step in steps if math.isfinite(step)), key=abs, default=None)


def _largest(before: Number | None, after: Number | None, names: Sequence[str]) -> float | None:
    steps = _in_std_errors(before, after, names)
    return None if steps is None else abs(steps)


def by_how_much(entries: Sequence[Mapping[str, Any]]) -> str:
    """How many of the numbers that moved did so by more than a tenth of a standard error, in words."""
    moved = [entry for entry in entries if is_measured(entry)]
    sizes = [entry["largest"] for entry in moved if entry["largest"] is not None]
    bare = len(moved) - len(sizes)
    if not sizes:
        return ""
    far = sum(size > NOTABLE for size in sizes)
    without = f" ({bare} {'has' if bare == 1 else 'have'} no standard error)" if bare else ""
    return f"{far or 'none'} of them by more than a tenth of a standard error{without}"


def _sign_flip(before: Number | None, after: Number | None) -> bool:
    if before is None or after is None or before["estimate"] is None or after["estimate"] is None:
        return False
    return bool(min(before["estimate"], after["estimate"]) < 0 < max(before["estimate"], after["estimate"]))


def _significance_flip(before: Number | None, after: Number | None) -> bool:
    if before is None or after is None:
        return False
    old, new = excludes_zero(before), excludes_zero(after)
    return old is not None and new is not None and old != new


def excludes_zero(number: Number) -> bool | None:
    """Whether the interval leaves out zero (without one: whether the p-value says so); None where neither is given."""
    low, high = number.get("low"), number.get("high")
    if low is not None or high is not None:
        return (low is not None and low > 0) or (high is not None and high < 0)
    if number.get("p_value") is None or number.get("level") is None:
        return None
    return bool(number["p_value"] < 1 - number["level"])


def is_measured(entry: Mapping[str, Any]) -> bool:
    """Whether a value moved: the number is neither new nor gone."""
    return not set(compare.MEASURED).isdisjoint(entry["what"])


def _rank(entry: Mapping[str, Any]) -> tuple[bool, bool, int, int, float]:
    kind = 0 if is_measured(entry) else 1 if "new" in entry["what"] else 2
    steps = entry["in_std_errors"]
    size = abs(steps) if steps is not None else _relative(entry)
    return not entry["sign_flip"], not entry["significance_flip"], kind, steps is None, -size


def _relative(entry: Mapping[str, Any]) -> float:
    """For ordering alone: the change as a share of the larger value, or of the wider interval."""
    old, new = entry["before"], entry["after"]
    if old is not None and new is not None:
        return float(abs(new - old) / (max(abs(old), abs(new)) or 1.0))
    ends = [entry["interval_before"], entry["interval_after"]]
    known = [[end for end in interval if end is not None] for interval in ends if interval]
    if len(known) < 2 or len(known[0]) != len(known[1]):
        return 0.0
    width = max(max(side) - min(side) for side in known)
    return float(max(abs(a - b) for a, b in zip(*known, strict=True)) / (width or 1.0))
