"""Choices of a panel with fixed effects: how much of a policy each unit has when, and what is held constant."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from analysis import study

Name = study.Name


class Study(study.Study):
    """A policy whose intensity varies between units and over time: a tax, a grant, a share covered.

    treatment: the column of the intensity. change: the change of it whose effect is reported. lags: how many earlier
    periods' intensities enter beside the present one; before: the intensity before the first period, None where it is
    not known (the first periods are then left out). effects: what is held constant.
    """

    FAMILY: ClassVar[str] = "panel_fixed_effects"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "rows"
    NUMBERS: ClassVar[tuple[str, ...]] = ("outcome", "weight", "treatment")
    CHOICES: ClassVar[frozenset[str]] = frozenset({"covariates", "change", "lags", "before", "effects", "errors"})
    PRECISION: ClassVar[bool] = False
    UNOBSERVED: ClassVar[bool] = True

    treatment: Name
    change: float = Field(default=1.0, gt=0, lt=1e12)
    lags: int = Field(default=0, ge=0, le=20)
    before: float | None = None
    effects: Literal["two_way", "entity", "time"] = "two_way"
    errors: Literal["clustered", "robust", "classical", "driscoll_kraay"] = "clustered"

    @model_validator(mode="after")
    def _roles_differ(self) -> Self:
        if self.treatment == self.outcome:
            raise ValueError("treatment is the outcome itself; name another column")
        if {self.treatment, self.outcome} & set(self.covariates):
            raise ValueError("covariates hold the treatment or the outcome; take it out")
        if len(set(self.covariates)) < len(self.covariates):
            raise ValueError("covariates name a column twice; name it once")
        return self

    @model_validator(mode="after")
    def _before_needs_lags(self) -> Self:
        if self.before is not None and not self.lags:
            raise ValueError("before has no effect without lags; remove it, or set `lags`")
        return self
