"""Whom the rows of a dataset are about, and which of its columns name them.

`units` in source.yml says it: people, households or organisations are confidential; places (states, counties, cities),
periods and none (made-up cases, tables of groups) are not. A dataset that does not say it is taken to be about people,
unless it is declared synthetic.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths, strict_yaml
from analysis.refusal import Refusal

CONFIDENTIAL = ("people", "households", "organisations")
PUBLIC = ("places", "periods", "none")
SUSPECT = re.compile(
    r"(?i)(?:^|[\s_.-])(first|last|full|given|family|middle)?[\s_.-]?"
    r"(name|surname|forename|e-?mail|phone|telephone|mobile|street|address|post_?code|zip_?code|ssn|nino|nhs|passport|"
    r"iban|dob|date[\s_.-]of[\s_.-]birth|birth_?date|national_?(id|insurance)|person_?(id|number)|patient_?(id|number)|"
    r"licen[cs]e_?plate)(?:$|[\s_.-])"
)
OF_PLACES = re.compile(r"(?i)\b(state|country|county|city|region|village|district|school|firm|arm|variable|brand)")
MOST_VALUES = 200_000
FEW = 20


@dataclass(frozen=True)
class Identifier:
    """A column that names units: its dataset, name and label, the values looked for in texts, and how it is known."""

    dataset: str
    column: str
    label: str
    how: str
    values: frozenset[str]
    short: frozenset[str]


@dataclass(frozen=True)
class Subjects:
    """What the data of a version are about. said: (dataset, units, how it is known); identifiers: columns that
    name confidential units; unknown: datasets whose declaration is not here."""

    said: tuple[tuple[str, str, str], ...]
    identifiers: tuple[Identifier, ...] = ()

    @property
    def confidential(self) -> bool:
        """Whether any of the data is about people, households or organisations."""
        return any(kind in CONFIDENTIAL for _, kind, _ in self.said)

    @property
    def noun(self) -> str:
        """What is counted, in words."""
        kinds = [kind for _, kind, _ in self.said if kind in CONFIDENTIAL]
        return kinds[0] if kinds else "units"


def of(manifest: Mapping[str, Any]) -> Subjects:
    """Whom the data of the version with this `manifest` are about.

    Raises Refusal D401 for a word that is not one of the five.
    """
    said, identifiers = [], []
    for dataset in manifest.get("data") or {"(no dataset named)": ""}:
        declared = _declaration(str(dataset))
        kind, how = _kind(str(dataset), declared)
        said.append((str(dataset), kind, how))
        if kind in CONFIDENTIAL:
            identifiers += _identifiers(str(dataset), declared)
    return Subjects(tuple(said), tuple(identifiers))


def _declaration(dataset: str) -> Mapping[str, Any]:
    path = paths.RAW / dataset / "source.yml"
    return strict_yaml.read(path, paths.shown(path)) if path.is_file() else {}


def _kind(dataset: str, declared: Mapping[str, Any]) -> tuple[str, str]:
    if not declared:
        return "people", "its source.yml is not here; taken to be about people"
    if declared.get("units") is None:
        if declared.get("synthetic") is True:
            return "none", "declared synthetic"
        return "people", "source.yml does not say; taken to be about people"
    kind = str(declared["units"])
    if kind not in CONFIDENTIAL + PUBLIC:
        where = f"{paths.shown(paths.RAW / dataset / 'source.yml')}:units"
        fix = f"write one of {', '.join(CONFIDENTIAL + PUBLIC)}"
        raise Refusal("D401", where, f"{kind!r} is not a choice", fix)
    return kind, "source.yml"


def _identifiers(dataset: str, declared: Mapping[str, Any]) -> list[Identifier]:
    columns: Mapping[str, Mapping[str, Any]] = declared.get("columns") or {}
    named = {name: how for name, column in columns.items() if (how := _how(name, column))}
    if not named:
        return []
    path = paths.RAW / dataset / str(declared.get("file", ""))
    values = _values(path, list(named)) if path.is_file() else {}
    found = []
    for name, how in named.items():
        texts = {text.strip() for text in values.get(name, ())} - {""}
        if how == "suspected" and len(texts) <= FEW:
            continue  # categories, such as whether there was an e-mail address
        telling = frozenset(text for text in texts if _telling(text))
        label = str(columns[name].get("label") or name)
        found.append(Identifier(dataset, name, label, how, telling, frozenset(texts - telling)))
    return found


def _how(name: str, column: Mapping[str, Any]) -> str:
    """How a column is known to name units; empty if it is not."""
    if column.get("identifier") is True or column.get("role") == "identifier":
        return "declared"
    if column.get("role") == "unit":
        return "the unit"
    label = str(column.get("label") or "")
    if (SUSPECT.search(name) or SUSPECT.search(label)) and not OF_PLACES.search(f"{name} {label}"):
        return "suspected"
    return ""


def _telling(text: str) -> bool:
    """Whether a text is long enough that finding it elsewhere is no accident."""
    if re.fullmatch(r"[-+]?[\d.,]+", text):
        return sum(c.isdigit() for c in text) >= 7
    return (len(text) >= 5 and any(c.isdigit() for c in text)) or len(text) >= 6


def _values(path: Path, names: list[str]) -> dict[str, set[str]]:
    return _parquet(path, names) if path.suffix == ".parquet" else _delimited(path, names)


def _delimited(path: Path, names: list[str]) -> dict[str, set[str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        places = {name: header.index(name) for name in names if name in header}
        found: dict[str, set[str]] = {name: set() for name in places}
        for row in rows:
            for name, place in places.items():
                if place < len(row) and len(found[name]) < MOST_VALUES:
                    found[name].add(row[place])
    return found


def _parquet(path: Path, names: list[str]) -> dict[str, set[str]]:
    import pandas as pd

    table = pd.read_parquet(path)
    return {name: _texts(table[name].dropna().unique().tolist()) for name in names if name in table.columns}


def _texts(values: Iterable[Any]) -> set[str]:
    return {str(value) for value in values if value is not None}
