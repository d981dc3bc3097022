"""What the checks of an interrupted series share."""

from __future__ import annotations

from functools import partial
from typing import Any

from analysis.fits.interrupted_time_series import Interrupted
from analysis.result import AnyData, Effects
from analysis.rows import Rows

ALPHA = 0.05


def answer_of(effects: Effects) -> Interrupted:
    """The effects as those of an interrupted series."""
    assert isinstance(effects, Interrupted)
    return effects


def rows_of(data: AnyData) -> Rows:
    """The data as rows."""
    assert isinstance(data, Rows)
    return data


def choices(effects: Effects) -> dict[str, Any]:
    """The choices behind `effects` that can be changed in a refit."""
    assert isinstance(effects.refit, partial)
    return dict(effects.refit.keywords)


def changed(effects: Effects, data: Rows, **new: Any) -> Interrupted:
    """`effects` estimated on `data` with some choices changed. Raises Refusal as the design does."""
    assert isinstance(effects.refit, partial)
    return answer_of(effects.refit(data, **new))


def whole(x: float) -> str:
    """A share in per cent."""
    return f"{100 * x:.0f}\u202f%"


def number(effects: Effects) -> float:
    """The average effect."""
    return float(effects.averaged_over().estimate[0])


def error(effects: Effects) -> float:
    """Its standard error."""
    return float(effects.averaged_over().table["std_error"].iloc[0])
