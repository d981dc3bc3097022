"""The same task for every package: from a long table to a table of effects by event time with standard errors.

Each function takes the table and returns {event time: (estimate, standard error)}. Imports are inside, because a
process loads one package only. Options are those that make the packages compute the same numbers (never-treated
comparison, varying base period, analytic errors) and, where a package offers a faster or leaner mode, that mode.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

Table = dict[int, tuple[float, float]]
Tool = Callable[["pd.DataFrame"], Table]


def ours_event_study(frame: pd.DataFrame) -> Table:
    """This project: two-way fixed effects event study."""
    from analysis.data.panels import panel_from_frame
    from analysis.designs import event_study
    from analysis.panel import Labels

    labels = Labels(outcome="y", time="period", unit="unit", first_treated="first_treated")
    effects = event_study.estimate(panel_from_frame(frame, labels))
    effects.average(0.95)
    rows = effects.table[effects.table["std_error"] > 0]
    return _table(rows["event_time"], rows["estimate"], rows["std_error"])


def pyfixest_event_study(frame: pd.DataFrame) -> Table:
    """pyfixest: the regression on dummies of event time, unit and period effects, errors clustered by unit."""
    import re

    import pyfixest

    fit = pyfixest.feols(
        "y ~ i(event_time, ref=-1) | unit + period",
        frame,
        vcov={"CRV1": "unit"},
        copy_data=False,
        store_data=False,
        lean=True,
    )
    tidy = fit.tidy()
    times = [int(float(re.search(r"(-?\d+(\.\d+)?)\D*$", str(name))[1])) for name in tidy.index]  # type: ignore[index]
    return _table(times, tidy["Estimate"], tidy["Std. Error"])


def ours_group_time(frame: pd.DataFrame) -> Table:
    """This project: group-time effects, averaged by event time."""
    from analysis.data.panels import panel_from_frame
    from analysis.designs import group_time
    from analysis.panel import Labels

    labels = Labels(outcome="y", time="period", unit="unit", first_treated="first_treated")
    pieces = group_time.estimate(panel_from_frame(frame, labels), comparison="never_treated", base_period="varying")
    pieces.average(0.95)
    rows = pieces.by("event_time").table
    return _table(rows["event_time"], rows["estimate"], rows["std_error"])


def csdid_group_time(frame: pd.DataFrame) -> Table:
    """csdid: att_gt and its dynamic aggregation."""
    from csdid.att_gt import ATTgt

    fit = ATTgt(
        yname="y",
        tname="period",
        idname="unit",
        gname="first_treated_zero",
        data=frame,
        control_group="nevertreated",
    ).fit(est_method="reg", base_period="varying", bstrap=False)
    with redirect_stdout(StringIO()):  # it prints its table
        found = fit.aggte("dynamic", bstrap=False, cband=False).atte
    return _table(found["egt"], found["att_egt"], found["se_egt"])


def diff_diff_group_time(frame: pd.DataFrame) -> Table:
    """diff-diff: CallawaySantAnna and its event-study aggregation."""
    from diff_diff import CallawaySantAnna

    method = CallawaySantAnna(
        control_group="never_treated", estimation_method="reg", base_period="varying", n_bootstrap=0
    )
    fit = method.fit(frame, outcome="y", unit="unit", time="period", first_treat="first_treated_zero")
    found = fit.aggregate("event_study").to_dataframe()
    return _table(found["event_time"], found["att"], found["se"])


def _table(times: object, estimates: object, errors: object) -> Table:
    rows = zip(times, estimates, errors, strict=True)  # type: ignore[call-overload]
    return {int(time): (float(estimate), float(error)) for time, estimate, error in rows}


COLUMNS = {
    "ours": ["unit", "period", "y", "first_treated"],
    "pyfixest": ["unit", "period", "y", "event_time"],
    "csdid": ["unit", "period", "y", "first_treated_zero"],
    "diff-diff": ["unit", "period", "y", "first_treated_zero"],
}
TASKS: dict[str, dict[str, Tool]] = {
    "event_study": {"ours": ours_event_study, "pyfixest": pyfixest_event_study},
    "group_time": {"ours": ours_group_time, "diff-diff": diff_diff_group_time, "csdid": csdid_group_time},
}
