"""The real datasets in their roles, as tests use them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from analysis.data import table
from analysis.data.panels import panel_from_frame
from analysis.data.samples import sample_from_frame
from analysis.panel import NEVER, Labels, Panel, Sample

KIELMC = ["age", "agesq", "intst", "land", "area", "rooms", "baths"]


@functools.cache
def mpdta(weight: str = "", cluster: str = "") -> Panel:
    frame = table.load("mpdta")
    frame["size"] = np.exp(frame["lpop"])
    labels = Labels("lemp", "year", "countyreal", "first.treat", weight, cluster, public=True)
    return panel_from_frame(frame, labels, covariates=["lpop"])


@functools.cache
def castle(weight: str = "") -> Panel:
    return panel_from_frame(
        table.load("castle"), Labels("l_homicide", "year", "sid", "first_treated", weight, public=True)
    )


@functools.cache
def ehec() -> Panel:
    return panel_from_frame(table.load("ehec_data"), Labels("dins", "year", "stfips", "yexp2", public=True))


@functools.cache
def organ() -> Panel:
    frame = table.load("organ_donations")
    return panel_from_frame(frame, Labels("Rate", "Quarter_Num", "State", "first_treated", public=True))


@functools.cache
def kielmc(outcome: str = "rprice", covariates: tuple[str, ...] = ()) -> Sample:
    labels = Labels(outcome, "year", "", "first_treated")
    return sample_from_frame(table.load("kielmc"), labels, covariates=list(covariates))


@functools.cache
def injury(state: str = "ky") -> Sample:
    frame = table.load("injury")
    return sample_from_frame(frame[frame[state] == 1], Labels("ldurat", "time", "", "first_treated"))


def long(panel: Panel) -> pd.DataFrame:
    """The panel as a long table: unit, time, outcome, first_treated (missing = never), weight, covariates."""
    n, t = panel.outcome.shape
    dates = np.where(panel.adoption == NEVER, np.nan, panel.periods[panel.adoption].astype(float))
    columns: dict[str, Any] = {
        panel.labels.unit: np.repeat(panel.units, t),
        panel.labels.time: np.tile(panel.periods, n),
        panel.labels.outcome: panel.outcome.ravel(),
        "first_treated": np.repeat(dates, t),
        "weight": np.repeat(panel.weight, t),
        "cluster": np.repeat(panel.cluster, t),
    }
    return pd.DataFrame(columns | {name: values.ravel() for name, values in panel.covariates.items()})
