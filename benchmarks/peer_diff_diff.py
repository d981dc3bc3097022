"""diff-diff on every task, with the options that make it compute our numbers and its faster mode where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.numbers import Table, by_time

if TYPE_CHECKING:
    import pandas as pd

ROLES = {"unit": "unit", "time": "period", "first_treat": "first_treated_zero"}
TYPES = {
    "treated_vs_never": "treated against never treated",
    "earlier_vs_later": "earlier against later treated",
    "later_vs_earlier": "later against already treated",
}


def bacon(frame: pd.DataFrame) -> Table:
    """Goodman-Bacon decomposition."""
    from diff_diff import BaconDecomposition

    fit = BaconDecomposition().fit(frame, outcome="y", **ROLES)
    rows = fit.to_dataframe()
    found = {"coefficient": (float(fit.twfe_estimate), 0.0)}
    for kind, part in rows.groupby("comparison_type"):
        weight = float(part["weight"].sum())
        found[f"{TYPES[str(kind)]}: weight"] = (weight, 0.0)
        found[f"{TYPES[str(kind)]}: estimate"] = (float(part["weight"] @ part["estimate"]) / weight, 0.0)
    return found


def group_time(frame: pd.DataFrame) -> Table:
    """CallawaySantAnna and its event-study aggregation."""
    return _group_time(frame, "y")


def group_time_dr(frame: pd.DataFrame) -> Table:
    """The same, doubly robust with two covariates."""
    return _group_time(frame, "y_trend", ["x1", "x2"])


def _group_time(frame: pd.DataFrame, outcome: str, covariates: list[str] | None = None) -> Table:
    from diff_diff import CallawaySantAnna

    method = CallawaySantAnna(
        control_group="never_treated",
        estimation_method="dr" if covariates else "reg",
        base_period="varying",
        n_bootstrap=0,
    )
    fit = method.fit(frame, outcome=outcome, covariates=covariates, **ROLES)
    return _aggregated(fit) | {"average": (float(fit.overall_att), float(fit.overall_se))}


def group_time_draws(frame: pd.DataFrame) -> Table:
    """CallawaySantAnna with 999 multiplier draws and a simultaneous band."""
    from diff_diff import CallawaySantAnna

    method = CallawaySantAnna(
        control_group="never_treated", estimation_method="reg", base_period="varying", n_bootstrap=999, seed=1
    )
    fit = method.fit(frame, outcome="y", **ROLES)
    path = fit.aggregate("event_study")
    return _aggregated(fit) | {"critical value": (float(path.cband_crit_value), 0.0)}


def sun_abraham(frame: pd.DataFrame) -> Table:
    """SunAbraham."""
    from diff_diff import SunAbraham

    fit = SunAbraham(control_group="never_treated").fit(frame, outcome="y", **ROLES)
    rows = fit.to_dataframe("event_study")
    return by_time(rows["relative_period"], rows["effect"], rows["se"])


def imputation(frame: pd.DataFrame) -> Table:
    """ImputationDiD and its event-study aggregation."""
    from diff_diff import ImputationDiD

    fit = ImputationDiD(aux_partition="cohort_horizon").fit(frame, outcome="y", **ROLES)
    return _aggregated(fit) | {"average": (float(fit.overall_att), float(fit.overall_se))}


def two_stage(frame: pd.DataFrame) -> Table:
    """TwoStageDiD and its event-study aggregation."""
    from diff_diff import TwoStageDiD

    fit = TwoStageDiD().fit(frame, outcome="y", **ROLES)
    return _aggregated(fit) | {"average": (float(fit.overall_att), float(fit.overall_se))}


def extended_twfe(frame: pd.DataFrame) -> Table:
    """WooldridgeDiD and its aggregation by event time."""
    from diff_diff import WooldridgeDiD

    fit = WooldridgeDiD(method="ols", control_group="not_yet_treated").fit(frame, outcome="y", **ROLES)
    rows = fit.aggregate("event").to_dataframe("event")
    average = {"average": (float(fit.overall_att), float(fit.overall_se))}
    return by_time(rows["relative_period"], rows["att"], rows["se"]) | average


def stacked(frame: pd.DataFrame) -> Table:
    """StackedDiD, three periods before and after."""
    from diff_diff import StackedDiD

    fit = StackedDiD(kappa_pre=3, kappa_post=3, weighting="aggregate").fit(frame, outcome="y", **ROLES)
    rows = fit.to_dataframe("event_study")
    return by_time(rows["relative_period"], rows["effect"], rows["se"])


def local_projection(frame: pd.DataFrame) -> Table:
    """LPDiD, five periods before and after."""
    from diff_diff import LPDiD

    method = LPDiD(pre_window=5, post_window=5)
    fit = method.fit(frame, outcome="y", unit="unit", time="period", treatment="treated")
    rows = fit.to_dataframe("event_study")
    return by_time(rows["horizon"], rows["coefficient"], rows["se"])


def switching(frame: pd.DataFrame) -> Table:
    """ChaisemartinDHaultfoeuille, five effects and placebos; its decomposition of two-way fixed effects left out."""
    from diff_diff import ChaisemartinDHaultfoeuille

    method = ChaisemartinDHaultfoeuille(twfe_diagnostic=False, drop_larger_lower=False)
    fit = method.fit(frame, outcome="y_switch", unit="unit", time="period", treatment="switch", L_max=5)
    rows = fit.aggregate("event_study").to_dataframe()
    return by_time(rows["event_time"] - 1, rows["att"], rows["se"])


def triple_difference(frame: pd.DataFrame) -> Table:
    """TripleDifference with several adoption dates."""
    from diff_diff import TripleDifference

    method = TripleDifference(estimation_method="reg", control_group="never_treated", base_period="varying")
    fit = method.fit(frame, outcome="y_eligible", partition="eligible", aggregate="event_study", **ROLES)
    rows = fit.to_dataframe("event_study")
    return by_time(rows["relative_period"], rows["effect"], rows["se"])


def dose(frame: pd.DataFrame) -> Table:
    """ContinuousDiD, cubic."""
    return _dose(frame, "first_treated_zero")


def dose_one_date(frame: pd.DataFrame) -> Table:
    """The same with one adoption date."""
    return _dose(frame, "first_dose_zero")


def _dose(frame: pd.DataFrame, first: str) -> Table:
    from diff_diff import ContinuousDiD

    method = ContinuousDiD(degree=3, num_knots=0, control_group="never_treated", base_period="varying")
    fit = method.fit(frame, outcome="y_dose", dose="dose", unit="unit", time="period", first_treat=first)
    return {
        "average": (float(fit.overall_att), float(fit.overall_att_se)),
        "slope": (float(fit.overall_acrt), float(fit.overall_acrt_se)),
    }


def prepare_sensitivity(frame: pd.DataFrame) -> Any:
    """The event study behind the sensitivity sets, its own (not on the clock)."""
    from diff_diff import CallawaySantAnna

    fit = CallawaySantAnna(estimation_method="reg", base_period="universal").fit(frame, outcome="y", **ROLES)
    return fit.aggregate("event_study")


def sensitivity(fit: Any) -> Table:
    """Relative magnitudes for the first effect. Its interval is the plug-in bounds plus and minus 1.96 errors."""
    import numpy as np
    from diff_diff import HonestDiD

    found = {}
    for mbar in (0.5, 1.0, 1.5, 2.0):
        bounds = HonestDiD(method="relative_magnitude", M=mbar, l_vec=np.eye(5)[0]).fit(fit)
        found[f"{mbar:g} low"], found[f"{mbar:g} high"] = (float(bounds.ci_lb), 0.0), (float(bounds.ci_ub), 0.0)
    return found


def _aggregated(fit: Any) -> Table:
    rows = fit.aggregate("event_study").to_dataframe()
    return by_time(rows["event_time"], rows["att"], rows["se"])
