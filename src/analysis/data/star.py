"""Class size: scores of reading and mathematics together, and the pupil's background without gaps."""

from __future__ import annotations

import pandas as pd

GRADES = ("k", "1", "2", "3")
KINDS = {"small": "small class", "regular": "regular class", "regular+aide": "regular class with an aide"}


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `scorek` to `score3`, `lunch`, `background`, `in_kindergarten` and `class_kind`.

    A score is missing where reading or mathematics is. What is not recorded of a pupil is a category of its own, so
    that no pupil is lost for want of it.
    """
    scores = {f"score{grade}": frame[f"read{grade}"] + frame[f"math{grade}"] for grade in GRADES}
    white_or_asian = frame["ethnicity"].isin(["cauc", "asian"])
    words = {True: "Asian or white", False: "other or not recorded"}
    kinds = {"class_kind": frame["stark"].map(KINDS)}
    present = {"in_kindergarten": frame["stark"].notna().astype("int64")}
    return frame.assign(
        **scores, lunch=frame["lunchk"].fillna("not recorded"), background=white_or_asian.map(words), **present, **kinds
    )
