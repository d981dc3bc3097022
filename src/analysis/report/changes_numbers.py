"""Numbers of two versions side by side: one rounding for both, differences in standard errors, flips in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.report import display
from analysis.report.display import MINUS, Unit
from analysis.run.differences_numbers import only_interval

HEADER = ("Number", "Before", "Now", "Difference in standard errors", "What to note")
ABSENT = "–"
MOST_DECIMALS = 8
AROUND = 3
_STATED = {
    "std_error": "standard error",
    "low": "interval",
    "high": "interval",
    "p_value": "p-value",
    "label": "label",
    "level": "level of the interval",
    "n": "number of observations",
    "clusters": "number of clusters",
    "treated_clusters": "number of treated clusters",
    "unit": "unit",
    "method": "method",
    "inference": "way of inference",
    "estimand": "estimand",
    "name": "name of the estimator",
}
_FIELDS = ("id", "label", "unit", "before", "after", "in_std_errors", "sign_flip", "significance_flip")


def row(entry: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """One number that moved, as the cells of `HEADER`."""
    before, after = values(entry)
    return label(entry), before, after, steps(entry), note(entry)


def values(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Both values in natural units, with as many decimals as their difference needs."""
    unit = Unit(entry["unit"])
    decimals = _decimals(entry, unit)
    return _shown(entry, "before", unit, decimals), _shown(entry, "after", unit, decimals)


def label(entry: Mapping[str, Any]) -> str:
    """The number's label with its unit; of an estimator beside the answer only its name."""
    words = str(entry["label"])
    if str(entry["id"]).startswith("alternative_"):
        words = words.partition(": ")[0]
    unit = Unit(entry["unit"]).words
    return f"{words} ({unit})" if unit else words


def steps(entry: Mapping[str, Any]) -> str:
    """The difference in standard errors of the earlier number, with its sign."""
    size = entry["in_std_errors"]
    if size is None or ("estimate" not in entry["what"] and not only_interval(entry)):
        return ABSENT
    if abs(size) < 0.005:
        return "less than 0.01"
    return f"{'+' if size > 0 else MINUS}{display.fixed(abs(size), 2 if abs(size) < 10 else 1)}"


def note(entry: Mapping[str, Any]) -> str:
    """What a reader should not overlook; what else changed about the number."""
    what = set(entry["what"])
    if not what.isdisjoint({"new", "gone"}):
        return "new" if "new" in what else "no longer published"
    told = ["changed sign"] * bool(entry["sign_flip"])
    told += [_significance(entry, brief=True)] * bool(entry["significance_flip"])
    if told:
        return "; ".join(told)
    shown = {"unit", "level"} if "estimate" in what or only_interval(entry) else set(_STATED)
    stated = dict.fromkeys(words for name, words in _STATED.items() if name in what & shown)
    return ("changed: " + ", ".join(stated)) if stated else ""


def flip(entry: Mapping[str, Any]) -> str:
    """One sentence about a number whose sign or significance turned."""
    before, after = values(entry)
    turned = [f"changed sign: {before} before, {after} now"] * bool(entry["sign_flip"])
    turned += [_significance(entry)] * bool(entry["significance_flip"])
    return f"{label(entry)}: {'; '.join(turned)}."


def described(field: Mapping[str, Any]) -> str:
    """What is said otherwise about numbers, in one sentence."""
    many = len(field["ids"])
    one = str(field["label"]).partition(": ")[0]
    start = f"{capital(_STATED[field['what']])} of {f'{many} numbers' if many > 1 else one}"
    before, after = ("none" if field[side] in (None, "") else str(field[side]) for side in ("before", "after"))
    before, after = contrast(before, after)
    return f"{start}: {before} became {after}{'' if field['alike'] else ' (the first of them)'}."


def contrast(before: str, after: str) -> tuple[str, str]:
    """Two texts without what both begin and end with, save for a few words around the difference."""
    old, new = before.split(), after.split()
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    tail = next((i for i in range(shorter - head) if old[-1 - i] != new[-1 - i]), shorter - head)
    start, end = max(0, head - AROUND), max(0, tail - AROUND)

    def cut(words: list[str]) -> str:
        kept = words[start : len(words) - end]
        return " ".join(["…"] * (start > 0) + kept + ["…"] * (end > 0))

    return cut(old), cut(new)


