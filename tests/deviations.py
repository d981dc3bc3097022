"""How far our numbers are from the reference implementations: every comparison is kept, the worst is printed.

`near` is what a reference test asserts; `make deviations` prints the table of the worst by group.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass
class Group:
    """All comparisons of one kind of number with one source: how many, the worst, what was allowed, and why."""

    rows: int = 0
    worst: float = 0.0
    allowed: float = 0.0
    note: str = ""


FOUND: dict[str, Group] = defaultdict(Group)


def near(group: str, ours: float, theirs: str | float, allowed: float, note: str = "") -> bool:
    """Whether `ours` lies within `allowed` of `theirs`; kept under `group` ("source: kind of number")."""
    gap = abs(float(ours) - float(theirs))
    kept = FOUND[group]
    kept.rows += 1
    kept.worst, kept.allowed, kept.note = max(kept.worst, gap), max(kept.allowed, allowed), note or kept.note
    return gap <= allowed


def table() -> list[str]:
    """The groups as lines of text."""
    width = max((len(name) for name in FOUND), default=5)
    lines = [f"{'group':<{width}}  {'rows':>5}  {'worst':>8}  {'allowed':>8}  note"]
    for name, group in sorted(FOUND.items()):
        lines.append(f"{name:<{width}}  {group.rows:>5}  {group.worst:>8.1e}  {group.allowed:>8.1e}  {group.note}")
    return lines
