"""Choices of a randomised trial: which arms are compared, how they were assigned, and how uncertainty is read."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from analysis import study

Name = study.Name
ADJUSTS = "lin_adjusted"


class Study(study.Study):
    """Units (or clusters of them) that a chance mechanism gave to one arm or another.

    Rows without an outcome are kept aside, because who is missing is part of the question.
    """

    FAMILY: ClassVar[str] = "randomised_trial"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "rows"
    NUMBERS: ClassVar[tuple[str, ...]] = ("outcome", "weight", "received", "pre_outcome", "outcomes")
    ANYTHING: ClassVar[tuple[str, ...]] = ("cluster", "covariates", "treatment", "strata", "order", "assigned_by")
    CHOICES: ClassVar[frozenset[str]] = frozenset(
        {"pre_outcome", "strata", "strata_weights", "errors", "uncertainty", "planned"}
    )
    SHARED: ClassVar[frozenset[str]] = frozenset({"pre_outcome"})
    UNOBSERVED: ClassVar[bool] = True

    treatment: Name
    control_arm: str | int | None = None
    arm: str | int | None = None
    received: Name | None = None
    strata: Name | None = None
    strata_weights: Literal["precision", "size"] = "precision"
    pre_outcome: Name | None = None
    outcomes: list[Name] = Field(default=[])
    expected_share: float | list[float] | None = None
    order: Name | None = None
    planned: int | None = Field(default=None, ge=2, le=10**10)
    errors: Literal["robust", "classical", "clustered"] | None = None
    uncertainty: Literal["design", "permutation", "always_valid"] = "design"

    @property
    def assigned_by(self) -> str | None:
        """The level of assignment, carried along as a column too: rows without an outcome have clusters as well."""
        return self.cluster

    @property
    def before(self) -> list[str]:
        """The columns measured before the trial, without repeats."""
        return list(dict.fromkeys([*self.covariates, *([self.pre_outcome] if self.pre_outcome else [])]))

    @field_validator("expected_share")
    @classmethod
    def _shares(cls, value: float | list[float] | None) -> float | list[float] | None:
        entries = value if isinstance(value, list) else [] if value is None else [value]
        if any(not 0 < entry < 1 for entry in entries):
            raise ValueError("a share lies between 0 and 1; write 0.5 for one half")
        if isinstance(value, list) and abs(sum(value) - 1) > 1e-6:
            raise ValueError("the shares of all arms add up to one; list one for each arm, the control arm first")
        return value

    @model_validator(mode="after")
    def _covariates_are_used(self) -> Self:
        """Baseline columns sharpen an estimate or are compared between arms; a list that nothing reads is refused."""
        used = ADJUSTS in (self.design, *self.estimators) or "covariate_balance" in self.checks
        if self.covariates and not used:
            raise ValueError("covariates has no effect; add lin_adjusted to estimators, or covariate_balance to checks")
        return self

    @model_validator(mode="after")
    def _strata_are_weighted(self) -> Self:
        if self.strata_weights != "precision" and self.strata is None:
            raise ValueError("strata_weights has no effect without strata; name the column under `strata`")
        return self

    @model_validator(mode="after")
    def _looks_need_an_order(self) -> Self:
        if self.planned is not None and self.uncertainty != "always_valid" and self.order is None:
            raise ValueError("planned has no effect without order; name the column of the running order")
        return self
