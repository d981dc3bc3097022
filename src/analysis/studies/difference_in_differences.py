"""Choices of a difference in differences: who is compared, over which periods, and how effects are averaged."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from analysis import study

Name = study.Name


class Study(study.Study):
    """A policy that reached some units or groups at known dates, and others later or never."""

    FAMILY: ClassVar[str] = "difference_in_differences"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "panel"
    NUMBERS: ClassVar[tuple[str, ...]] = (
        "outcome",
        "weight",
        "treatment",
        "dose",
        "eligible",
        "placebo_outcome",
        "exposure",
        "covariates",
    )
    ANYTHING: ClassVar[tuple[str, ...]] = ("cluster",)
    CHOICES: ClassVar[frozenset[str]] = frozenset(
        {
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
    )
    SHARED: ClassVar[frozenset[str]] = frozenset({"adjustment", "family", "window"})

    unbalanced: Literal["refuse", "drop_units", "keep"] = "refuse"
    treatment: Name | None = None
    dose: Name | None = None
    eligible: Name | None = None
    comparison: Literal["never_treated", "not_yet_treated"] = "not_yet_treated"
    base_period: Literal["varying", "universal"] = "universal"
    anticipation: int = Field(default=0, ge=0, le=20)
    average: Literal["simple", "event_time", "cohort", "period"] = "simple"
    adjustment: Literal["doubly_robust", "regression", "weighting"] = "doubly_robust"
    family: Literal["linear", "poisson"] = "linear"
    window: int | None = Field(default=None, ge=1, le=100)
    errors: Literal["clustered", "robust", "classical"] = "clustered"
    placebo_outcome: Name | None = None
    exposure: Name | None = None

    @model_validator(mode="after")
    def _adjusts_for_something(self) -> Self:
        if self.adjustment != "doubly_robust" and not self.covariates:
            raise ValueError("adjustment has no effect without covariates; name some under `covariates`")
        return self
