"""Incinerator siting: which sales the decision concerns, in the words of a staggered design."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `first_treated`: 1981 for houses near the site, missing for the others."""
    return frame.assign(first_treated=pd.Series(1981.0, index=frame.index).where(frame["nearinc"] == 1))
