"""A study: one question and every choice made to answer it, checked as a whole before anything runs."""

from __future__ import annotations

import ast
import difflib
import functools
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from analysis import paths
from analysis.refusal import Refusal

Name = str
FIRST = "difference_in_differences"
FIXES = {
    "float_type": "write a number, e.g. 0.03",
    "int_type": "write a whole number",
    "list_type": "write a list: [a, b]",
}
LISTED = 12
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_. -]{0,63}")


class Study(BaseModel):
    """The question, the decision behind it, and the choices that every family of designs shares.

    Fields are flat because they are the parameters of a notebook; the parameter file sets them by name. The choices of
    one family stand in `studies/<family>.py`, whose `Study` extends this one; `Study.read` finds it from `design`.
    `masked` permutes the outcome, for drafts that are read before anybody may see a result.
    Effects and thresholds are in the unit of the outcome column. Unknown names, wrong types and values out of range
    are refused (`Study.read` turns them into a `Refusal`).

    A family sets: FAMILY, its name; SHAPE, whether its designs take a `Panel` (or `Sample`) or `Rows`; NUMBERS and
    ANYTHING, the fields that name columns (of numbers, or of any type); CHOICES, the fields that a design must use when
    they are set, with SHARED those that may be meant for another estimator only; PRECISION, whether covariates only
    sharpen the answer, so that leaving them out estimates the same; UNOBSERVED, whether rows without an outcome are
    kept aside; SPARSE, whether the columns of a panel may have gaps; GAPS, the fields whose columns may in Rows;
    FURTHER, the fields that name another dataset.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    FAMILY: ClassVar[str] = ""
    SHAPE: ClassVar[Literal["panel", "rows"]] = "rows"
    NUMBERS: ClassVar[tuple[str, ...]] = ("outcome", "weight")
    ANYTHING: ClassVar[tuple[str, ...]] = ("cluster", "covariates")
    CHOICES: ClassVar[frozenset[str]] = frozenset({"covariates"})
    SHARED: ClassVar[frozenset[str]] = frozenset()
    PRECISION: ClassVar[bool] = True
    UNOBSERVED: ClassVar[bool] = False
    SPARSE: ClassVar[bool] = False
    GAPS: ClassVar[tuple[str, ...]] = ()
    FURTHER: ClassVar[tuple[str, ...]] = ()

    question: str = Field(min_length=10, max_length=200)
    decision: str = Field(min_length=10, max_length=300)
    intervention: str = Field(min_length=3, max_length=80)
    dataset: Name
    outcome: Name
    where: list[str] = []
    since: int | None = None
    until: int | None = None
    design: Name
    covariates: list[Name] = []
    weight: Name | None = None
    cluster: Name | None = None
    estimators: list[Name] = []
    checks: list[Name] = []
    worthwhile: float = Field(gt=0, lt=1e12)
    better: Literal["higher", "lower"]
    level: float = Field(default=0.95, ge=0.5, le=0.999)
    draws: int = Field(default=999, ge=99, le=99_999)
    seed: int = Field(default=20260101, ge=0, le=2**32 - 1)
    masked: bool = False

    @field_validator("question")
    @classmethod
    def _asks(cls, text: str) -> str:
        if not text.rstrip().endswith("?"):
            raise ValueError("a question ends with a question mark; add one")
        return text

    @field_validator("*", mode="before")
    @classmethod
    def _number(cls, value: Any, info: Any) -> Any:
        """A whole number where a fraction may stand: YAML writes 2 for 2.0."""
        if not _takes_fractions(cls.model_fields[info.field_name].annotation):
            return value
        return [_widened(entry) for entry in value] if isinstance(value, list) else _widened(value)

    @field_validator("design", "estimators", "checks")
    @classmethod
    def _is_module(cls, value: Any, info: Any) -> Any:
        folder = "checks" if info.field_name == "checks" else "designs"
        known = modules(folder, cls.FAMILY)
        for name in [value] if isinstance(value, str) else value:
            if name not in known:
                raise ValueError(f"unknown name {name!r}; {did_you_mean(name, known)}")
        return value

    @field_validator("*")
    @classmethod
    def _plain_name(cls, value: Any, info: Any) -> Any:
        if info.field_name not in ("dataset", *cls.NUMBERS, *cls.ANYTHING):
            return value
        for name in [value] if isinstance(value, str) else value or []:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a plain name (letters, digits, _ . and -)")
        return value

    @model_validator(mode="after")
    def _every_choice_counts(self) -> Self:
        """A choice that the design would ignore is refused: the reader would believe it was made.

        The choices in SHARED may also be meant for one of the other estimators.
        """
        used = options(self.design)
        used |= set().union(*(options(name) for name in self.estimators)) & self.SHARED
        for name in sorted(self.CHOICES - used):
            if getattr(self, name) != type(self).model_fields[name].get_default():
                raise ValueError(
                    f"{name} has no effect under design {self.design}; remove it, or choose another design"
                )
        return self

    @classmethod
    def read(cls, values: Mapping[str, Any], file: str) -> Study:
        """The study that `values` describe. Raises Refusal for the first problem, naming `file` and field."""
        kind = cls if cls.FAMILY else model(str(values.get("design")), file)
        for name in values:
            if name not in kind.model_fields:
                raise unknown_parameter(file, name, kind.model_fields)
        try:
            return kind.model_validate(dict(values))
        except ValidationError as error:
            raise _refusal(error, file) from None

    def columns(self) -> list[tuple[str, str]]:
        """(field, column) for every column of the table that the study names."""
        found = []
        for field in (*self.NUMBERS, *self.ANYTHING):
            named = getattr(self, field)
            found += [(field, name) for name in ([named] if isinstance(named, str) else named or [])]
        return found

    def further(self) -> list[tuple[str, str]]:
        """(field, dataset) for every dataset beside the study's own."""
        return [(field, getattr(self, field)) for field in self.FURTHER if getattr(self, field)]

    @property
    def direction(self) -> int:
        """+1 where a higher outcome is better, -1 where a lower one is."""
        return 1 if self.better == "higher" else -1


