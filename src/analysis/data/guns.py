"""Shall-issue laws: the law as a number and the logarithm of violent crime."""

from __future__ import annotations

import numpy as np
import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `shall` (1 where the law is in effect) and `lviolent`."""
    return frame.assign(shall=(frame["law"] == "yes").astype(int), lviolent=np.log(frame["violent"]))
