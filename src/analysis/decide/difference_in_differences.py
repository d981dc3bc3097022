"""What a difference in differences can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    needed=("pretrends", "parallel_trends", "few_treated"),
    kinds={
        "the assumption of parallel trends": (
            "pretrends",
            "parallel_trends",
            "placebo",
            "placebo_outcome",
            "anticipation",
            "regression_to_mean",
            "bad_controls",
            "spillover",
        ),
        "the number of clusters": ("few_treated", "inference_choice"),
        "choices of method": ("agreement", "leave_one_out", "composition", "weighting"),
    },
    fatal=dict.fromkeys(("pretrends", "placebo", "anticipation"), ("E111", "E112")),
    diverged="the groups differed before the policy",
    # What two-way fixed effects would do wrong; the answer never rests on it where it would.
    aside=("comparisons", "negative_weights"),
)
