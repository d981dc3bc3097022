"""Workers' compensation: periods and the group that the higher cap concerns, in the words of a staggered design."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `time` (0 before, 1 after the rise) and `first_treated` (1 for high earners, else missing)."""
    first = pd.Series(1.0, index=frame.index).where(frame["highearn"] == 1)
    return frame.assign(time=frame["afchnge"], first_treated=first)