def as_csv(entries: Iterable[Mapping[str, Any]]) -> str:
    """Every entry at full precision."""
    header = [*_FIELDS, "low_before", "high_before", "low_after", "high_after", "std_error", "what"]
    return display.csv_text(header, [_csv_row(entry) for entry in entries])


def capital(words: str) -> str:
    """`words` with a capital at the start."""
    return words[:1].upper() + words[1:]


def _csv_row(entry: Mapping[str, Any]) -> list[Any]:
    ends = [end for side in ("before", "after") for end in entry[f"interval_{side}"] or (None, None)]
    values = {**entry, "before": None, "after": None} if only_interval(entry) else entry
    listed = [*(values[name] for name in _FIELDS), *ends, entry["std_error"], " ".join(entry["what"])]
    return ["" if cell is None else cell for cell in listed]


def _significance(entry: Mapping[str, Any], brief: bool = False) -> str:
    unit = Unit(entry["unit"])
    ends = [end for side in ("before", "after") for end in entry[f"interval_{side}"] or () if end]
    decimals = _decimals(entry, unit)
    while decimals < MOST_DECIMALS and any(display.fixed(unit.shown(end), decimals).strip("0.") == "" for end in ends):
        decimals += 1  # an end that rounds to zero would hide on which side of zero it is
    old, new = (_interval(entry[f"interval_{side}"], unit, decimals) for side in ("before", "after"))
    if old == ABSENT or new == ABSENT:
        return "its p-value crossed the level of the test"
    lost = _includes_zero(entry["interval_after"])
    turned = f"its interval now {'includes' if lost else 'leaves out'} zero"
    return turned if brief else f"{turned}: {old} before, {new} now"


def _includes_zero(interval: Sequence[float | None]) -> bool:
    low, high = interval
    return (low is None or low <= 0) and (high is None or high >= 0)


def _shown(entry: Mapping[str, Any], side: str, unit: Unit, decimals: int) -> str:
    ends_alone = "estimate" not in entry["what"] and not {"low", "high"}.isdisjoint(entry["what"])
    if entry[side] is not None and not ends_alone and not only_interval(entry):
        return display.fixed(unit.shown(entry[side]), decimals)
    return _interval(entry[f"interval_{side}"], unit, decimals)


def _interval(interval: Sequence[float | None] | None, unit: Unit, decimals: int) -> str:
    if interval is None:
        return ABSENT
    low, high = (None if end is None else display.fixed(unit.shown(end), decimals) for end in interval)
    return f"{low or 'unbounded'} to {high or 'unbounded'}"


def _decimals(entry: Mapping[str, Any], unit: Unit) -> int:
    """Decimals that suit the standard error (or the size), and more until the two values look different."""
    pairs = [(entry["before"], entry["after"])]
    ends = [entry["interval_before"] or (None, None), entry["interval_after"] or (None, None)]
    pairs = list(zip(*ends, strict=True)) if only_interval(entry) or entry["before"] == entry["after"] else pairs
    decimals = display.decimals_for(_spread(entry, unit))
    moved = [(a, b) for a, b in pairs if a is not None and b is not None and a != b]
    while decimals < MOST_DECIMALS and moved and all(_same(unit, pair, decimals) for pair in moved):
        decimals += 1
    return decimals


def _spread(entry: Mapping[str, Any], unit: Unit) -> float:
    """Twice the standard error as shown; without one half the interval's width; else the larger value."""
    if entry["std_error"]:
        return 2 * abs(unit.shown(entry["std_error"]))
    for interval in (entry["interval_before"], entry["interval_after"]):
        if interval and None not in interval:
            return abs(unit.shown(interval[1]) - unit.shown(interval[0])) / 2
    return max((abs(unit.shown(entry[side])) for side in ("before", "after") if entry[side] is not None), default=0.0)


def _same(unit: Unit, pair: tuple[float, float], decimals: int) -> bool:
    one, other = (display.fixed(unit.shown(x), decimals) for x in pair)
    return one == other
