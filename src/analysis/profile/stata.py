"""A Stata file as CSV: codes stay codes, their words and the variables' labels go into the declaration."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data import materialise
from analysis.profile.finding import Finding, many
from analysis.profile.incoming import Incoming, checksum
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd

EPOCH = 1960


def read(path: Path, shown: str) -> Incoming:
    """The Stata file at `path`; days as dates, months and quarters as numbers (201704, 20174), years as they are.

    Raises Refusal D407 where it cannot be read or has no rows.
    """
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pd.read_stata(path, iterator=True) as reader:
                labels = {name: text.strip() for name, text in reader.variable_labels().items() if text.strip()}
            plain = pd.read_stata(path, convert_dates=False, convert_categoricals=False, convert_missing=True)
            dated = pd.read_stata(path, convert_categoricals=False)
            worded = _worded(path)
    except (ValueError, OSError, KeyError, UnicodeDecodeError):
        problem = "not readable as a Stata file: another kind, broken off, or of a version that is not known"
        raise Refusal("D407", shown, problem, "save it again in Stata, as version 14 or later") from None
    if plain.empty:
        raise Refusal("D407", shown, "the table has no rows", "put the data there")
    findings = list(_extended(plain))
    columns = {name: _column(plain[name], dated[name]) for name in plain}
    said = ("a Stata file written as CSV: codes as numbers, days as year-month-day, months as 201704",)
    return Incoming(
        materialise.as_csv(pd.DataFrame(columns)), "csv", path.name, checksum(path.read_bytes()), "row", said, labels,
        {str(name): found for name in worded if (found := _meanings(columns[name], worded[name]))}, tuple(findings),
    )  # fmt: skip


def _worded(path: Path) -> pd.DataFrame:
    """The columns that have words for their codes, in words; none where one word stands for two codes."""
    import pandas as pd

    try:
        frame = pd.read_stata(path, convert_dates=False, order_categoricals=False)
    except ValueError:
        return pd.DataFrame()
    return frame.select_dtypes("category")


def _extended(plain: pd.DataFrame) -> Iterator[Finding]:
    """Stata's .a to .z: reasons for missing that a plain table cannot keep."""
    for name in plain:
        reasons = [str(value) for value in plain[name].tolist() if _is_missing(value) and str(value) != "."]
        if reasons:
            kinds = ", ".join(sorted(set(reasons)))
            problem = f"{many(len(reasons), 'value')} missing for the reasons {kinds}; stored as missing without them"
            yield Finding("caution", str(name), problem, "keep the reason in a column of its own if it matters")


def _is_missing(value: Any) -> bool:
    from pandas.io.stata import StataMissingValue  # type: ignore[attr-defined]

    return isinstance(value, StataMissingValue)


def _column(plain: pd.Series[Any], dated: pd.Series[Any]) -> pd.Series[Any]:
    """One column as it is written: periods as numbers, days as ISO text, else the stored values."""
    import pandas as pd

    values = plain
    if plain.dtype == object:
        kept = [None if _is_missing(value) or value == "" else value for value in plain.tolist()]
        numeric = not any(isinstance(value, str) for value in kept)
        values = pd.Series(kept, index=plain.index, dtype="float64" if numeric else object)
    if dated.dtype.kind != "M":
        return values
    there = dated.notna()
    year, month, counted = dated.dt.year, dated.dt.month, values.where(there).astype("float64")
    readings = {
        "year": (year, year),
        "month": ((year - EPOCH) * 12 + month - 1, year * 100 + month),
        "quarter": ((year - EPOCH) * 4 + (month - 1) // 3, year * 10 + (month - 1) // 3 + 1),
    }
    for stored, written in readings.values():
        if bool((stored[there] == counted[there]).all()):
            periods: pd.Series[Any] = written.where(there)
            return periods
    days = dated.dt.normalize()
    form = "%Y-%m-%d" if bool((days[there] == dated[there]).all()) else "%Y-%m-%d %H:%M:%S"
    written_days: pd.Series[Any] = dated.dt.strftime(form).astype(object).where(there, None)
    return written_days


def _meanings(codes: pd.Series[Any], words: pd.Series[Any]) -> dict[int | float, str]:
    import pandas as pd

    pairs = pd.DataFrame({"code": codes, "word": words.astype(object)}).dropna().drop_duplicates()
    found = {code: word for code, word in zip(pairs["code"], pairs["word"], strict=True) if isinstance(word, str)}
    return {int(code) if float(code).is_integer() else float(code): found[code] for code in sorted(found)}
