"""Prison building in Texas: the first year after the years to which the comparison is fitted."""

from __future__ import annotations

import pandas as pd

BUILT = 1994


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `first_treated`: 1994 for Texas, missing for all other states."""
    return frame.assign(first_treated=pd.Series(float(BUILT), index=frame.index).where(frame["state"] == "Texas"))
