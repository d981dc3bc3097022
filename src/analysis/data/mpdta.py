"""County employment: the state of each county, because states set minimum wages."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `state`: the county's FIPS code without its last three digits."""
    return frame.assign(state=frame["countyreal"] // 1000)
