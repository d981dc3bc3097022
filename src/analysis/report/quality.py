"""The data section: every used column, where values are missing, and values far from their like."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.inference.outliers import FAR
from analysis.report import display
from analysis.report.display import MINUS, THIN, Block, Unit

if TYPE_CHECKING:
    from analysis.data.audit import Audit, Held
    from analysis.data.declared import Column, Source
    from analysis.data.joins import Match
    from analysis.inference.descriptives import Gaps
    from analysis.inference.outliers import Outliers, Without
    from analysis.result import Estimate

NAMED = 10
LARGE = 0.25
SHORT = 60
NONE = "–"
FEWEST = 10


def table(audit: Audit, source: Source) -> Block:
    """Every used column: how many rows have a value, which values there are, and what deserves a look."""
    people = audit.people
    low, high = ("Lowest 1 %", "Highest 1 %") if people else ("Smallest", "Largest")
    header = ["Column", "Missing", "Distinct", low, "Median", high, "Allowed", "Flags"]
    rows = [_row(held, audit.rows) for held in audit.columns]
    flagged = sum(bool(held.flags) for held in audit.columns)
    found = f"Columns with a flag: {flagged} of {len(audit.columns)}" if flagged else "No column carries a flag"
    note = f"{audit.rows:,} rows, before any is left out for a missing value. {found}. Nothing was changed."
    note += _absent(audit.absent)
    if people:
        note += " Of people, one row in a hundred lies beyond the lowest and the highest value shown."
    shown = display.table(
        "table",
        header,
        rows,
        f"The columns that the answer uses: {source.title}",
        note,
        csv=display.csv_text(["name", *header], [[h.name, *row] for h, row in zip(audit.columns, rows, strict=True)]),
        csv_name="data-quality",
    )
    return _beside(shown, matches(audit.matches)) if audit.matches else shown


def matches(found: tuple[Match, ...]) -> Block:
    """How each declared join went: rows with and without a match on both sides, which all stay where they are."""
    header = ["Joined table", "On", "Kind", "Rows here", "Matched", "Share", "Key missing", "Rows there", "Used there"]
    rows = [
        [
            match.join.dataset,
            ", ".join(match.join.on),
            match.join.kind.replace("_", " "),
            f"{match.rows:,}",
            f"{match.matched:,}",
            f"{100 * match.rate:.1f}{THIN}%",
            f"{match.without_key:,}",
            f"{match.other_rows:,}",
            f"{match.other_matched:,}",
        ]
        for match in found
    ]
    note = "Rows without a match stay, with the joined columns missing. A missing key matches nothing."
    return display.table("table", header, rows, "What was joined, and how many rows found a match", note)


def missing(audit: Audit) -> Block:
    """Where values are missing: rows without an outcome by group and period, and rows without another used value."""
    gaps = audit.gaps
    lost, others = int(gaps.outcome.sum()), int(gaps.others.sum())
    if not lost and not others:
        return display.prose(f"In the {audit.rows:,} rows no value of a used column is missing.{_absent(audit.absent)}")
    header = ["Periods" if len(gaps.periods) > 1 else "Rows", *(f"{name}: outcome missing" for name in gaps.groups)]
    header += ["Another value missing"] if others else []
    rows = [_gap_row(gaps, place, bool(others), audit.people) for place in range(len(gaps.periods))]
    total = audit.rows
    note = (
        f"The outcome is missing in {lost:,} of {total:,} rows, another used value in {others:,}. What is missing can "
        f"differ from what is there; rows are left out, and no value is filled in.{_absent(audit.absent)}"
    )
    caption = "Rows without a value, by group and period"
    return display.table(
        "table", header, rows, caption, note, csv=display.csv_text(header, rows), csv_name="missing-values"
    )


def outliers(found: Outliers, without: Without, estimate: Estimate, measure: Column, source: Source) -> Block:
    """Values of the outcome far from their like: how many, whose, and the answer without them."""
    if found.reason:
        return display.prose(found.reason)
    label = display.lower_first(measure.label.partition(" (")[0])
    size = found.looked
    if not found.count:
        return display.prose(
            f"No value of the {label} lies further than {FAR} robust standard deviations from the median of "
            f"{found.within}; the farthest of {size:,} lies {found.farthest:.1f} away."
        )
    unit = Unit(measure.unit)
    rows = [
        ["Values far from the median", f"{found.count:,} of {size:,}"],
        ["The farthest", f"{found.farthest:.1f} robust standard deviations"],
        ["Whose they are", _whose(found, source)],
        ["The answer", _amount(estimate.value, estimate, unit)],
        [f"The answer without {without.left_out:,} {_counted(without)}", _again(without, estimate, unit)],
    ]
    note = (
        f"Compared with {found.within}; far is more than {FAR} robust standard deviations. Nothing was deleted: a far "
        "value can be right, and outcomes with a long tail have many. An answer without them is no better, since "
        "they were chosen by their outcome; it shows how much hangs on them."
    )
    caption = f"Values far from their like: {label}"
    return display.table("table", ["What", "Found"], rows, caption, note, reading=_moves(without, estimate, unit))


def _row(held: Held, rows: int) -> list[str]:
    declared = held.declared
    share = f" ({100 * held.missing / rows:.1f}{THIN}%)" if held.missing and rows else ""
    name = " ".join(declared.label.split())
    name = name if len(name) <= SHORT else f"{name[: SHORT - 1]}…"
    unit = "%" if declared.unit == "share" else declared.unit
    blank = " (never)" if declared.role == "first_treated" and held.missing else share
    return [
        f"{name} [{unit}]" if unit else name,
        f"{held.missing:,}{blank}",
        f"{held.distinct:,}",
        _level(held.low, held),
        _level(held.middle, held),
        _level(held.high, held),
        _allowed(declared),
        "; ".join(held.flags) or NONE,
    ]


def _level(value: float, held: Held) -> str:
    if math.isnan(value):
        return NONE
    if held.declared.role in ("time", "first_treated"):
        return f"{value:.10g}"
    shown = 100 * value if held.declared.unit == "share" else value
    return display.fixed(shown, 0) if shown.is_integer() else display.significant(shown, 4)


def _allowed(declared: Column) -> str:
    """The declared range or list, in the unit shown."""
    if declared.values is not None:
        percent = declared.unit == "share"
        listed = ", ".join(f"{100 * float(v):.10g}" if percent else str(v) for v in declared.values)
        return listed if len(listed) <= SHORT else f"{len(declared.values)} words or numbers"
    if declared.type == "boolean":
        return "true, false"
    bounds = [_bound(limit, declared) for limit in (declared.minimum, declared.maximum)]
    if bounds[0] and bounds[1]:
        return f"{bounds[0]} to {bounds[1]}"
    return f"from {bounds[0]}" if bounds[0] else f"up to {bounds[1]}" if bounds[1] else NONE


def _bound(limit: int | float | None, declared: Column) -> str:
    if limit is None:
        return ""
    shown = 100 * limit if declared.unit == "share" else limit
    text = f"{shown:.10g}" if declared.role in ("time", "first_treated", "unit") else f"{shown:,.10g}"
    return text.replace("-", MINUS)


def _absent(absent: tuple[int, int]) -> str:
    lost, full = absent
    return f" {lost:,} of {full:,} unit-periods have no row at all." if lost > 0 else ""


def _gap_row(gaps: Gaps, place: int, others: bool, people: bool) -> list[str]:
    cells = [
        _part(int(lost), int(all_), people) for lost, all_ in zip(gaps.outcome[place], gaps.rows[place], strict=True)
    ]
    last = [_part(int(gaps.others[place].sum()), int(gaps.rows[place].sum()), people)] if others else []
    return [gaps.periods[place], *cells, *last]


def _part(lost: int, rows: int, people: bool) -> str:
    """How many rows lack a value; of people, a few are not counted one by one."""
    if not rows:
        return "no rows"
    if people and 0 < lost < FEWEST:
        return f"fewer than {FEWEST}"
    return f"{lost:,} of {rows:,}" + (f" ({100 * lost / rows:.1f}{THIN}%)" if lost else "")


def _whose(found: Outliers, source: Source) -> str:
    """Places, organisations and periods by name; people never."""
    if source.units in ("places", "organisations", "periods") and len(found.units):
        names = [f"{name:.10g}" if isinstance(name, float) else str(name) for name in found.units]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return ", ".join(names[:NAMED]) + more
    if not len(found.units):
        return "rows, which are not named"
    many = "one unit" if len(found.units) == 1 else f"{len(found.units):,} units"
    return f"{many}, not named: source.yml does not say `units: places` (or organisations, periods)"


def _counted(without: Without) -> str:
    return without.what[:-1] if without.left_out == 1 else without.what


def _again(without: Without, estimate: Estimate, unit: Unit) -> str:
    if without.value is None:
        return f"not known: {without.reason}"
    return _amount(without.value, estimate, unit)


def _amount(value: float, estimate: Estimate, unit: Unit) -> str:
    """A difference with as many decimals as the answer has at the top."""
    half = (unit.shown(estimate.high) - unit.shown(estimate.low)) / 2
    spread = half if math.isfinite(half) and half > 0 else abs(unit.shown(estimate.value))
    return unit.amount(value, display.decimals_for(spread))


def _moves(without: Without, estimate: Estimate, unit: Unit) -> str:
    """Whether leaving them out changes what the answer says."""
    if without.value is None:
        return "What the answer would be without these values is not known."
    would = f"Without these {without.what} the answer would be {_amount(without.value, estimate, unit)}"
    if without.value * estimate.value < 0:
        return f"{would}: it would have the other sign. A few values carry it."
    shift = (unit.shown(without.value) - unit.shown(estimate.value)) / abs(unit.shown(estimate.value) or 1.0)
    size = f"{display.percent(abs(shift))} {'larger' if shift * estimate.value > 0 else 'smaller'}"
    if estimate.excludes(0.0) and without.covers_zero:
        return f"{would}, {size}, and zero could no longer be excluded. A few values carry the finding."
    if abs(shift) > LARGE:
        return f"{would}, {size}: much of it hangs on a few values."
    return f"{would}; little hangs on them."


def _beside(first: Block, second: Block) -> Block:
    """Two tables shown by one cell; the first one's caption and file stand for both."""
    return Block("table", f"{first.text}\n\n{second.text}", first.html + second.html, meta=first.meta)
