"""Traffic deaths: rates per head, the drinking age in whole years, and penalties, which the table holds in parts."""

from __future__ import annotations

import numpy as np
import pandas as pd


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with death rates per 10,000 residents, drinking age rounded down, jail or service, and logs."""
    either = (frame["jail"] == "yes") | (frame["service"] == "yes")
    known = frame["jail"].notna() & frame["service"].notna()
    return frame.assign(
        frate=frame["fatal"] / frame["pop"] * 10_000,
        night_rate=frame["nfatal"] / frame["pop"] * 10_000,
        drinkage_law=np.floor(frame["drinkage"]).astype(int).astype(str),
        punish=either.astype(float).where(known),
        miles_thousand=frame["miles"] / 1_000,
        lincome=np.log(frame["income"]),
    )
