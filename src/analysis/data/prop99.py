"""Cigarette sales by state: California's tobacco programme and the year it began."""

from __future__ import annotations

import pandas as pd

TAX = 1989


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `first_treated`: 1989 for California, missing for all other states."""
    return frame.assign(first_treated=pd.Series(float(TAX), index=frame.index).where(frame["state"] == "California"))
