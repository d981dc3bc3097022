"""Statistics that rest on few units: totals that one unit dominates, extremes, percentiles, regressions, bare means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.disclosure.counts import MISSING, Column, whole
from analysis.disclosure.finding import Finding, listed, made
from analysis.disclosure.page import Table
from analysis.disclosure.release import Release
from analysis.disclosure.rules import Rules
from analysis.disclosure.subjects import Subjects

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

EXTREME = re.compile(
    r"(?i)^(min|max|minimum|maximum|lowest|highest|smallest|largest|range)\b"
    r"(?! (effect|chance|weight|step|\d+(\.\d+)? ?%))|\b(minimum|maximum|lowest value|highest value)$"
)
PERCENTILE = re.compile(
    r"(?i)\b(?:(\d{1,2}(?:\.\d+)?)(?:st|nd|rd|th) (?:per)?centile|p(\d{1,2})|"
    r"(first|lower|third|upper) quartile|median|(?:lowest|highest) (\d+(?:\.\d+)?) ?%)(?!\w)"
)
QUARTERS = {"first": 25.0, "lower": 25.0, "third": 75.0, "upper": 75.0}
DEGREES = re.compile(r"(?i)^(residual )?(degrees of freedom|d\.?f\.?)|^residual d\.?f")
PARAMETERS = re.compile(r"(?i)^(parameters|coefficients|regressors|terms)$")
MEANS = re.compile(r"(?i)^(mean|average|share|rate)\b|, mean$|\bmean of the outcome\b")
VARIABLES = re.compile(r"(?i)^(column|covariate|variable|predictor|characteristic|groups)s?$")
ESTIMATES = {"low", "low (%)", "p-value", "p_value", "std_error"}
DOMINANT = re.compile(r"(?i)^largest (weight|share|contribution)")


def concentration(values: ArrayLike, units: int = 2) -> dict[str, float]:
    """How far one or two units make up a total, as a report may say it in a block's metadata under `dominance`.

    values: the contribution of every unit (1-D; signs are ignored). Returns `top`, the share of the `units` largest in
    the total, and `rest`, what is left without the two largest over the largest (the p-ratio). The contributions
    themselves must not be kept in a report: its files leave with it.
    """
    import numpy as np

    ordered = np.sort(np.abs(np.asarray(values, dtype=float)))[::-1]
    total = float(ordered.sum())
    if total == 0:
        return {"top": 0.0, "rest": 1.0}
    return {"top": float(ordered[:units].sum()) / total, "rest": float(ordered[2:].sum() / ordered[0])}


def dominance(release: Release, subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S203: totals and means that one or two units make up, by the (n,k) rule and the p-ratio."""
    fix = "merge the group with another, or leave the figure out"
    for table in release.page.tables:
        if table.download:
            continue
        for header, entries in (release.said(table, "dominance") or {}).items():
            heavy = [
                f"{row[0]}: {why}"
                for row, entry in zip(table.rows, entries, strict=False)
                if entry and (why := _too_heavy(entry, rules))
            ]
            if heavy:
                found = f"few {subjects.noun} make up almost all of {len(heavy)} figures ({listed(heavy)})"
                yield made("S203", f"{table.place}, column {header}", found, fix, heavy)
        yield from _largest(table, fix, rules)


def _too_heavy(entry: Mapping[str, float], rules: Rules) -> str:
    if entry.get("top", 0.0) >= rules.dominance_share:
        return f"the largest {rules.dominance_units} are {100 * entry['top']:.0f} %"
    if entry.get("rest", 1.0) < rules.p_ratio:
        return f"all but two come to {100 * entry['rest']:.0f} % of the largest"
    return ""


def _largest(table: Table, fix: str, rules: Rules) -> Iterator[Finding]:
    """A printed share of the largest unit, which bounds that of the two largest."""
    for place, header in enumerate(table.header):
        if not (DOMINANT.match(header) and "%" in header):
            continue
        heavy = [f"{row[0]}: {row[place]} %" for row in table.rows if _share(row, place) >= rules.dominance_share / 2]
        if heavy:
            found = (
                f"one unit alone makes up so much that two may be {100 * rules.dominance_share:.0f} % ({listed(heavy)})"
            )
            yield made("S203", f"{table.place}, column {header}", found, fix, heavy)


def _share(row: Sequence[str], place: int) -> float:
    text = row[place].replace("%", "").strip() if place < len(row) else ""
    return float(text) / 100 if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0


