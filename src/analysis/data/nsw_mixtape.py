"""Job training: having earned anything, from earnings."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `employed`: 1 where earnings in 1978 are above zero."""
    return frame.assign(employed=(frame["re78"] > 0).astype("int64"))
