"""What a source.yml may say: the table, its columns, what is joined to it. `catalog` reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from analysis import paths
from analysis.study import did_you_mean

Role = Literal["unit", "time", "first_treated", "treated", "outcome", "covariate", "weight", "cluster", "other"]
Scalar = int | float | str
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Sentence = Annotated[str, Field(min_length=3)]
ONCE: tuple[Role, ...] = ("unit", "time", "first_treated", "treated")
SOURCE = "source.yml"


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


class Joined(Column):
    """A column that a join brings: its declaration in the other dataset, missing where no row matched."""

    dataset: str


class Join(_Strict):
    """Columns taken from another dataset where the columns `on` are equal.

    kind: whether a row of the other dataset may match several rows here (many_to_one) or one (one_to_one).
    minimum_match: the share of rows here that must find a match; rows without one stay, with these columns missing.
    """

    dataset: str
    on: list[str] = Field(min_length=1)
    kind: Literal["one_to_one", "many_to_one"]
    columns: list[str] = Field(min_length=1)
    minimum_match: float = Field(default=1.0, ge=0, le=1)

    @field_validator("minimum_match", mode="before")
    @classmethod
    def _fraction(cls, value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Source(_Strict):
    """One source.yml. Without `distribution` the table is a person's own, put into the folder by hand.

    topic: what the catalogue sorts it under. key: columns that together name a row. units: what one unit is; only
    places and organisations are ever named on a page. joins: columns of other datasets, which `columns` then
    holds as well.
    """

    dataset: str
    title: Sentence
    topic: str | None = Field(default=None, min_length=3, max_length=40)
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
    units: Literal["people", "households", "places", "organisations", "periods", "none"] | None = None
    key: list[str] = []
    joins: list[Join] = []
    columns: dict[str, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _key_is_declared(self) -> Self:
        for name in self.key:
            if name not in self.columns:
                raise ValueError(f"key names {name!r}, which is no declared column; {did_you_mean(name, self.columns)}")
            if self.columns[name].derived:
                raise ValueError(f"key names {name!r}, which is derived; name columns that the file holds")
        return self

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        for role in ONCE:
            names = [name for name, one in self.columns.items() if one.role == role]
            if len(names) > 1:
                raise ValueError(f"role {role} is given to {' and '.join(names)}; keep one")
        return self

    @property
    def path(self) -> Path:
        """Where the table is, or will be."""
        return paths.RAW / self.dataset / self.file

    @property
    def joined(self) -> list[str]:
        """The datasets whose columns are joined on, without repeats."""
        return list(dict.fromkeys(join.dataset for join in self.joins))

    @property
    def declaration(self) -> str:
        """The name of its source.yml in messages."""
        return paths.shown(paths.RAW / self.dataset / SOURCE)