def extremes(release: Release, columns: list[Column], subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S205: lowest and highest values, which are one unit's, and percentiles with few units beyond them."""
    counted = {id(column.table): column for column in columns if not MISSING.search(column.header)}
    whole_sample = max((int(n) for number in release.numbers for n in (number.get("n"),) if n), default=None)
    for table in release.page.tables:
        if table.download and any(t.caption == table.caption and not t.download for t in release.page.tables):
            continue
        said = release.said(table, "extremes")
        if said == []:
            continue
        column = counted.get(id(table))
        hits = [name for name in table.header[1:] if name in (said or ()) or _extreme(name)]
        hits += [row[0] for row in table.rows if row and _extreme(row[0]) and any(map(_is_number, row[1:]))]
        if hits:
            found = f"the lowest or highest value is that of a single one of the {subjects.noun} ({listed(hits)})"
            yield made("S205", table.place, found, "show the 5th and 95th percentile of a large group instead", hits)
        yield from _percentiles(table, column, whole_sample, subjects, rules)


def _extreme(words: str) -> bool:
    return bool(EXTREME.search(words)) and not re.search(r"(?i)found|power|weight|p-value|interval", words)


def _is_number(text: str) -> bool:
    return bool(re.match(r"[-−]?\d", text.strip()))


def _percentiles(
    table: Table, column: Column | None, sample: int | None, subjects: Subjects, rules: Rules
) -> Iterator[Finding]:
    few = []
    labels = [(name, row) for name in table.header[1:] for row in table.rows]
    labels += [(row[0], row) for row in table.rows if row]
    for words, row in labels:
        match = PERCENTILE.search(words)
        if match is None or not any(map(_is_number, row[1:])):
            continue
        share = min(_percent(match), 100 - _percent(match)) / 100
        behind = _behind(row, table, column, sample)
        if behind is None:
            few.append(f"{words}, {row[0]}: number of {subjects.noun} not shown")
        elif behind * share < rules.smallest_count:
            few.append(f"{words}, {row[0]}: of {behind:,}")
    if few:
        found = f"percentiles with fewer than {rules.smallest_count} {subjects.noun} beyond them ({listed(few)})"
        fix = "show percentiles of larger groups, with the number of units beside them"
        yield made("S205", table.place, found, fix, few)


def _percent(match: re.Match[str]) -> float:
    stated = match[1] or match[2] or match[4]
    if stated:
        return float(stated)
    return QUARTERS.get((match[3] or "").lower(), 50.0)


def _behind(row: Sequence[str], table: Table, column: Column | None, sample: int | None) -> int | None:
    if column is None:
        return sample
    place = table.header.index(column.header)
    return whole(row[place]) if place < len(row) else None


def regressions(release: Release, subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S206: too few observations beyond the coefficients, or a fit that leaves nothing over (saturated dummies)."""
    few = []
    covariates = len(release.manifest.get("parameters", {}).get("covariates") or [])
    for number in release.numbers:
        left = _left_over(number, covariates)
        if left is not None and left < rules.residual_df:
            few.append(f"{number['id']}: at most {left}")
        elif number.get("std_error") == 0:
            few.append(f"{number['id']}: no residual at all")
    fix = (
        "use fewer coefficients or more observations; saturated dummies are group means, to be shown as a table of them"
    )
    if few:
        found = f"residual degrees of freedom below {rules.residual_df} in {len(few)} numbers ({listed(few)})"
        yield made("S206", "results.json, numbers", found, fix, few)
    for table in release.page.tables:
        low = list(_low_degrees(table, rules)) if not table.download else []
        if low:
            found = f"residual degrees of freedom below {rules.residual_df} ({listed(low)})"
            yield made("S206", table.place, found, fix, low)
        if release.said(table, "saturated") and not table.download:
            found = "dummies for every group at once: the coefficients are group means, whose counts have to be shown"
            yield made("S206", table.place, found, fix, "saturated")


def _left_over(number: Mapping[str, Any], covariates: int) -> int | None:
    """Residual degrees of freedom: as published, else the most there can be (constant, effect and covariates)."""
    if number.get("residual_df") is not None:
        return int(number["residual_df"])
    return int(number["n"]) - 2 - covariates if number.get("n") else None


def _low_degrees(table: Table, rules: Rules) -> Iterator[str]:
    places = [k for k, name in enumerate(table.header) if DEGREES.match(name)]
    for row in table.rows:
        cells = [row[k] for k in places if k < len(row)]
        cells += row[1:2] if row and DEGREES.match(row[0]) else []
        for text in cells:
            if (degrees := whole(text)) is not None and degrees < rules.residual_df:
                yield f"{row[0]}: {text}"
        parts = [k for k, name in enumerate(table.header) if PARAMETERS.match(name)]
        counts = [k for k, name in enumerate(table.header) if name.lower() in ("n", "rows", "observations")]
        if parts and counts and max(parts[0], counts[0]) < len(row):
            n, k = whole(row[counts[0]]), whole(row[parts[0]])
            if n is not None and k is not None and n - k < rules.residual_df:
                yield f"{row[0]}: {n} observations, {k} coefficients"


def bare(release: Release, columns: list[Column], subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S212: means without the number of units behind them, tables and pictures that nobody can judge."""
    counted = {column.table.caption for column in columns}
    labels = {cell.row for column in columns for cell in column.cells}
    for table in release.page.tables:
        if table.download or not rules.means_need_counts:
            continue
        said = release.said(table, "means")
        means = [name for name in table.header if MEANS.search(name)] or (
            list(table.header[1:]) if MEANS.search(table.caption) else []
        )
        if said == [] or table.caption in counted or ESTIMATES & {name.lower() for name in table.header}:
            continue
        same_rows = bool(VARIABLES.match(table.header[0])) if table.header else False
        alone = [name for name in (said or means) if not (same_rows and name.partition(",")[0] in labels)]
        if alone:
            found = f"means without the number of {subjects.noun} behind them ({listed(alone)})"
            yield made("S212", table.place, found, "add a column with the unweighted count", alone)
    yield from _unlabelled(release, subjects)


def _unlabelled(release: Release, subjects: Subjects) -> Iterator[Finding]:
    for table in release.page.tables:
        codes = [
            name for name in table.header[1:] if not name.strip() or re.match(r"(?i)unnamed: ?\d|^v\d+$|^x\d+$", name)
        ]
        if not table.download and (codes or not table.caption):
            what = f"columns without words ({listed(codes)})" if codes else "no caption"
            fix = "say in words what each column holds and whom it is about"
            yield made("S212", table.place, f"{what}: nobody can tell what is counted", fix, codes)
    behind = {table.label for table in release.page.tables}
    for picture in release.page.pictures:
        if picture.label not in behind:
            found = f"a picture without the numbers behind it: it may show single {subjects.noun}"
            yield made("S212", picture.label, found, "show it with its numbers, or leave it out", picture.alt)
