"""Choices of an observational comparison: who was treated, what the groups are made alike in, and for whom."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from analysis import study

Name = study.Name
MEANT_FOR = {
    "modifiers": ("outcome_regression",),
    "neighbours": ("matching",),
    "calliper": ("matching",),
    "distance": ("matching",),
    "bias_adjusted": ("matching",),
    "known_weights": ("inverse_probability", "entropy_balancing", "augmented_weighting"),
}


class Study(study.Study):
    """A policy that some people, firms or places took up and others did not, and what is known of them before."""

    FAMILY: ClassVar[str] = "weighting"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "rows"
    NUMBERS: ClassVar[tuple[str, ...]] = ("outcome", "weight", "treatment", "squares", "negative_outcome")
    ANYTHING: ClassVar[tuple[str, ...]] = ("cluster", "covariates", "modifiers")
    CHOICES: ClassVar[frozenset[str]] = frozenset({"covariates", "squares", "estimand", "trim"})
    PRECISION: ClassVar[bool] = False

    treatment: Name
    squares: list[Name] = Field(default=[])
    estimand: Literal["treated", "everyone"] = "treated"
    trim: float = Field(default=0.0, ge=0.0, lt=0.5)
    modifiers: list[Name] | None = None
    neighbours: int = Field(default=1, ge=1, le=50)
    calliper: float | None = Field(default=None, gt=0)
    distance: Literal["mahalanobis", "propensity"] = "mahalanobis"
    bias_adjusted: bool = True
    known_weights: bool = False
    negative_outcome: Name | None = None

    @model_validator(mode="after")
    def _adjusts_for_something(self) -> Self:
        if not self.covariates and self.design != "unadjusted":
            raise ValueError("covariates are missing; name what the groups are to be made alike in")
        for field in ("squares", "modifiers"):
            stray = [name for name in getattr(self, field) or [] if name not in self.covariates]
            if stray:
                raise ValueError(f"{field} names {stray[0]!r}, which is no covariate; list it under `covariates` too")
        return self

    @model_validator(mode="after")
    def _every_choice_has_its_design(self) -> Self:
        for field, designs in MEANT_FOR.items():
            chosen = getattr(self, field) != type(self).model_fields[field].get_default()
            if chosen and not set(designs) & {self.design, *self.estimators}:
                named = " or ".join(designs)
                raise ValueError(f"{field} has no effect without {named}; remove it, or list {named} as an estimator")
        return self

    @model_validator(mode="after")
    def _nothing_stands_on_both_sides(self) -> Self:
        if self.outcome in self.covariates:
            raise ValueError(f"covariates hold the outcome {self.outcome!r}; take it out")
        if self.treatment in (self.outcome, *self.covariates, self.negative_outcome):
            raise ValueError("treatment is named in another part as well; name another column there")
        if self.negative_outcome == self.outcome:
            raise ValueError("negative_outcome is the outcome itself; name one that treatment cannot have moved")
        return self
