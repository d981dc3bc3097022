"""What was found in a table: how much it matters, where, what it is and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["serious", "caution", "note"]
ORDER: tuple[Severity, ...] = ("serious", "caution", "note")


@dataclass(frozen=True)
class Finding:
    """One thing a person must know. serious: a number would be wrong if it is left as it is; `column` "" is the table;
    `unread`: the column holds numbers that stay text until the file itself is corrected.

    `problem` and `fix` are sentences without a final stop. They never hold a value of a column that may identify
    people.
    """

    severity: Severity
    column: str
    problem: str
    fix: str
    unread: bool = False


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The most serious first; within one severity as they were found."""
    return sorted(findings, key=lambda finding: ORDER.index(finding.severity))


def many(count: int, one: str, more: str = "") -> str:
    """`1 row`, `3 rows`; thousands are set apart."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
