"""What an interrupted time series can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    against="trend and season predict",
    needed=("series_length", "autocorrelation", "placebo_breaks", "co_interventions", "control_comparison"),
    kinds={
        "what else changed": ("co_interventions", "control_comparison"),
        "the path without the policy": (
            "placebo_breaks",
            "trend_shape",
            "impact_shape",
            "seasonal_pattern",
            "model_agreement",
        ),
        "the length of the series": ("series_length", "autocorrelation"),
    },
    fatal={"placebo_breaks": ("E112",), "trend_shape": ("E111",), "impact_shape": ("E111",)},
    diverged="the answer hangs on a shape that does not fit, or breaks as large happened without the policy",
    ceiling=2,
    reason="one series without a control series can be moved by anything that happened at the same time",
    ceilings={"controlled_series": (3, "")},
)
