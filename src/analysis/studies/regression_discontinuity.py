"""Choices of a regression discontinuity: score, cut-off, treated side, and how near the cut-off rows must lie."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from analysis import study

Name = study.Name


class Study(study.Study):
    """A policy that went to those on one side of a cut-off in a score.

    A row exactly at the cut-off counts as above it. `placebo_columns` hold what was settled before the policy; GAPS
    names the fields whose columns may have missing values without a row being dropped for it.
    """

    FAMILY: ClassVar[str] = "regression_discontinuity"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "rows"
    NUMBERS: ClassVar[tuple[str, ...]] = ("outcome", "weight", "running", "treatment", "placebo_columns")
    ANYTHING: ClassVar[tuple[str, ...]] = ("cluster", "covariates")
    GAPS: ClassVar[tuple[str, ...]] = ("placebo_columns",)
    FURTHER: ClassVar[tuple[str, ...]] = ("density_dataset",)
    CHOICES: ClassVar[frozenset[str]] = frozenset({"treatment", "covariates"})
    SHARED: ClassVar[frozenset[str]] = frozenset({"treatment"})
    OWN: ClassVar[tuple[str, ...]] = (
        "bandwidth",
        "bandwidth_rule",
        "kernel",
        "order",
        "window",
        "polynomial",
        "slopes",
        "errors",
    )

    running: Name
    cutoff: float
    treated_side: Literal["above", "below"]
    treatment: Name | None = None
    bandwidth: float | None = Field(default=None, gt=0)
    bandwidth_rule: Literal[
        "mserd",
        "msetwo",
        "msesum",
        "msecomb1",
        "msecomb2",
        "cerrd",
        "certwo",
        "cersum",
        "cercomb1",
        "cercomb2",
    ] = "mserd"
    kernel: Literal["triangular", "epanechnikov", "uniform"] = "triangular"
    order: int = Field(default=1, ge=1, le=2)
    donut: float = Field(default=0.0, ge=0)
    window: float | None = Field(default=None, gt=0)
    polynomial: int = Field(default=1, ge=0, le=4)
    slopes: Literal["separate", "common"] = "separate"
    errors: Literal["robust", "classical"] = "robust"
    placebo_columns: list[Name] = Field(default=[])
    density_dataset: Name | None = None

    @field_validator("density_dataset")
    @classmethod
    def _a_folder(cls, name: str | None) -> str | None:
        if name is not None and not study.NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a plain name; write the name of a folder of data/raw")
        return name

    @model_validator(mode="after")
    def _every_own_choice_counts(self) -> Self:
        """A choice of one design is refused where neither the answer nor another estimator shown is of that design."""
        used = set().union(*(study.options(name) for name in (self.design, *self.estimators)))
        for name in self.OWN:
            if name not in used and getattr(self, name) != type(self).model_fields[name].get_default():
                raise ValueError(f"{name} has no effect under design {self.design}; remove it, or list another design")
        return self

    @model_validator(mode="after")
    def _width_or_rule(self) -> Self:
        if self.bandwidth is not None and self.bandwidth_rule != "mserd":
            raise ValueError("bandwidth_rule has no effect when `bandwidth` is set; remove one of them")
        return self

    @model_validator(mode="after")
    def _one_kind_of_errors(self) -> Self:
        if self.errors == "classical" and self.cluster is not None:
            raise ValueError("errors are clustered when `cluster` is set; remove `errors`, or the cluster")
        return self

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        if self.running in (self.outcome, self.treatment, *self.covariates, *self.placebo_columns):
            raise ValueError("running is named in another role; name another column there")
        if {self.outcome, self.treatment} & {*self.covariates, *self.placebo_columns}:
            raise ValueError("covariates or placebo_columns hold the outcome or the treatment; remove it there")
        return self
