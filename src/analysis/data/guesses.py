"""Which columns a study could use for what: from roles, names, ranges and, when the table is there, from its values.

A guess saves typing and decides nothing: whoever writes the parameter file confirms or changes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis import paths
from analysis.data import catalog, table
from analysis.data.declared import Source
from analysis.refusal import Refusal
from analysis.study import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

FEW = 12
MOST_COVARIATES = 12
_KEYS = ("unit", "time", "first_treated", "treated", "weight", "cluster")
_IDENTIFIER = re.compile(r"(?i)(^|_)(id|code|number|fips|year|month|date|index)$")
_WORDS = {
    "treatment": r"(?i)treat|arm\b|assign|group|offer|polic|program|train|received|grant|tax",
    "running": r"(?i)score|running|margin|cent(e)?red|threshold|distance|points|agecell",
    "instruments": r"(?i)instrument|near|lotter|draft|distance|assign|eligib|offer|tax",
    "received": r"(?i)receiv|took|take_?up|particip|complied|attend|usage",
    "pre_outcome": r"(?i)pre|base|before|_?(0|t0)$|lag",
    "dose": r"(?i)dose|amount|intens|share|level",
    "control_series": r"(?i)control|other|not|rear",
    "eligible": r"(?i)eligib|target|meant",
}
_PERIOD = re.compile(r"(?i)(^|_)(year|yr|month|quarter|qtr|week|period|wave|round|time|semester|term)s?([_0-9]|$)")
_CALENDAR = ((1800, 2100), (180_001, 210_012), (18_001, 21_004))
_PLAIN = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_DRESSED = r"[-+(<$€£ ]*\d[\d., '’]*[)*%$€£ ]*"
_CONTROL = re.compile(r"(?i)control|placebo|regular|usual|none|^no\b|without|comparison")


@dataclass(frozen=True)
class Guess:
    """A value for one parameter; sure where a role of the declaration gives it."""

    value: Any
    sure: bool = False


@dataclass(frozen=True)
class Table:
    """A declaration and, when its file is there, the rows behind it."""

    source: Source
    frame: pd.DataFrame | None

    @classmethod
    def of(cls, source: Source) -> Table:
        """The table of `source`, read if its file is there. Raises Refusal as `table.load` does."""
        there = source.path.is_file() and all(catalog.read(name).path.is_file() for name in source.joined)
        return cls(source, table.load(source.dataset) if there else None)

    def having(self, name: str) -> Table:
        """The rows in which the column `name` is not missing: the others tell nothing about what can be compared."""
        return self if self.frame is None else Table(self.source, self.frame[self.frame[name].notna()])

    def role(self, role: str) -> str:
        """The first column of a role, or nothing."""
        return next((name for name, one in self.source.columns.items() if one.role == role), "")

    def numbers(self, without: Iterable[str] = ()) -> list[str]:
        """Columns that can be calculated with and name or weight nothing, outcomes and covariates first."""
        names = [
            name
            for name, one in self.source.columns.items()
            if one.type in ("integer", "number", "boolean") and one.role not in _KEYS and name not in set(without)
        ]
        return sorted(
            names, key=lambda name: (bool(_IDENTIFIER.search(name)), self.source.columns[name].role == "other")
        )

    def values(self, name: str) -> list[Any]:
        """The distinct values of a column with few of them, in order; empty for many, or where that is not known."""
        declared = self.source.columns[name]
        if self.frame is not None:
            found = self.frame[name].dropna().unique().tolist()
            return sorted(found) if len(found) <= FEW else []
        if declared.values is not None:
            return list(declared.values) if len(declared.values) <= FEW else []
        low, high = declared.minimum, declared.maximum
        few = declared.type == "integer" and low is not None and high is not None and high - low < FEW
        if declared.type == "boolean":
            return [0, 1]
        return list(range(int(low), int(high) + 1)) if few and low is not None and high is not None else []

    def switch(self, name: str) -> bool:
        """Whether a column holds zero and one, both and nothing else."""
        return [float(v) for v in self.values(name) if not isinstance(v, str)] == [0.0, 1.0]

    def span(self, name: str) -> tuple[float, float] | None:
        """Smallest and largest value, from the rows or the declared range."""
        if self.frame is not None:
            return float(self.frame[name].min()), float(self.frame[name].max())
        declared = self.source.columns[name]
        known = declared.minimum is not None and declared.maximum is not None
        return (float(declared.minimum or 0), float(declared.maximum or 0)) if known else None

    def matching(self, field: str, names: Iterable[str]) -> list[str]:
        """`names`, those whose name or label sounds like `field` first."""
        pattern = re.compile(_WORDS[field])
        return sorted(names, key=lambda name: not pattern.search(f"{name} {self.source.columns[name].label}"))


def outcome(known: Table, asked: str = "") -> Guess:
    """The outcome asked for, the one declared so, or the first plausible number."""
    if asked:
        _refuse_disguised(known, [asked] if asked in known.source.columns else [])
        catalog.numbers(known.source, asked)
        return Guess(asked, sure=True)
    plausible = [name for name in known.numbers() if not _IDENTIFIER.search(name)]
    declared = [name for name in plausible if known.source.columns[name].role == "outcome"]
    if not plausible:
        _refuse_disguised(known, list(known.source.columns))
        raise lacking(known.source, "outcome", "no column of numbers can be the outcome", "the outcome's column")
    varied = [name for name in plausible if not known.switch(name)] or plausible
    return Guess((declared or varied)[0], sure=len(declared) == 1)


def _refuse_disguised(known: Table, names: Iterable[str]) -> None:
    """Raises Refusal D402 where a column of text holds numbers written for people, such as 0,68 or 12 %."""
    for name in names:
        declared = known.source.columns[name]
        if known.frame is None or declared.type != "text" or declared.role in _KEYS:
            continue
        words = known.frame[name].dropna().astype(str).str.strip()
        plain = words.str.fullmatch(_PLAIN)
        odd = words[words.str.fullmatch(_DRESSED) & ~plain]
        if len(odd) and len(odd) + int(plain.sum()) >= len(words) / 2:
            problem = f"{name} was taken in as text: {len(odd):,} of {len(words):,} values are not written as numbers"
            fix = "write numbers with a point before decimals and nothing else in the file, delete the folder "
            fix += f"{paths.shown(known.source.path.parent)} and bring the file again with make dataset"
            where = f"{known.source.declaration}:columns.{name}"
            raise Refusal("D402", where, f"{problem}, such as {odd.iloc[0][:20]!r}", fix)


def treatment(known: Table, taken: Iterable[str], *, words: bool = False, amounts: bool = False) -> Guess:
    """Who was treated, or how much: the declared column, else one of zeros and ones (`amounts`: any number).

    `words` allows a column of a few words, as arms of a trial are. Raises Refusal D401 where nothing will do.
    """
    declared = known.role("treated")
    if declared and declared not in taken:
        return Guess(declared, sure=True)
    names = [name for name in known.numbers(taken) if amounts or known.switch(name)]
    if words:
        arms = [n for n, one in known.source.columns.items() if one.type == "text" and one.role not in _KEYS]
        names += [name for name in arms if 2 <= len(known.values(name)) <= 4]
    if not names:
        said = "numbers" if amounts else "0 and 1"
        problem = f"no column of {said} can say who was treated"
        raise lacking(known.source, "treated", problem, "the column of who was treated")
    return Guess(known.matching("treatment", names)[0])


def column(
    known: Table, field: str, taken: Iterable[str], what: str, fits: Callable[[str], bool] | None = None
) -> Guess:
    """A column of numbers for `field` by its name; raises Refusal D401 where no column is left for it."""
    names = [name for name in known.numbers(taken) if fits is None or fits(name)]
    if not names:
        fix = f"below `columns`, declare a column of {what}, with its type and label"
        raise Refusal("D401", f"{known.source.declaration}:columns", f"no column is left for `{field}`", fix)
    return Guess(known.matching(field, names)[0])


def arms(known: Table, name: str) -> dict[str, Guess]:
    """Which value is the control arm, and which the other, where the column itself does not say so by 0 and 1."""
    values = known.values(name)
    if known.switch(name) or len(values) < 2:
        return {}
    found = {}
    control = next((v for v in values if (v == 0 if not isinstance(v, str) else _CONTROL.search(v))), values[0])
    found["control_arm"] = Guess(_plain(control))
    if len(values) > 2:
        found["arm"] = Guess(_plain(next(value for value in values if value != control)))
    return found


def start(known: Table) -> Guess:
    """A period in the middle of the series."""
    time = known.role("time")
    if known.frame is not None:
        periods = sorted(known.frame[time].dropna().unique().tolist())
        return Guess(_plain(periods[len(periods) // 2]))
    low, high = known.span(time) or (0.0, 0.0)
    months = low >= 100_000 and high < 1_000_000
    return Guess(int((low // 100 + high // 100) // 2 * 100 + 1) if months else int((low + high) // 2))


def cutoff(known: Table, name: str) -> Guess:
    """Zero where the score runs across it, else its middle."""
    low, high = known.span(name) or (-1.0, 1.0)
    return Guess(0 if low < 0 < high else _rounded((low + high) / 2))


def covariates(known: Table, taken: Iterable[str]) -> Guess:
    """The columns declared as covariates. Raises Refusal D401 where there is none."""
    names = [n for n in catalog.by_role(known.source, "covariate") if n not in set(taken)]
    names = [name for name in names if known.source.columns[name].type != "date"]
    if not names:
        problem = "no column has the role covariate, and the groups can be made alike in nothing"
        raise lacking(known.source, "covariate", problem, "each column that was measured before the policy")
    return Guess(names[:MOST_COVARIATES])


def worthwhile(known: Table, name: str) -> Guess:
    """Two percentage points of a share, five per cent of a log, a tenth of a standard deviation of anything else."""
    unit = known.source.columns[name].unit
    if unit in ("share", "log"):
        return Guess(0.02 if unit == "share" else 0.05)
    spread = float(known.frame[name].std()) / 10 if known.frame is not None else math.nan
    return Guess(_rounded(spread) if math.isfinite(spread) and spread > 0 else 1)


def dates(known: Table) -> int:
    """Adoption dates in the table; 0 where that is not known."""
    name = known.role("first_treated")
    return int(known.frame[name].dropna().nunique()) if name and known.frame is not None else 0


def periods(known: Table) -> list[str]:
    """Columns that could be the period: by their name, or whole numbers that are years, months or quarters."""
    found = []
    for name, one in known.source.columns.items():
        low, high = one.minimum, one.maximum
        whole = one.type == "integer" and low is not None and high is not None and low < high
        dated = whole and any(first <= low and high <= last for first, last in _CALENDAR)  # type: ignore[operator]
        if dated or (one.type in ("integer", "text") and _PERIOD.search(name)):
            found.append(name)
    return found


def lacking(source: Source, role: str, problem: str, column: str) -> Refusal:
    """The refusal of a table that has no column for a role, with the line of source.yml that would give it one."""
    return Refusal("D401", f"{source.declaration}:columns", problem, f"below {column}, add the line `role: {role}`")


def dataset(name: str) -> Source:
    """The declaration of the dataset `name`. Raises Refusal D406 with the nearest name."""
    if name not in catalog.datasets():
        fix = did_you_mean(name, catalog.datasets())
        raise Refusal("D406", f"DATASET={name}", f"there is no folder data/raw/{name} with a source.yml", fix)
    return catalog.read(name)


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _rounded(value: float) -> float | int:
    """`value` to one significant digit."""
    if value == 0:
        return 0
    rounded = float(round(value, -math.floor(math.log10(abs(value)))))
    return int(rounded) if rounded.is_integer() else rounded
