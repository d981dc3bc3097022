"""Young men of the National Longitudinal Survey: the region as one column instead of nine."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `region66`: the number of the region in which a man lived in 1966."""
    return frame.assign(region66=sum(k * frame[f"reg66{k}"] for k in range(1, 10)))
