"""California traffic accidents: the month of each row, which the table holds in pieces."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `month`, 198101 for January 1981; the rows are numbered by month from 1 in t."""
    return frame.assign(month=100 * frame["year"] + (frame["t"] - 1) % 12 + 1)
