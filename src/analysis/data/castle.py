"""Castle-doctrine laws: the year of adoption, which this copy of the table does not hold."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `first_treated`: the year the law took effect, missing for states that never adopted.

    The copy codes `post` one year late, so adoption is the first year with post equal to 1, minus one.
    """
    late = frame["year"].where(frame["post"] == 1).groupby(frame["sid"]).transform("min")
    return frame.assign(first_treated=late - 1)
