"""Home ownership of veterans: the quarter of birth as a category."""

from __future__ import annotations

import pandas as pd

WORDS = {1: "first", 2: "second", 3: "third", 4: "fourth"}


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `quarter`: the words for `qob`, which as a number would enter as a line."""
    return frame.assign(quarter=frame["qob"].map(WORDS))
