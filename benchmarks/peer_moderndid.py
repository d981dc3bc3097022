"""moderndid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.numbers import Table, by_time

if TYPE_CHECKING:
    import pandas as pd

ROLES = {"tname": "period", "idname": "unit"}


def group_time(frame: pd.DataFrame) -> Table:
    """att_gt and its dynamic aggregation, analytic errors."""
    return _dynamic(_fitted(frame, "y"), boot=False, cband=False)


def group_time_dr(frame: pd.DataFrame) -> Table:
    """The same, doubly robust with two covariates."""
    return _dynamic(_fitted(frame, "y_trend", xformla="~ x1 + x2", est_method="dr"), boot=False, cband=False)


def group_time_draws(frame: pd.DataFrame) -> Table:
    """The same with 999 multiplier draws and a simultaneous band; group-time effects are not bootstrapped."""
    return _dynamic(_fitted(frame, "y"), boot=True, cband=True, biters=999, random_state=1)


def switching(frame: pd.DataFrame) -> Table:
    """did_multiplegt, five effects and placebos."""
    from moderndid import did_multiplegt

    fit = did_multiplegt(frame, yname="y_switch", dname="switch", effects=5, placebo=5, **ROLES)
    found = by_time(fit.effects.horizons - 1, fit.effects.estimates, fit.effects.std_errors)
    return found | by_time(fit.placebos.horizons - 1, fit.placebos.estimates, fit.placebos.std_errors)


def triple_difference(frame: pd.DataFrame) -> Table:
    """ddd and its event-study aggregation."""
    from moderndid import agg_ddd, ddd

    fit = ddd(
        frame,
        yname="y_eligible",
        gname="first_treated_zero",
        pname="eligible",
        est_method="reg",
        base_period="varying",
        control_group="nevertreated",
        **ROLES,
    )
    found = agg_ddd(fit, type="eventstudy", boot=False, cband=False)
    return by_time(found.egt, found.att_egt, found.se_egt)


def dose(frame: pd.DataFrame) -> Table:
    """cont_did, cubic."""
    return _dose(frame, "first_treated_zero")


def dose_one_date(frame: pd.DataFrame) -> Table:
    """The same with one adoption date."""
    return _dose(frame, "first_dose_zero")


def _dose(frame: pd.DataFrame, first: str) -> Table:
    from moderndid import cont_did

    fit = cont_did(
        frame,
        yname="y_dose",
        gname=first,
        dname="dose",
        degree=3,
        num_knots=0,
        control_group="nevertreated",
        base_period="varying",
        **ROLES,
    )
    return {
        "average": (float(fit.overall_att), float(fit.overall_att_se)),
        "slope": (float(fit.overall_acrt), float(fit.overall_acrt_se)),
    }


def prepare_sensitivity(frame: pd.DataFrame) -> Any:
    """The event study behind the sensitivity sets (not on the clock)."""
    from benchmarks.simulate import event_study_of

    return event_study_of(frame)


def sensitivity(problem: Any) -> Table:
    """Relative magnitudes by the conditional least-favourable test, on the 100 grid points of its `honest_did`."""
    import numpy as np
    from moderndid import create_sensitivity_results_rm

    beta, covariance = problem
    rows = create_sensitivity_results_rm(
        beta, covariance, 5, 5, m_bar_vec=np.array([0.5, 1.0, 1.5, 2.0]), grid_points=100
    )
    found = {}
    for row in rows.to_dicts():
        found[f"{row['Mbar']:g} low"], found[f"{row['Mbar']:g} high"] = (row["lb"], 0.0), (row["ub"], 0.0)
    return found


def _fitted(frame: pd.DataFrame, outcome: str, **options: Any) -> Any:
    from moderndid import att_gt

    chosen = {"est_method": "reg"} | options
    return att_gt(
        frame,
        yname=outcome,
        gname="first_treated_zero",
        control_group="nevertreated",
        base_period="varying",
        **ROLES,
        **chosen,
    )


def _dynamic(fit: Any, **options: Any) -> Table:
    from moderndid import aggte

    found = aggte(fit, type="dynamic", **options)
    path = by_time(found.event_times, found.att_by_event, found.se_by_event)
    return path | ({"critical value": (float(found.critical_values[0]), 0.0)} if options["boot"] else {})
