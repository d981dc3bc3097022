"""Job training beside a survey: which rows are the trial's controls, and who had no earnings before."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `randomised_control`, `no_earnings_74` and `no_earnings_75` as 0 and 1."""
    trial = frame["data_id"] == "Dehejia-Wahba Sample"
    return frame.assign(
        randomised_control=(trial & (frame["treat"] == 0)).astype("int64"),
        no_earnings_74=(frame["re74"] == 0).astype("int64"),
        no_earnings_75=(frame["re75"] == 0).astype("int64"),
    )
