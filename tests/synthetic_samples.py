"""The panels that the tests of the synthetic control family share."""

from __future__ import annotations

import functools

import numpy as np
import samples

from analysis.data import table
from analysis.data.panels import panel_from_frame
from analysis.designs._synthetic_panel import book
from analysis.inference.synthetic import Problem
from analysis.panel import NEVER, Labels, Panel

TEXAS = (
    "income@1985-1993", "ur@1985-1993", "poverty@1985-1993", "bmprison@1988", "bmprison@1990", "bmprison@1991",
    "bmprison@1992", "alcohol@1990", "aidscapita@1990", "aidscapita@1991", "black@1990", "black@1991", "black@1992",
    "perc1519@1990",
)  # fmt: skip


@functools.cache
def prop99() -> Panel:
    return panel_from_frame(table.load("prop99"), Labels("packs", "Year", "state", "first_treated", public=True))


@functools.cache
def texas() -> Panel:
    columns = ["income", "ur", "poverty", "alcohol", "aidscapita", "black", "perc1519"]
    labels = Labels("bmprison", "year", "state", "first_treated", public=True)
    return panel_from_frame(table.load("texas"), labels, covariates=columns, sparse=True)


@functools.cache
def counties(year: int) -> Panel:
    """The minimum-wage panel with the adopters of one year and those that never adopt."""
    panel = samples.mpdta()
    place = int(np.flatnonzero(panel.periods == year)[0])
    return panel.only((panel.adoption == NEVER) | (panel.adoption == place), "another date")


def simple(outcome: np.ndarray, adoption: list[int], **covariates: np.ndarray) -> Panel:
    """A panel of units a, b, ... observed from 2001 on."""
    n, t = outcome.shape
    return Panel(
        outcome=np.asarray(outcome, dtype=float),
        units=np.array([chr(97 + i) for i in range(n)], dtype=object),
        periods=np.arange(2001, 2001 + t),
        adoption=np.array(adoption),
        weight=np.ones(n),
        cluster=np.arange(n),
        labels=Labels("y", "year", "unit", "first_treated", public=True),
        upcoming=np.zeros(n, dtype=int),
        covariates=covariates,
    )


def problem(panel: Panel) -> Problem:
    """The problem of the first adoption date."""
    return book(panel, name="synthetic_did", fit_from=None, exclude=()).setting.problem(0)