def _takes_fractions(annotation: Any) -> bool:
    return annotation is float or any(_takes_fractions(part) for part in get_args(annotation))


def _widened(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def model(design: str, file: str = "design") -> type[Study]:
    """The study model of the family that `design` belongs to. Raises Refusal R302 for a name that is no design."""
    if design not in modules("designs"):
        fix = did_you_mean(design, modules("designs"))
        raise Refusal("R302", f"{file}:design", f"unknown name {design!r}", fix)
    found: type[Study] = import_module(f"analysis.studies.{families('designs', design)[0]}").Study
    return found


def modules(folder: str, family: str = "") -> list[str]:
    """The names a parameter file may use for `folder` (of one family): one file, one name, no registry to edit."""
    names = sorted(p.stem for p in (paths.SOURCE / folder).glob("*.py") if not p.stem.startswith("_"))
    return [name for name in names if not family or family in families(folder, name)]


@functools.cache
def families(folder: str, name: str) -> tuple[str, ...]:
    """The families that a design or check belongs to: its file's FAMILIES, or difference in differences without one.

    Read from the source, as `options` are.
    """
    for node in _source(folder, name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FAMILIES":
            return tuple(ast.literal_eval(node.value))
    return (FIRST,)


@functools.cache
def _source(folder: str, name: str) -> ast.Module:
    return ast.parse((paths.SOURCE / folder / f"{name}.py").read_text(encoding="utf-8"))


def options(design: str) -> set[str]:
    """The choices that `design` takes: its file's keyword arguments, and `average` where it declares AVERAGES.

    Read from the source, so that a parameter file can be checked without importing an estimator.
    """
    tree = _source("designs", design)
    taken = {
        a.arg for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "estimate" for a in n.args.kwonlyargs
    }
    named = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return taken | ({"average"} if "AVERAGES" in named else set())


def did_you_mean(name: str, known: Any) -> str:
    """A fix for a misspelt name: the nearest known one, or all of them."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    names = sorted(known)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"use one of {', '.join(names[:LISTED])}{more}"


def unknown_parameter(file: str, name: str, known: Any) -> Refusal:
    """The refusal of a parameter that nobody declared: Papermill itself would silently ignore it."""
    return Refusal("R301", f"{file}:{name}", f"unknown parameter {name!r}", did_you_mean(name, known))


def _refusal(error: ValidationError, file: str) -> Refusal:
    first = error.errors(include_url=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    field = ".".join(str(part) for part in first["loc"]) or said.split()[0]
    if first["type"] == "missing":
        return Refusal("R302", f"{file}:{field}", "the parameter is missing", f"add a line `{field}: ...`")
    if first["type"] == "literal_error" and isinstance(first["input"], str):
        allowed = re.findall(r"'([^']+)'", first["msg"])
        problem = f"{first['input']!r} is not a choice"
        return Refusal("R302", f"{file}:{field}", problem, did_you_mean(first["input"], allowed))
    got = "" if first["type"] == "value_error" else f", got {first['input']!r}"
    problem, _, fix = said.partition("; ")
    return Refusal(
        "R302",
        f"{file}:{field}",
        f"{problem[0].lower()}{problem[1:]}{got}",
        fix or FIXES.get(first["type"], f"correct `{field}`"),
    )
