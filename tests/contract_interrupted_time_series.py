"""The contract cases of interrupted time series."""

from __future__ import annotations

import functools

from contract import Case

from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.panel import Labels
from analysis.rows import Rows

COLUMNS = ("wkends", "unem", "prcnfat", "lntotacc", "totacc", "fatacc", "ltotacc")


@functools.cache
def traffic(outcome: str = "prcfat") -> Rows:
    columns = [name for name in COLUMNS if name != outcome]
    return rows_from_frame(table.load("traffic2"), Labels(outcome, "month"), columns=columns)


@functools.cache
def belts(outcome: str = "l_drivers") -> Rows:
    columns = [name for name in ("l_petrol", "l_rear", "kms") if name != outcome]
    return rows_from_frame(table.load("seatbelts"), Labels(outcome, "month"), columns=columns)


def fatal() -> Rows:
    return traffic("fatacc")


LAW = {"start": 198601, "season": 12, "covariates": ["wkends", "unem"], "dataset": "traffic2"}
MOVES = {"dates": ("start",)}

CASES: list[Case] = [
    Case("segmented_regression", traffic, LAW, **MOVES),
    Case("segmented_regression", traffic, LAW | {"impact": "both", "errors": "classical", "lag": 2}, **MOVES),
    Case(
        "segmented_regression",
        fatal,
        LAW | {"family": "poisson", "exposure": "totacc"},
        shift=None,
        scales=(2.0, 1e-3),
        **MOVES,
    ),
    Case("segmented_regression", fatal, LAW | {"family": "negative_binomial"}, shift=None, scales=(), **MOVES),
    Case("prais_winsten", traffic, LAW | {"impact": "ramp"}, **MOVES),
    Case("autoregressive_errors", traffic, LAW, **MOVES, rtol=1e-5),
    Case("arma_errors", traffic, LAW | {"order": [1, 1]}, **MOVES, rtol=1e-4),
    Case("structural_series", traffic, LAW | {"drift": True}, **MOVES, rtol=1e-5),
    Case("controlled_series", traffic, LAW | {"control_series": ["prcnfat"]}, scales=(), **MOVES, rtol=1e-5),
]
