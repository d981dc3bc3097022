"""Resume audit: the call-back as a number, the name in words, and the place in the file."""

from __future__ import annotations

import numpy as np
import pandas as pd

NAMES = {"afam": "Black-sounding name", "cauc": "White-sounding name"}


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `name_group` (words for ethnicity), `called` (0, 1) and `position` (from 1, in the file's order)."""
    return frame.assign(
        name_group=frame["ethnicity"].map(NAMES),
        called=(frame["call"] == "yes").astype("int64"),
        position=np.arange(1, len(frame) + 1),
    )
