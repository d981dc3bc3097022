"""Choices of an instrumental-variable study: what moves the treatment from outside, and why it moves nothing else."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from analysis import study

Name = study.Name


class Study(study.Study):
    """A treatment that people chose, and instruments that moved it for reasons of their own.

    change: the size of the change in the treatment whose effect is reported, in the treatment's unit.
    """

    FAMILY: ClassVar[str] = "instrumental_variable"
    SHAPE: ClassVar[Literal["panel", "rows"]] = "rows"
    NUMBERS: ClassVar[tuple[str, ...]] = ("outcome", "weight", "treatment")
    ANYTHING: ClassVar[tuple[str, ...]] = ("cluster", "instruments", "covariates", "absorb")
    CHOICES: ClassVar[frozenset[str]] = frozenset({"covariates", "absorb", "errors"})
    PRECISION: ClassVar[bool] = False

    treatment: Name
    instruments: list[Name]
    exclusion: str
    monotonicity: str
    change: float = 1.0
    absorb: list[Name] = Field(default=[])
    errors: Literal["clustered", "robust", "classical"] = "robust"

    @field_validator("instruments")
    @classmethod
    def _named(cls, names: list[str]) -> list[str]:
        if not names:
            raise ValueError("no instrument is named; name at least one column")
        if len(set(names)) < len(names):
            raise ValueError("an instrument is named twice; name each once")
        return names

    @field_validator("exclusion")
    @classmethod
    def _reason(cls, text: str) -> str:
        if len(text.split()) < 3:
            raise ValueError(
                "no reason why the instruments move the outcome through the treatment alone; write it in a sentence"
            )
        return text

    @field_validator("monotonicity")
    @classmethod
    def _direction(cls, text: str) -> str:
        if len(text.split()) < 3:
            raise ValueError("no reason why the instruments push nobody the other way; write it in a sentence")
        return text

    @field_validator("change")
    @classmethod
    def _some(cls, change: float) -> float:
        if change == 0 or not math.isfinite(change):
            raise ValueError("a change of this size has no effect to report; write a number other than 0")
        return change

    @model_validator(mode="after")
    def _one_part_each(self) -> Self:
        """Outcome, treatment, instruments and what is held constant are different columns."""
        parts = {"outcome": [self.outcome], "treatment": [self.treatment], "instruments": self.instruments}
        parts |= {"covariates": self.covariates, "absorb": self.absorb}
        seen: dict[str, str] = {}
        for part, names in parts.items():
            for name in names:
                if seen.setdefault(name, part) != part:
                    raise ValueError(f"{part} names {name}, which is also under {seen[name]}; give it one part")
        return self
