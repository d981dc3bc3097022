"""Shares that give a small count away: what is printed beside a known group size, or kept at full precision."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from analysis.disclosure.attack import printed_share
from analysis.disclosure.counts import Column, looks_like_counts, sizes, whole
from analysis.disclosure.finding import Finding, listed, made
from analysis.disclosure.page import Table
from analysis.disclosure.release import Release
from analysis.disclosure.rules import Rules

NOT_SHARES = re.compile(
    r"(?i)p.?value|^p$|low|high|level|estimate|std|error|weight|^id$|year|period|magnitude|holm|westfall|effect|missing"
)
EXACT = 1e-9
DIGITS = 8  # a share of so many digits was not rounded for a reader
CHANCE = 0.01


def small(release: Release, columns: Sequence[Column], rules: Rules) -> Iterator[Finding]:
    """S201: columns of shares from which a small count, or a group less a small count, can be worked out."""
    known = sorted(size for size in sizes(release, list(columns)) if size >= rules.smallest_count)
    for table in release.page.tables:
        for place, header in enumerate(table.header):
            if NOT_SHARES.search(header) or not table.rows:
                continue
            few = _kept(table, place, known, rules) if table.download else _printed(table, place, rules)
            if few:
                yield _finding(table, header, few, rules)


def _finding(table: Table, header: str, few: list[tuple[str, str]], rules: Rules) -> Finding:
    told = listed([f"{label}: {_masked(count, rules)}" for label, count in few])
    if table.download:
        how = "shares at full precision give away"
        fix = "write shares with as few digits as the page shows, and merge the rows behind small counts"
    else:
        how, fix = "shares beside the size of their groups give away", "merge the rows behind small counts"
    found = f"{how} counts below {rules.smallest_count} ({told})"
    return made("S201", f"{table.place}, column {header}", found, fix, few)


def _masked(count: str, rules: Rules) -> str:
    """`7 of 2,194` without the small count; so too where all but few have the property."""
    part, _, size = count.partition(" of ")
    few = rules.small(int(part.replace(",", "")))
    return f"{'' if few else 'all but '}{rules.masked} of {size}"


def _kept(table: Table, place: int, known: list[int], rules: Rules) -> list[tuple[str, str]]:
    """Rows whose share, times a known group size, is a small whole number to nine digits: 0.01621621621 of 185."""
    few = []
    for row in table.rows:
        text = row[place] if place < len(row) else ""
        if re.fullmatch(r"0\.\d+", text) and len(text[2:].lstrip("0").rstrip("0")) >= DIGITS:
            count = _whole_behind(float(text), _own(table, row) or known, rules)
            few += [(_label(row[0]), count)] if count else []
    return few


def _whole_behind(share: float, known: Sequence[int], rules: Rules) -> str:
    for part in (share, 1 - share):
        for size in known:
            count = part * size
            if rules.small(round(count)) and abs(count - round(count)) < EXACT * max(1.0, count):
                return f"{round(count)} of {size:,}"
    return ""


def _printed(table: Table, place: int, rules: Rules) -> list[tuple[str, str]]:
    """Rows whose printed per cent and size leave one whole number only, in columns that can be nothing but shares."""
    if "%" not in table.header[place]:
        return []
    fits: list[tuple[str, list[int], int]] = []
    chance = 1.0
    for row in table.rows:
        own, text = _own(table, row), row[place] if place < len(row) else ""
        if not own or not re.fullmatch(r"\d+(\.\d+)?", text):
            return []
        low, high = (bound * own[0] for bound in printed_share(text))
        counts = list(range(math.ceil(low - EXACT), math.floor(high + EXACT) + 1))
        if not counts:
            return []
        chance *= min(1.0, high - low)
        fits.append((_label(row[0]), counts, own[0]))
    if chance > CHANCE:
        return []
    return [
        (label, f"{counts[0]} of {size:,}")
        for label, counts, size in fits
        if len(counts) == 1 and (rules.small(counts[0]) or rules.small(size - counts[0]))
    ]


def _own(table: Table, row: Sequence[str]) -> list[int]:
    """The group sizes that stand in the same row."""
    cells = zip(table.header, row, strict=False)
    return [size for name, text in cells if looks_like_counts(name) and (size := whole(text))]


def _label(text: str) -> str:
    """A row's label; a number with the digits that tell it apart."""
    return f"{float(text):.3g}" if re.fullmatch(r"-?\d*\.\d{5,}", text) else text
