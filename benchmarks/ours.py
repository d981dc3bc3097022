"""This project's side of every task: from the long table to the finished table of effects with standard errors.

Each function builds the panel from the table, with all its checks, estimates, and averages. Imports are inside, so that
a process loads only what its task needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.numbers import Table, by_time

if TYPE_CHECKING:
    import pandas as pd

    from analysis.panel import Panel
    from analysis.result import Effects

WINDOW = 3
AHEAD = 5
MBARS = (0.5, 1.0, 1.5, 2.0)


def panel_of(frame: pd.DataFrame, outcome: str = "y", covariates: tuple[str, ...] = (), **roles: str) -> Panel:
    """The panel under the columns of `benchmarks.simulate`."""
    from analysis.data.panels import panel_from_frame
    from analysis.panel import Labels

    named = roles if "treatment" in roles else {"first_treated": "first_treated"} | roles
    return panel_from_frame(frame, Labels(outcome=outcome, time="period", unit="unit", **named), covariates=covariates)


def event_study(frame: pd.DataFrame) -> Table:
    """Two-way fixed effects by event time."""
    from analysis.designs import event_study as design

    return _path(design.estimate(panel_of(frame)))


def two_way_fixed_effects(frame: pd.DataFrame) -> Table:
    """The coefficient of the treatment."""
    from analysis.designs import two_way_fixed_effects as design

    return _average(design.estimate(panel_of(frame)))


def bacon(frame: pd.DataFrame) -> Table:
    """Goodman-Bacon: weight and average estimate of each type of comparison, and their weighted sum."""
    from analysis.inference import decomposition

    types = decomposition.by_type(decomposition.bacon(panel_of(frame)))
    found = {"coefficient": (float((types["estimate"] * types["weight"]).sum()), 0.0)}
    for kind, estimate, weight in zip(types["type"], types["estimate"], types["weight"], strict=True):
        found[f"{kind}: estimate"], found[f"{kind}: weight"] = (float(estimate), 0.0), (float(weight), 0.0)
    return found


def group_time(frame: pd.DataFrame) -> Table:
    """Group-time effects, averaged by event time."""
    from analysis.designs import group_time as design

    return _cells(design.estimate(panel_of(frame), comparison="never_treated", base_period="varying"))


def group_time_dr(frame: pd.DataFrame) -> Table:
    """The same, doubly robust with two covariates."""
    from analysis.designs import group_time as design

    names = ("x1", "x2")
    panel = panel_of(frame, "y_trend", names)
    return _cells(design.estimate(panel, comparison="never_treated", base_period="varying", covariates=names))


def group_time_draws(frame: pd.DataFrame) -> Table:
    """Group-time effects by event time with a simultaneous band from 999 multiplier draws."""
    from analysis.designs import group_time as design
    from analysis.inference.bands import band

    pieces = design.estimate(panel_of(frame), comparison="never_treated", base_period="varying")
    path = pieces.by("event_time")
    found = band(path, level=0.95, draws=999, seed=1)
    return _path(path) | {"critical value": (found.quantile, 0.0)}


def sun_abraham(frame: pd.DataFrame) -> Table:
    """Sun and Abraham's interaction-weighted event study."""
    from analysis.designs import sun_abraham as design

    return _cells(design.estimate(panel_of(frame)))


def imputation(frame: pd.DataFrame) -> Table:
    """Imputation, by event time from adoption on."""
    from analysis.designs import imputation as design

    return _treated(_cells(design.estimate(panel_of(frame))))


def extended_twfe(frame: pd.DataFrame) -> Table:
    """Wooldridge's regression, by event time from adoption on, and its average."""
    from analysis.designs import extended_twfe as design

    return _treated(_cells(design.estimate(panel_of(frame))))


def stacked(frame: pd.DataFrame) -> Table:
    """Stacked sub-experiments of three periods before and after."""
    from analysis.designs import stacked as design

    return _path(design.estimate(panel_of(frame), window=WINDOW))


def local_projection(frame: pd.DataFrame) -> Table:
    """Local projections five periods before and after; both weightings are computed, the peers' default compared."""
    from analysis.designs import local_projection as design

    return _path(design.estimate(panel_of(frame), window=AHEAD).related["variance_weighted"])


def switching(frame: pd.DataFrame) -> Table:
    """A treatment that starts and stops: five effects and as many placebos."""
    from analysis.designs import switching as design

    return _path(design.estimate(panel_of(frame, "y_switch", treatment="switch"), window=AHEAD))


def triple_difference(frame: pd.DataFrame) -> Table:
    """Eligible against ineligible units of adopting and never-adopting groups."""
    from analysis.designs import triple_difference as design

    panel = panel_of(frame, "y_eligible", eligible="eligible")
    return _cells(design.estimate(panel, comparison="never_treated", base_period="varying"))


def dose(frame: pd.DataFrame) -> Table:
    """The average effect at the doses received, each cohort's periods counting the same, and the average slope."""
    return _dose(panel_of(frame, "y_dose", dose="dose"))


def dose_one_date(frame: pd.DataFrame) -> Table:
    """The same with one adoption date."""
    return _dose(panel_of(frame, "y_dose", dose="dose", first_treated="first_dose"))


def _dose(panel: Panel) -> Table:
    from analysis.designs import dose as design

    level = design.estimate(panel, comparison="never_treated", base_period="varying")
    return _average(level.along("cohort")) | {"slope": _average(level.related["slope"])["average"]}


def together(frame: pd.DataFrame) -> Table:
    """Every estimator that needs no further column, on one panel; their averages."""
    from importlib import import_module

    panel, found = panel_of(frame), {}
    for name in TOGETHER:
        found[name] = _average(import_module(f"analysis.designs.{name}").estimate(panel))["average"]
    return found


TOGETHER = (
    "event_study",
    "two_way_fixed_effects",
    "group_time",
    "sun_abraham",
    "imputation",
    "extended_twfe",
    "stacked",
    "local_projection",
    "switching",
)


def prepare_sensitivity(frame: pd.DataFrame) -> Any:
    """The event study behind the sensitivity sets (not on the clock)."""
    from benchmarks.simulate import event_study_of

    return event_study_of(frame)


def sensitivity(problem: Any) -> Table:
    """Rambachan and Roth's relative magnitudes for the first effect: the two ends for four values of Mbar."""
    import numpy as np

    from analysis.inference import honest_relative
    from analysis.inference.honest_problem import Problem

    beta, covariance = problem
    weights = np.eye(5)[0]
    found = {}
    for mbar in MBARS:
        low, high = honest_relative.interval(Problem(beta, covariance, 5, weights), mbar)
        found[f"{mbar:g} low"], found[f"{mbar:g} high"] = (low, 0.0), (high, 0.0)
    return found


def _cells(pieces: Effects) -> Table:
    return _path(pieces.by("event_time")) | _average(pieces)


def _path(path: Effects) -> Table:
    rows = path.table[path.table["std_error"] > 0]
    return by_time(rows["event_time"], rows["estimate"], rows["std_error"])


def _average(effects: Effects) -> Table:
    found = effects.average(0.95)
    assert found.std_error is not None
    return {"average": (found.value, found.std_error)}


def _treated(table: Table) -> Table:
    return {name: row for name, row in table.items() if not name.startswith("-")}
