"""Seat belts: the logarithm of income."""

from __future__ import annotations

import numpy as np
import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `lincome`."""
    return frame.assign(lincome=np.log(frame["income"]))
