"""A file as it came in: the bytes that will be stored, and what is known about where they came from."""

from __future__ import annotations

import csv
import datetime
import decimal
import hashlib
import io
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.profile.finding import Finding
from analysis.refusal import Refusal

# How a message names the place of a row: line of the text file, row of the sheet, or row counted from 1.
Counted = Literal["line", "sheet", "row"]


@dataclass(frozen=True)
class Incoming:
    """A table on its way in.

    `content` is stored as it is: `suffix` csv (UTF-8, commas) or parquet. `origin` names the source, `sha256` its bytes
    where it is a file; `converted` says in sentences what was written differently. `labels` and `meanings` (of codes)
    come from formats that carry them.
    """

    content: bytes
    suffix: Literal["csv", "parquet"]
    origin: str
    sha256: str = ""
    counted: Counted = "line"
    converted: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Mapping[int | float, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def checksum(data: bytes) -> str:
    """The sha256 of `data`, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Fields that are text already, as UTF-8 CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def as_fields(values: Sequence[Any], where: str) -> list[str]:
    """One column of typed cells as text that gives back the same values; an empty cell is an empty field.

    Dates are year-month-day, with the time of day only where one of the column has one. Raises Refusal D407 for bytes.
    """
    times = [value for value in values if isinstance(value, datetime.datetime)]
    dates_only = all(value.time() == datetime.time() and value.tzinfo is None for value in times)
    return [_field(value, dates_only, where) for value in values]


def _field(value: Any, dates_only: bool, where: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case decimal.Decimal():
            return format(value, "f")
        case datetime.datetime():
            return value.date().isoformat() if dates_only else value.isoformat(" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case str() | int() | uuid.UUID() | datetime.timedelta():
            return str(value)
    fix = "leave the column out of the table, or write it as text"
    raise Refusal("D407", where, f"a cell holds {type(value).__name__}, not text, a number or a date", fix)


def _float(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
