"""Cigarette sales and taxes: real prices in logarithms, and their changes over the ten years between the two rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

CHANGES = {
    "dpacks": "lpacks",
    "dprice": "lprice",
    "dincome": "lincome",
    "dsalestax": "salestax",
    "dcigtax": "cigtax",
}


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with real logarithms and taxes, and their ten-year changes in the later row of each state."""
    real = frame.assign(
        lpacks=np.log(frame["packs"]),
        lprice=np.log(frame["price"] / frame["cpi"]),
        lincome=np.log(frame["income"] / frame["population"] / frame["cpi"]),
        salestax=(frame["taxs"] - frame["tax"]) / frame["cpi"],
        cigtax=frame["tax"] / frame["cpi"],
    )
    later = real["year"].map({1985: 1995})
    before = real.assign(year=later).dropna(subset=["year"]).set_index(["state", "year"])[list(CHANGES.values())]
    matched = before.reindex(pd.MultiIndex.from_frame(real[["state", "year"]]))
    return real.assign(**{name: real[level] - matched[level].to_numpy() for name, level in CHANGES.items()})
