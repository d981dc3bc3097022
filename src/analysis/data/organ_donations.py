"""Organ donor registration: quarters in the order of time, and the state that changed its form."""

from __future__ import annotations

import pandas as pd

QUARTERS = {"Q42010": 1, "Q12011": 2, "Q22011": 3, "Q32011": 4, "Q42011": 5, "Q12012": 6}
ACTIVE_CHOICE = QUARTERS["Q32011"]


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with `Quarter_Num` (1 to 6) and `first_treated` (4 for California, missing for all other states)."""
    changed = frame["State"] == "California"
    return frame.assign(
        Quarter_Num=frame["Quarter"].map(QUARTERS).astype("int64"),
        first_treated=pd.Series(float(ACTIVE_CHOICE), index=frame.index).where(changed),
    )
