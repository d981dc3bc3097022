"""csdid: the port of R's did."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.numbers import Table, by_time

if TYPE_CHECKING:
    import pandas as pd


def group_time(frame: pd.DataFrame) -> Table:
    """att_gt and its dynamic aggregation, analytic errors."""
    return _paths(_fitted(frame, "y"))


def group_time_dr(frame: pd.DataFrame) -> Table:
    """The same, doubly robust with two covariates."""
    return _paths(_fitted(frame, "y_trend", "~ x1 + x2", "dr"))


def group_time_draws(frame: pd.DataFrame) -> Table:
    """The same with 999 multiplier draws and a simultaneous band; group-time effects are not bootstrapped."""
    np.random.seed(1)  # noqa: NPY002 (it draws from the global generator)
    found = _dynamic(_fitted(frame, "y"), bstrap=True, cband=True, biters=999)
    path = by_time(found["egt"], found["att_egt"], np.ravel(found["se_egt"]))
    return path | {"critical value": (float(np.ravel(found["crit_val_egt"])[0]), 0.0)}


def _fitted(frame: pd.DataFrame, outcome: str, formula: str | None = None, method: str = "reg") -> Any:
    from csdid.att_gt import ATTgt

    model = ATTgt(
        yname=outcome,
        tname="period",
        idname="unit",
        gname="first_treated_zero",
        data=frame,
        control_group="nevertreated",
        xformla=formula,
    )
    return model.fit(est_method=method, base_period="varying", bstrap=False)


def _paths(fit: Any) -> Table:
    found = _dynamic(fit, bstrap=False, cband=False)
    return by_time(found["egt"], found["att_egt"], found["se_egt"])


def _dynamic(fit: Any, **options: Any) -> Any:
    with redirect_stdout(StringIO()):  # it prints its table
        return fit.aggte("dynamic", **options).atte
