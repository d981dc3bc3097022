"""Job training, the larger sample: the change in earnings."""

from __future__ import annotations

import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `growth`: earnings in 1978 less those in 1975."""
    return frame.assign(growth=frame["re78"] - frame["re75"])
