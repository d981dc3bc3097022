"""Choices of an interrupted time series: when the policy started, what shape its effect has, and how errors behave."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from analysis import study

Name = study.Name
EVENT = re.compile(r"-?\d+(\.\d+)? \S.*")


class Study(study.Study):
    """A policy that reached one series (a state, a country, a service) at one date, with periods before and after."""

    FAMILY: ClassVar[str] = "interrupted_time_series"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "rows"
    NUMBERS: ClassVar[tuple[str, ...]] = ("outcome", "weight", "exposure", "control_series")
    ANYTHING: ClassVar[tuple[str, ...]] = ("cluster", "covariates")
    CHOICES: ClassVar[frozenset[str]] = frozenset(
        {
            "covariates",
            "weight",
            "cluster",
            "lag",
            "season",
            "other_events",
            "family",
            "exposure",
            "errors",
            "lags",
            "order",
            "drift",
        }
    )
    SHARED: ClassVar[frozenset[str]] = frozenset({"errors", "lags", "order", "drift"})
    PRECISION: ClassVar[bool] = False

    start: float
    end: float | None = None
    impact: Literal["step", "ramp", "both"] = "step"
    lag: int = Field(default=0, ge=0, le=100)
    season: int | None = Field(default=None, ge=0, le=366)
    seasonality: Literal["dummies", "harmonics"] = "dummies"
    harmonics: int = Field(default=2, ge=1, le=20)
    other_events: list[str] = Field(default=[])
    control_series: list[Name] = Field(default=[])
    family: Literal["linear", "poisson", "negative_binomial"] = "linear"
    exposure: Name | None = None
    errors: Literal["classical", "newey_west"] = "newey_west"
    lags: int | None = Field(default=None, ge=0, le=366)
    order: list[int] = Field(default=[])
    drift: bool = False

    @field_validator("other_events")
    @classmethod
    def _dated(cls, value: list[str]) -> list[str]:
        for event in value:
            if not EVENT.fullmatch(event):
                raise ValueError(f"{event!r} has no date; write the first period, a space and the name: '198705 ...'")
        return value

    @field_validator("order")
    @classmethod
    def _two_numbers(cls, value: list[int]) -> list[int]:
        if value and (len(value) != 2 or min(value) < 0 or max(value) > 3):
            raise ValueError("order needs two numbers between 0 and 3: [1, 0] is first-order autoregression")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("end lies before start; exchange them")
        if self.season == 1:
            raise ValueError("season is the number of periods in a cycle; write 0 for none, 12 for months")
        if self.seasonality == "harmonics" and self.season == 0:
            raise ValueError("seasonality has no effect without season; set `season: 12` for months")
        if self.harmonics != 2 and self.seasonality == "dummies":
            raise ValueError("harmonics has no effect under seasonal dummies; set `seasonality: harmonics`")
        if self.exposure is not None and self.family == "linear":
            raise ValueError("exposure is for counts; set `family: poisson`, or divide the outcome by it")
        if self.lags is not None and self.errors == "classical":
            raise ValueError("lags has no effect under classical errors; remove it")
        if self.design == "controlled_series" and not self.control_series:
            raise ValueError("control_series is empty; name the columns that the policy cannot touch")
        return self
