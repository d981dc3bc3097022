"""A study: one question and every choice made to answer it, checked as a whole before anything runs."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from analysis import paths
from analysis.refusal import Refusal

Name = str
CHOICES = {
    "comparison",
    "base_period",
    "anticipation",
    "average",
    "covariates",
    "adjustment",
    "family",
    "window",
    "errors",
}
FIXES = {
    "float_type": "write a number, e.g. 0.03",
    "int_type": "write a whole number",
    "list_type": "write a list: [a, b]",
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_. -]{0,63}")


class Study(BaseModel):
    """The question, the decision behind it, and every choice of data, design, inference and checks.

    Fields are flat because they are the parameters of a notebook; the parameter file sets them by name.
    Effects and thresholds are in the unit of the outcome column. Unknown names, wrong types and values out of
    range are refused (`Study.read` turns them into a `Refusal`).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    question: str = Field(min_length=10, max_length=200)
    decision: str = Field(min_length=10, max_length=300)
    intervention: str = Field(min_length=3, max_length=80)
    dataset: Name
    outcome: Name
    where: list[str] = []
    since: int | None = None
    until: int | None = None
    unbalanced: Literal["refuse", "drop_units", "keep"] = "refuse"
    treatment: Name | None = None
    dose: Name | None = None
    eligible: Name | None = None
    design: Name
    comparison: Literal["never_treated", "not_yet_treated"] = "not_yet_treated"
    base_period: Literal["varying", "universal"] = "universal"
    anticipation: int = Field(default=0, ge=0, le=20)
    average: Literal["simple", "event_time", "cohort", "period"] = "simple"
    covariates: list[Name] = []
    adjustment: Literal["doubly_robust", "regression", "weighting"] = "doubly_robust"
    family: Literal["linear", "poisson"] = "linear"
    window: int | None = Field(default=None, ge=1, le=100)
    weight: Name | None = None
    cluster: Name | None = None
    errors: Literal["clustered", "robust", "classical"] = "clustered"
    estimators: list[Name] = []
    checks: list[Name] = []
    placebo_outcome: Name | None = None
    exposure: Name | None = None
    worthwhile: float = Field(gt=0, lt=1e12)
    better: Literal["higher", "lower"]
    level: float = Field(default=0.95, ge=0.5, le=0.999)
    draws: int = Field(default=999, ge=99, le=99_999)
    seed: int = Field(default=20260101, ge=0, le=2**32 - 1)

    @field_validator("question")
    @classmethod
    def _asks(cls, text: str) -> str:
        if not text.rstrip().endswith("?"):
            raise ValueError("a question ends with a question mark; add one")
        return text

    @field_validator("worthwhile", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("design", "estimators", "checks")
    @classmethod
    def _is_module(cls, value: Any, info: Any) -> Any:
        folder = "checks" if info.field_name == "checks" else "designs"
        known = modules(folder)
        for name in [value] if isinstance(value, str) else value:
            if name not in known:
                raise ValueError(f"unknown name {name!r}; {did_you_mean(name, known)}")
        return value

    @field_validator(
        "dataset",
        "outcome",
        "weight",
        "cluster",
        "covariates",
        "treatment",
        "dose",
        "eligible",
        "placebo_outcome",
        "exposure",
    )
    @classmethod
    def _plain_name(cls, value: Any) -> Any:
        for name in [value] if isinstance(value, str) else value or []:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a plain name (letters, digits, _ . and -)")
        return value

    @model_validator(mode="after")
    def _every_choice_counts(self) -> Self:
        """A choice that the design would ignore is refused: the reader would believe it was made.

        An adjustment, a family and a window may also be meant for one of the other estimators.
        """
        if self.adjustment != "doubly_robust" and not self.covariates:
            raise ValueError("adjustment has no effect without covariates; name some under `covariates`")
        used = options(self.design)
        others = set().union(*(options(name) for name in self.estimators)) & {"adjustment", "family", "window"}
        for name in sorted(CHOICES - used - others):
            if getattr(self, name) != type(self).model_fields[name].get_default():
                raise ValueError(
                    f"{name} has no effect under design {self.design}; remove it, or choose another design"
                )
        return self

    @classmethod
    def read(cls, values: Mapping[str, Any], file: str) -> Self:
        """The study that `values` describe. Raises Refusal for the first problem, naming `file` and field."""
        for name in values:
            if name not in cls.model_fields:
                raise unknown_parameter(file, name, cls.model_fields)
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise _refusal(error, file) from None

    @property
    def direction(self) -> int:
        """+1 where a higher outcome is better, -1 where a lower one is."""
        return 1 if self.better == "higher" else -1


def modules(folder: str) -> list[str]:
    """The names a parameter file may use for `folder`: one file, one name, no registry to edit."""
    return sorted(p.stem for p in (paths.SOURCE / folder).glob("*.py") if not p.stem.startswith("_"))


def options(design: str) -> set[str]:
    """The choices that `design` takes: its file's keyword arguments, and `average` where it declares AVERAGES.

    Read from the source, so that a parameter file can be checked without importing an estimator.
    """
    tree = ast.parse((paths.SOURCE / "designs" / f"{design}.py").read_text(encoding="utf-8"))
    taken = {
        a.arg for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "estimate" for a in n.args.kwonlyargs
    }
    named = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return taken | ({"average"} if "AVERAGES" in named else set())


def did_you_mean(name: str, known: Any) -> str:
    """A fix for a misspelt name: the nearest known one, or all of them."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(sorted(known))}"


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
