"""Enterprise zones: the year in which a city got its zone, which the table holds only as an indicator by year."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `first_treated`: the first year with `ez` equal to 1, missing for cities without a zone."""
    first = frame["year"].where(frame["ez"] == 1).groupby(frame["city"]).transform("min")
    return frame.assign(first_treated=first)
