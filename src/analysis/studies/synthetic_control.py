"""Choices of a synthetic control: what the comparison is fitted to, who may be in it, and how uncertainty is found."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from analysis import study

PREDICTOR = re.compile(r"(?P<column>[A-Za-z_][A-Za-z0-9_. -]{0,63}?)(@(?P<first>\d{1,6})(-(?P<last>\d{1,6}))?)?")


class Study(study.Study):
    """A policy that reached one unit or a few, compared with a weighted average of units that it did not reach.

    predictors: what the weighted average should share with the treated unit, each `column` (mean over all periods
    before), `column@1988`, or `column@1985-1993` (mean over these periods); none to fit the path of the outcome itself.
    optimise_weights: the importance of predictors is searched for, else it comes from a regression. solver: the exact
    optimum of the donors' weights, or the iterations of the R package synthdid, which stop short of it.
    """

    FAMILY: ClassVar[str] = "synthetic_control"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "panel"
    CHOICES: ClassVar[frozenset[str]] = frozenset(
        {
            "predictors",
            "fit_from",
            "solver",
            "exclude",
            "uncertainty",
            "covariates",
            "weight",
            "cluster",
        }
    )
    SHARED: ClassVar[frozenset[str]] = frozenset({"predictors", "solver"})
    SPARSE: ClassVar[bool] = True

    unbalanced: Literal["refuse", "drop_units"] = "refuse"
    predictors: list[str] = Field(default=[])
    fit_from: int | None = None
    optimise_weights: bool = True
    solver: Literal["exact", "frank_wolfe"] = "exact"
    exclude: list[str] = Field(default=[])
    uncertainty: Literal["placebo", "jackknife", "bootstrap", "conformal"] = "placebo"
    draws: int = Field(default=199, ge=99, le=99_999)

    @field_validator("predictors")
    @classmethod
    def _are_columns_at_periods(cls, value: list[str]) -> list[str]:
        for text in value:
            match = PREDICTOR.fullmatch(text)
            if not match:
                raise ValueError(f"{text!r} is no predictor; write column, column@1988 or column@1985-1993")
            if match["last"] and int(match["last"]) < int(match["first"]):
                raise ValueError(f"{text!r} ends before it begins; write the earlier period first")
        if len(set(value)) < len(value):
            raise ValueError("a predictor stands twice; write each one once")
        return value

    @field_validator("exclude")
    @classmethod
    def _are_named_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("a unit stands twice; name each one once")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.optimise_weights and not self.predictors:
            raise ValueError("optimise_weights has no effect without predictors; name some under `predictors`")
        searched = self.design == "synthetic_control" and bool(self.predictors)
        if self.uncertainty == "conformal" and (searched or self.design == "synthetic_did"):
            why = "predictors" if searched else "synthetic_did"
            raise ValueError(f"uncertainty conformal cannot be had with {why}; use `uncertainty: placebo`")
        return self

    def columns(self) -> list[tuple[str, str]]:
        """(field, column) for every column of the table that the study names; the outcome among its own predictors is
        there already."""
        named = [text.partition("@")[0] for text in self.predictors]
        carried = [("predictors", name) for name in dict.fromkeys(named) if name != self.outcome]
        return [*super().columns(), *carried]
