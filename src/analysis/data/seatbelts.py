"""Road casualties in Great Britain: months, logarithms, and what the rows' order alone says."""

from __future__ import annotations

import numpy as np
import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `month` (196901 for the first row, in order), and logarithms of casualties, distance and price."""
    place = np.arange(len(frame))
    named = {"drivers": "l_drivers", "front": "l_front", "rear": "l_rear", "kms": "l_kms", "PetrolPrice": "l_petrol"}
    logs = {new: np.log(frame[old]) for old, new in named.items()}
    return frame.assign(month=100 * (1969 + place // 12) + place % 12 + 1, **logs)
