"""The thresholds of the gate, read from `rules.yml`: a preset is one set of them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from analysis import paths, strict_yaml
from analysis.refusal import Refusal
from analysis.study import did_you_mean

FILE = Path(__file__).with_name("rules.yml")
T = TypeVar("T")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Threshold(_Strict, Generic[T]):
    """One threshold and, in words, where it comes from."""

    value: T
    source: str = Field(min_length=10)


class _Preset(_Strict):
    about: str = Field(min_length=10)
    smallest_count: Threshold[int]
    round_to: Threshold[int | None]
    dominance_units: Threshold[int]
    dominance_share: Threshold[float]
    p_ratio: Threshold[float]
    residual_df: Threshold[int]
    zeros: Threshold[bool]
    means_need_counts: Threshold[bool]


class Rules(_Strict):
    """The thresholds of one preset.

    A count from 1 to `smallest_count` - 1 is small. `round_to`: base that other counts are rounded to, None for exact
    ones. `dominance_units`, `dominance_share`: n and k of the (n,k) rule. `p_ratio`: least (total - two largest) /
    largest. `residual_df`: least residual degrees of freedom. `zeros`: cells of none or all are reported.
    `means_need_counts`: means without counts beside them are reported.
    """

    preset: str = "own"
    smallest_count: int = Field(ge=2, le=1000)
    round_to: int | None = Field(default=None, ge=2, le=1000)
    dominance_units: int = Field(default=2, ge=1, le=2)
    dominance_share: float = Field(default=0.9, gt=0, le=1)
    p_ratio: float = Field(default=0.1, ge=0, lt=1)
    residual_df: int = Field(default=10, ge=1)
    zeros: bool = True
    means_need_counts: bool = True

    @property
    def largest_hidden(self) -> int:
        """The largest count that is small. A reader of "fewer than 10" knows that it lies between 1 and this."""
        return self.smallest_count - 1

    @property
    def masked(self) -> str:
        """What a message says in place of a small count: messages leave the laboratory too."""
        return f"a count below {self.smallest_count}"

    def small(self, count: float) -> bool:
        """Whether `count` units are too few to be shown."""
        return 0 < count < self.smallest_count


class _File(_Strict):
    default: str
    presets: dict[str, _Preset] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_default(self) -> _File:
        if self.default not in self.presets:
            raise ValueError(f"default: no preset {self.default!r}")
        return self


@functools.cache
def _read() -> _File:
    shown = paths.shown(FILE)
    try:
        return _File.model_validate(strict_yaml.read(FILE, shown))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refusal("R302", f"{shown}:{place}", first["msg"], "correct the line") from None


def presets() -> list[str]:
    """The names of the presets."""
    return list(_read().presets)


def default() -> str:
    """The preset that is used when none is named."""
    return _read().default


def load(preset: str) -> Rules:
    """The thresholds of `preset`. Raises Refusal R302 for an unknown name or a faulty file."""
    known = _read().presets
    if preset not in known:
        raise Refusal("R302", f"PRESET={preset}", f"no preset {preset!r}", did_you_mean(preset, known))
    values = {name: getattr(known[preset], name).value for name in _Preset.model_fields if name != "about"}
    return Rules(preset=preset, **values)


def sources(preset: str) -> dict[str, str]:
    """Threshold name -> its source in words."""
    return {name: getattr(_read().presets[preset], name).source for name in _Preset.model_fields if name != "about"}
