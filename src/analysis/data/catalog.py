"""What a table says about itself: data/raw/<dataset>/source.yml, read strictly, and the checksum that ties it to bytes.

Nothing here imports pandas: a run that finds its report published needs names, labels and checksums only.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from analysis import paths, strict_yaml
from analysis.data.declared import ONCE, SOURCE, Join, Joined
from analysis.data.declared import Column as Column
from analysis.data.declared import Distribution as Distribution
from analysis.data.declared import Longer as Longer
from analysis.data.declared import Member as Member
from analysis.data.declared import Role as Role
from analysis.data.declared import Source as Source
from analysis.refusal import Refusal
from analysis.study import did_you_mean

RESERVED = {
    "audit",
    "catalog",
    "columnar",
    "declared",
    "delimited",
    "grid",
    "guesses",
    "joins",
    "masked",
    "materialise",
    "observations",
    "panels",
    "possible",
    "roles",
    "samples",
    "schema",
    "table",
}
_DATASET = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def datasets() -> list[str]:
    """The declared datasets, in alphabetical order."""
    return sorted(path.parent.name for path in paths.RAW.glob(f"*/{SOURCE}"))


def read(dataset: str) -> Source:
    """The declaration of `dataset`, checked as a whole.

    Raises Refusal D406 (no such dataset), R304 (doubtful YAML) or D401 (the declaration is wrong).
    """
    path = _declaration(dataset)
    shown = paths.shown(path)
    if not _DATASET.fullmatch(dataset) or dataset in RESERVED:
        fix = "use letters, digits, _ and -, other than " + ", ".join(sorted(RESERVED))
        raise Refusal("D406", "data/raw", f"{dataset!r} cannot be the name of a dataset", fix)
    if not path.is_file():
        raise Refusal("D406", shown, f"no dataset {dataset!r}", did_you_mean(dataset, datasets()))
    values = strict_yaml.read(path, shown)
    if "dataset" in values:
        raise Refusal("D401", f"{shown}:dataset", "unknown key 'dataset'", "delete it: the folder is the name")
    try:
        source = Source.model_validate({**values, "dataset": dataset})
    except ValidationError as error:
        raise _refusal(error, shown) from None
    return _with_joined(source) if source.joins else source


def _with_joined(source: Source) -> Source:
    """`source` with the columns that its joins bring. Raises Refusal D408 naming the join."""
    columns: dict[str, Column] = dict(source.columns)
    for place, join in enumerate(source.joins):
        where = f"{source.declaration}:joins.{place}"
        if join.dataset == source.dataset:
            raise Refusal("D408", f"{where}.dataset", "a table joined to itself", "name another folder of data/raw")
        try:
            other = read(join.dataset)
        except Refusal as refusal:
            if refusal.code != "D406":
                raise
            raise Refusal("D408", f"{where}.dataset", refusal.problem, refusal.fix) from None
        _check_join(source, join, other, where)
        for name in join.columns:
            if name in columns:
                problem = f"column {name!r} is in both tables"
                raise Refusal("D408", f"{where}.columns", problem, "take it out, or rename it in one of the files")
            given = other.columns[name].model_dump() | {"missing": "allow", "derived": None, "dataset": join.dataset}
            given["role"] = "other" if given["role"] in (*ONCE, "cluster") else given["role"]
            columns[name] = Joined.model_validate(given)
    return source.model_copy(update={"columns": columns})


def _check_join(source: Source, join: Join, other: Source, where: str) -> None:
    """Raises Refusal D408 unless both tables have the columns and the keys are of one type."""
    if other.joins:
        fix = "join a table that stands alone, and its own joins here"
        raise Refusal("D408", f"{where}.dataset", f"{join.dataset} has joins of its own", fix)
    for name, field in [(n, "on") for n in join.on] + [(n, "columns") for n in join.columns]:
        for table, at in ((other, join.dataset), *([(source, source.dataset)] if field == "on" else [])):
            if name not in table.columns:
                fix = did_you_mean(name, table.columns)
                raise Refusal("D408", f"{where}.{field}", f"{at} has no column {name!r}", fix)
    for name in join.on:
        here, there = source.columns[name], other.columns[name]
        if here.derived or there.derived:
            raise Refusal("D408", f"{where}.on", f"{name!r} is derived", "join on a column that the files hold")
        if here.type != there.type:
            problem = f"{name!r} is {here.type} here and {there.type} in {join.dataset}"
            raise Refusal("D408", f"{where}.on", problem, "declare the same type in both, as text where in doubt")


def verify(source: Source) -> Path:
    """The path of the dataset's file once its bytes were found to be the declared ones.

    Raises Refusal D406 (no file), D401 (no checksum declared; the fix is the line to add) or R305 (other bytes).
    """
    path, shown = source.path, paths.shown(source.path)
    if not path.is_file():
        own = f"put the file into {paths.shown(path.parent)}"
        raise Refusal("D406", shown, "the file is missing", "make data" if source.distribution else own)
    check(source, checksum(path))
    return path


def check(source: Source, actual: str) -> None:
    """Refuse a file whose checksum is `actual` unless the declaration names that checksum."""
    if source.sha256 is None:
        fix = f'after looking at the file, add the line `sha256: "{actual}"`'
        raise Refusal("D401", f"{source.declaration}:sha256", "the checksum of the file is not declared", fix)
    if actual != source.sha256:
        own = f'restore the file; if the change is meant, write `sha256: "{actual}"` in {source.declaration}'
        fix = "delete the file and run make data" if source.distribution else own
        problem = f"the file has changed: sha256 {actual[:12]}…, declared {source.sha256[:12]}…"
        raise Refusal("R305", paths.shown(source.path), problem, fix)


def checksum(path: Path) -> str:
    """The sha256 of the file at `path`, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def column(source: Source, name: str) -> Column:
    """The declaration of the column `name`. Raises Refusal D402 with the nearest declared name."""
    if name not in source.columns:
        raise Refusal("D402", f"{source.declaration}:{name}", f"no column {name!r}", did_you_mean(name, source.columns))
    return source.columns[name]


