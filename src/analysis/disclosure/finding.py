"""What the gate finds, and how a written reason refers to it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

# Most serious first: what names or shows a person, what can be worked out, what rests on few, what cannot be judged.
MEANING = {
    "S209": "identifier",
    "S210": "data of single units, or hidden data",
    "S201": "small count",
    "S202": "hidden count that can be worked out",
    "S208": "difference that isolates few",
    "S203": "one or two units dominate",
    "S205": "extreme value or percentile of few",
    "S204": "none or all of a group",
    "S206": "regression that fits single units",
    "S212": "cannot be judged",
    "S207": "count that is not rounded",
    "S211": "trace of a person or machine",
}
ORDER = tuple(MEANING)


@dataclass(frozen=True)
class Finding:
    """One reason not to release a version as it is.

    code: S201 to S212; where: table caption with row or column, number id, or file; finding: what is wrong there; fix:
    what to do; id: by which a written reason refers to it, the same whenever this version is examined, and another one
    when what it is about changes.
    """

    code: str
    where: str
    finding: str
    fix: str
    id: str

    def __str__(self) -> str:
        return f"{self.code} BLOCK {self.where} — {self.finding}. Fix: {self.fix} [{self.id}]"


def made(code: str, where: str, finding: str, fix: str, evidence: object) -> Finding:
    """A finding whose id holds code, place and a checksum of place and `evidence` (the cells or texts it is about)."""
    words = "-".join(re.findall(r"[a-z0-9]+", where.lower())[:6])[:40].strip("-")
    digest = hashlib.sha256(f"{code}|{where}|{evidence!r}".encode()).hexdigest()[:8]
    return Finding(code, where, finding, fix, f"{code}-{words}-{digest}")


def listed(names: list[str], most: int = 3) -> str:
    """Names in a sentence: the first few, and how many more."""
    shown = ", ".join(f"‘{name}’" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def in_order(found: list[Finding]) -> list[Finding]:
    """Most serious first, each once, otherwise in the order given."""
    kept: dict[str, Finding] = {}
    for one in found:
        kept.setdefault(one.id, one)
    return sorted(kept.values(), key=lambda one: ORDER.index(one.code))
