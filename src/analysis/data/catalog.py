"""What a table says about itself: data/raw/<dataset>/source.yml, read strictly, and the checksum that ties it to bytes.

Nothing here imports pandas: a run that finds its report published needs names, labels and checksums only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from analysis import paths, strict_yaml
from analysis.refusal import Refusal
from analysis.study import did_you_mean

Role = Literal["unit", "time", "first_treated", "treated", "outcome", "covariate", "weight", "cluster", "other"]
Scalar = int | float | str
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Sentence = Annotated[str, Field(min_length=3)]
ONCE: tuple[Role, ...] = ("unit", "time", "first_treated", "treated")
RESERVED = {
    "catalog",
    "columnar",
    "delimited",
    "grid",
    "materialise",
    "observations",
    "panels",
    "roles",
    "samples",
    "table",
}
_DATASET = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Member(_Strict):
    """A file in an archive: its path once installed, its checksum, and how it is written."""

    member: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")
    member_sha256: Sha256
    format: Literal["csv", "csv.bz2", "dta", "pickle.gz", "pickle.xz"]

    @field_validator("member")
    @classmethod
    def _inside(cls, member: str) -> str:
        if ".." in member.split("/"):
            raise ValueError("the path leaves the distribution; write a path without ..")
        return member


class Longer(_Strict):
    """How a wide file becomes long: `keep` stays, every other column's header goes into `name`, its cells into
    `value`."""

    keep: str
    name: str
    value: str


class Distribution(Member):
    """A pinned archive of a package index and the file in it; `stack` names more files whose rows follow; a wide file
    is made long first."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    version: str = Field(pattern=r"^[A-Za-z0-9.+!_-]+$")
    sha256: Sha256
    stack: list[Member] = []
    longer: Longer | None = None


class Column(_Strict):
    """One column: what it means, what may stand in it, what part it plays.

    `missing_codes` are values that mean "missing" besides the empty field; `derived` says in words how the
    dataset's module makes the column (then the file does not hold it).
    """

    type: Literal["integer", "number", "text", "boolean", "date"]
    label: Sentence
    unit: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None
    values: list[Scalar] | None = Field(default=None, min_length=1)
    missing: Literal["refuse", "allow"] = "refuse"
    missing_codes: list[Scalar] = []
    role: Role = "other"
    derived: Sentence | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        numeric = self.type in ("integer", "number")
        if not numeric and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"a range for a {self.type} column; delete minimum and maximum, or list values")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}; exchange them")
        if self.values is not None and (self.type in ("boolean", "date") or self._misfits(self.values)):
            raise ValueError(f"values do not fit type {self.type}; write values of that type")
        near = self.unit.strip().lower()
        if near in ("share", "log", "logs", "shares", "proportion", "percentage") and self.unit not in ("share", "log"):
            raise ValueError(f"unit {self.unit!r}; write share (0 to 1) or log, which the report shows in per cent")
        if self.missing_codes and self.missing == "refuse":
            raise ValueError("missing_codes although missing values are refused; write `missing: allow`")
        return self

    def _misfits(self, values: Iterable[Scalar]) -> bool:
        allowed = {"integer": (int,), "number": (int, float), "text": (str,)}[self.type]
        return any(not isinstance(value, allowed) for value in values)


class Source(_Strict):
    """One source.yml. Without `distribution` the table is a person's own, put into the folder by hand."""

    dataset: str
    title: Sentence
    origin: Sentence
    citation: Sentence
    licence: Sentence
    obtained: Sentence
    distribution: Distribution | None = None
    file: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.(csv|parquet)$")
    sha256: Sha256 | None = None
    rows: int | None = Field(default=None, ge=1)
    synthetic: bool
    traps: list[Sentence] = []
    columns: dict[str, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        for role in ONCE:
            names = by_role(self, role)
            if len(names) > 1:
                raise ValueError(f"role {role} is given to {' and '.join(names)}; keep one")
        return self

    @property
    def path(self) -> Path:
        """Where the table is, or will be."""
        return paths.RAW / self.dataset / self.file

    @property
    def declaration(self) -> str:
        """The name of its source.yml in messages."""
        return paths.shown(_declaration(self.dataset))


def datasets() -> list[str]:
    """The declared datasets, in alphabetical order."""
    return sorted(path.parent.name for path in paths.RAW.glob("*/source.yml"))


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
        return Source.model_validate({**values, "dataset": dataset})
    except ValidationError as error:
        raise _refusal(error, shown) from None


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
        fix = f"after looking at the file, add the line `sha256: {actual}`"
        raise Refusal("D401", f"{source.declaration}:sha256", "the checksum of the file is not declared", fix)
    if actual != source.sha256:
        own = f"restore the file; if the change is meant, write `sha256: {actual}` in {source.declaration}"
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
    return paths.RAW / dataset / "source.yml"


def _refusal(error: ValidationError, shown: str) -> Refusal:
    first = error.errors(include_url=False)[0]
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
    models: dict[str, type[BaseModel]] = {"columns": Column, "distribution": Distribution}
    model = models.get(place[0], Source) if place else Source
    return [name for name in model.model_fields if name != "dataset"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
