"""pyfixest, and linearmodels for the two-way regression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from benchmarks.numbers import Table, by_time

if TYPE_CHECKING:
    import pandas as pd

LEAN: dict[str, Any] = {"vcov": {"CRV1": "unit"}, "copy_data": False, "store_data": False, "lean": True}
ROLES = {"yname": "y", "idname": "unit", "tname": "period", "gname": "first_treated_zero"}


def event_study(frame: pd.DataFrame) -> Table:
    """The regression on dummies of event time, unit and period effects, errors clustered by unit."""
    import pyfixest

    return _times(pyfixest.feols("y ~ i(event_time, ref=-1) | unit + period", frame, **LEAN).tidy())


def two_way_fixed_effects(frame: pd.DataFrame) -> Table:
    """The regression on the treatment."""
    import pyfixest

    tidy = pyfixest.feols("y ~ treated | unit + period", frame, **LEAN).tidy()
    return {"average": (float(tidy["Estimate"].iloc[0]), float(tidy["Std. Error"].iloc[0]))}


def linearmodels(frame: pd.DataFrame) -> Table:
    """linearmodels' PanelOLS with the options that give the usual clustered error."""
    from linearmodels.panel import PanelOLS

    long = frame.set_index(["unit", "period"])
    fit = PanelOLS(long["y"], long[["treated"]], entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, auto_df=False, count_effects=False, group_debias=True
    )
    return {"average": (float(fit.params.iloc[0]), float(fit.std_errors.iloc[0]))}


def sun_abraham(frame: pd.DataFrame) -> Table:
    """The saturated event study and its aggregation."""
    import pyfixest

    rows = pyfixest.event_study(frame, estimator="saturated", cluster="unit", **ROLES).aggregate()
    return by_time(rows.index.astype(float), rows["Estimate"], rows["Std. Error"])


def two_stage(frame: pd.DataFrame) -> Table:
    """Gardner's did2s, the average effect."""
    import pyfixest

    fit = pyfixest.did2s(
        frame,
        yname="y",
        first_stage="~ 0 | unit + period",
        second_stage="~ i(treated, ref=0)",
        treatment="treated",
        cluster="unit",
    )
    tidy = fit.tidy()
    return {"average": (float(tidy["Estimate"].iloc[0]), float(tidy["Std. Error"].iloc[0]))}


def local_projection(frame: pd.DataFrame) -> Table:
    """lpdid, five periods before and after."""
    import pyfixest

    return _times(pyfixest.lpdid(frame, pre_window=-5, post_window=5, att=False, **ROLES).tidy())


def _times(tidy: pd.DataFrame) -> Table:
    times = [int(float(re.search(r"(-?\d+(\.\d+)?)\D*$", str(name))[1])) for name in tidy.index]  # type: ignore[index]
    return by_time(times, tidy["Estimate"], tidy["Std. Error"])
