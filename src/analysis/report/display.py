"""How numbers, tables and charts are shown: one rounding rule, natural units, escaped text, numbers kept beside.

A `Block` is what a notebook cell displays. Its text and HTML are rounded and the same on every machine, so that
nbval can compare them; the full-precision numbers, the chart's alternative text and the data as CSV travel in the
output's metadata, which nbval ignores and the publisher reads.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.result import Estimate

Column = tuple[str, bool]
MINUS = "\u2212"
THIN = "\u202f"


@dataclass(frozen=True)
class Unit:
    """How an outcome's raw unit is shown: factor or transformation, words for a difference and for a level."""

    name: str

    def shown(self, x: float) -> float:
        """A difference `x` in the raw unit, as shown: shares in percentage points, logs in per cent."""
        if self.name == "share":
            return 100 * x
        if self.name == "log":
            return 100 * math.expm1(min(x, 700.0)) if math.isfinite(x) else x
        return x

    @property
    def words(self) -> str:
        """The unit of a difference, in words."""
        return {"share": "percentage points", "log": "%"}.get(self.name, self.name)

    def level(self, x: float) -> str | None:
        """A level in words; None for logs, whose levels mean nothing to a reader."""
        if self.name == "log":
            return None
        if self.name in ("share", "percentage points"):
            return f"{fixed(100 * x if self.name == 'share' else x, 1)}{THIN}%"
        return f"{significant(x, 3)} {self.name}".strip()

    def relative(self, x: float, level: float) -> str:
        """A difference as a share of a level; logs say it already."""
        if self.name == "log":
            return "as shown"
        return f"{fixed(100 * x / abs(level), 1)}{THIN}%" if level and math.isfinite(level) else "not defined"

    def size(self, x: float, sign: float) -> str:
        """The size of a change `x` in the direction of `sign`, without sign: a fall of 0.5 in logs is 39 %."""
        return self.amount(math.copysign(x, sign)).lstrip(MINUS)

    def amount(self, x: float, decimals: int | None = None) -> str:
        """A difference in words, e.g. 4.7 percentage points."""
        value = self.shown(x)
        number = significant(value, 2) if decimals is None else fixed(value, decimals)
        space = THIN if self.words == "%" else " "
        return f"{number}{space}{self.words}".strip() if math.isfinite(value) else number


@dataclass(frozen=True)
class Block:
    """One displayed object. `meta` is the contract with the publisher (numbers, caption, alt, csv, answer ...)."""

    kind: str
    text: str
    html: str = ""
    png: bytes = b""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        meta: dict[str, Any] = {"analysis": {"kind": self.kind, **self.meta}}
        if not self.png:
            return {"text/html": self.html, "text/plain": self.text}, meta
        import base64

        data = {"image/png": base64.b64encode(self.png).decode("ascii"), "text/plain": self.text}
        return data, meta | {"image/png": {"alt": self.meta.get("alt", "")}}


def decimals_for(spread: float) -> int:
    """Decimals that leave two significant digits of `spread` (an interval's half width, a standard error)."""
    if not math.isfinite(spread) or spread <= 0:
        return 1
    return max(0, min(6, 1 - math.floor(math.log10(spread))))


def fixed(x: float, decimals: int) -> str:
    """`x` with a fixed number of decimals, thousands separated, a real minus sign, no negative zero."""
    if math.isnan(x):
        return "not shown"
    if math.isinf(x):
        return "unbounded"
    text = f"{x:,.{decimals}f}"
    text = text.lstrip("-") if float(text.replace(",", "")) == 0 else text
    return text.replace("-", MINUS)


def significant(x: float, digits: int) -> str:
    """`x` with `digits` significant digits and no exponent."""
    if not math.isfinite(x) or x == 0:
        return fixed(x, 0)
    place = digits - 1 - math.floor(math.log10(abs(x)))
    place = min(place, digits - 1 - math.floor(math.log10(abs(round(x, place)))))
    return fixed(round(x, place), max(0, place))


def p_words(p: float) -> str:
    """A p-value with sensible digits."""
    if math.isnan(p):
        return "not shown"
    return "below 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def lower_first(label: str) -> str:
    """A label inside a sentence; abbreviations keep their capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def percent(x: float) -> str:
    """A probability or a level in per cent, never 0 or 100."""
    if x < 0.01:
        return f"below 1{THIN}%"
    if x > 0.99:
        return f"above 99{THIN}%"
    return f"{100 * x:.0f}{THIN}%"


def likely(p: float) -> str:
    """A probability in words (the scale of the Intergovernmental Panel on Climate Change)."""
    for bound, word in ((0.9, "very likely"), (0.66, "likely"), (0.33, "about as likely as not"), (0.1, "unlikely")):
        if p >= bound:
            return word
    return "very unlikely"


def interval_numbers(estimate: Estimate, unit: Unit) -> tuple[str, str, str]:
    """Value, low and high of an estimate in natural units with the same decimals."""
    low, value, high = (unit.shown(x) for x in (estimate.low, estimate.value, estimate.high))
    decimals = decimals_for((high - low) / 2) if math.isfinite(high - low) else decimals_for(abs(value))
    decimals = max(decimals, min(decimals_for(abs(value)), decimals + 1))
    return fixed(value, decimals), fixed(low, decimals), fixed(high, decimals)


def level_words(level: float) -> str:
    """The interval's level, e.g. 95 % interval."""
    return f"{100 * level:g}{THIN}% interval"


def bounded(x: float | None) -> float | None:
    """`x` for a file: None where it is missing or unbounded."""
    return x if x is not None and math.isfinite(x) else None


def number(name: str, label: str, estimate: Estimate, unit: str) -> dict[str, Any]:
    """One published number at full precision, in the outcome's raw unit. Bounds are None where unbounded."""
    return {
        "id": name,
        "label": label,
        "estimate": estimate.value,
        "std_error": estimate.std_error,
        "low": bounded(estimate.low),
        "high": bounded(estimate.high),
        "level": estimate.level,
        "p_value": bounded(estimate.p_value),
        "n": estimate.n,
        "clusters": estimate.clusters,
        "treated_clusters": estimate.treated_clusters,
        "unit": unit,
        "method": estimate.method,
        "inference": estimate.inference,
        "estimand": estimate.estimand,
    }


def table_html(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str, note: str = "") -> str:
    """An accessible table: caption above, scoped headers, the first column heads its row, note below. All escaped."""
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td{_numeric(cell)}>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    foot = f'<p class="note">{html.escape(note)}</p>' if note else ""
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{foot}"
    )


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same table as aligned text."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV text at full precision."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([repr(float(cell)) if isinstance(cell, float) else cell for cell in row] for row in rows)
    return out.getvalue()


def table(
    kind: Literal["table", "prose", "provenance"],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    note: str = "",
    **meta: Any,
) -> Block:
    """A table block."""
    return Block(
        kind,
        table_text(header, rows),
        table_html(header, rows, caption, note),
        meta={"caption": caption, "note": note, **meta},
    )


def prose(text: str, **meta: Any) -> Block:
    """A paragraph made by a function, with its numbers in it."""
    return Block("prose", text, f"<p>{html.escape(text)}</p>", meta=meta)


def _numeric(cell: str) -> str:
    return ' class="number"' if cell[:1].isdigit() or cell[:1] == MINUS else ""
