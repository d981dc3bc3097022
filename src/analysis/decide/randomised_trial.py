"""What a randomised trial can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    against="in the control group",
    needed=("sample_ratio", "covariate_balance", "attrition", "assignment_level"),
    kinds={
        "the draw": ("sample_ratio", "covariate_balance"),
        "missing outcomes": ("attrition",),
        "the number of units assigned": ("assignment_level", "few_clusters_trial"),
        "the choice among several results": ("many_tests", "peeking"),
        "choices of method": ("adjustment_agreement", "randomisation_test"),
        "who took part": ("compliance",),
    },
    ceilings={
        "complier_effect": (2, "that the assignment works through taking part only cannot be seen in the data"),
    },
)
