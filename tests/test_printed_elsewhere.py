"""Printed regressions on two tables that no notebook uses yet: a survival model and a description."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.designs import pooled
from analysis.panel import Labels


def test_release_from_prison_by_cox_regression() -> None:
    """Coefficients and errors as reported with the R package survival, ties by Efron's method."""
    from statsmodels.duration.hazard_regression import PHReg

    frame = table.load("rossi")
    columns = {
        "fin": frame["fin"] == "yes",
        "age": frame["age"],
        "race": frame["race"] == "black",
        "wexp": frame["wexp"] == "yes",
        "mar": frame["mar"] == "married",
        "paro": frame["paro"] == "yes",
        "prio": frame["prio"],
    }
    fit = PHReg(
        frame["week"].to_numpy(),
        np.column_stack([np.asarray(column, dtype=float) for column in columns.values()]),
        status=frame["arrest"].to_numpy(),
        ties="efron",
    ).fit()
    assert (len(frame), int(frame["arrest"].sum())) == (432, 114)
    np.testing.assert_allclose(fit.params, [-0.379, -0.057, 0.314, -0.150, -0.434, -0.085, 0.091], atol=6e-4)
    np.testing.assert_allclose(fit.bse, [0.191, 0.022, 0.308, 0.212, 0.382, 0.196, 0.029], atol=6e-4)
    share = frame.groupby("fin")["arrest"].mean()
    assert (round(100 * share["yes"], 1), round(100 * share["no"], 1)) == (22.2, 30.6)


def test_inspections_of_chains_by_least_squares() -> None:
    frame = table.load("restaurant_inspections")
    rows = rows_from_frame(frame, Labels("inspection_score", ""), columns=["NumberofLocations", "Year"])
    alone = pooled.estimate(rows, treatment="NumberofLocations", errors="classical")
    held = pooled.estimate(rows, treatment="NumberofLocations", covariates=["Year"], errors="classical")
    year = pooled.estimate(rows, treatment="Year", covariates=["NumberofLocations"], errors="classical")
    assert rows.n == 27_178
    assert alone.estimate[0] == pytest.approx(-0.018871, abs=5e-7)
    assert held.estimate[0] == pytest.approx(-0.019189, abs=5e-7)
    assert year.estimate[0] == pytest.approx(-0.064888, abs=5e-7)