def numbers(source: Source, name: str) -> Column:
    """The declaration of the column `name`, which a calculation needs. Raises Refusal D402 where it holds text."""
    declared = column(source, name)
    if declared.type in ("text", "date"):
        problem = f"column {name!r} holds {declared.type}, where numbers are needed"
        raise Refusal("D402", f"{source.declaration}:{name}", problem, "name a column of numbers")
    return declared


def by_role(source: Source, role: Role) -> list[str]:
    """The columns that play `role`, in the order of the declaration."""
    return [name for name, declared in source.columns.items() if declared.role == role]


def _declaration(dataset: str) -> Path:
    return paths.RAW / dataset / SOURCE


def _refusal(error: ValidationError, shown: str) -> Refusal:
    problems = error.errors(
        include_url=False
    )  # a misspelt key is both unknown and missing: the word that is there counts
    unknown = (one for one in problems if one["type"] == "extra_forbidden")
    first = next(unknown, problems[0]) if problems[0]["type"] == "missing" else problems[0]
    place = [str(part) for part in first["loc"]]
    where = ":".join([shown, ".".join(place)]) if place else shown
    if first["type"] == "missing":
        return Refusal("D401", where, "the key is missing", f"add a line `{place[-1]}: ...`")
    if first["type"] == "extra_forbidden":
        return Refusal("D401", where, f"unknown key {place[-1]!r}", did_you_mean(place[-1], _keys(place[:-1])))
    problem, _, fix = first["msg"].removeprefix("Value error, ").partition("; ")
    got = "" if first["type"] == "value_error" else f", got {_short(first['input'])}"
    advice = fix or (f"correct `{place[-1]}`" if place else "correct the declaration")
    return Refusal("D401", where, f"{problem[0].lower()}{problem[1:]}{got}", advice)


def _keys(place: list[str]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"columns": Column, "distribution": Distribution, "joins": Join}
    model = models.get(place[0], Source) if place else Source
    return [name for name in model.model_fields if name != "dataset"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
