"""Smokers of 1971: the codebook's words for what the file stores as numbers."""

from __future__ import annotations

import pandas as pd

SCHOOLING = {1: "8th grade or less", 2: "left high school", 3: "high school", 4: "left college", 5: "college or more"}
EXERCISE = {1: "much", 2: "moderate", 3: "little or none"}
ACTIVITY = {1: "very active", 2: "moderately active", 3: "inactive"}


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `woman` and `black_or_other` as 0 and 1, and education, exercise and activity in words,
    and ht under the name `height`."""
    return frame.assign(
        woman=(frame["sex"] == 2).astype("int64"),
        black_or_other=(frame["race"] == 2).astype("int64"),
        schooling=frame["education"].map(SCHOOLING),
        leisure_exercise=frame["exercise"].map(EXERCISE),
        daily_activity=frame["active"].map(ACTIVITY),
        height=frame["ht"],
    )
