"""What a comparison of groups that nobody assigned can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    needed=("overlap", "balance_before_after", "negative_control", "hidden_bias"),
    kinds={
        "how alike the groups are": ("overlap", "balance_before_after"),
        "what was not measured": ("negative_control", "hidden_bias", "specification_sensitivity"),
        "choices of method": ("weighting_agreement",),
    },
    fatal={"negative_control": ("E110",)},
    diverged="the groups differ in what treatment cannot have moved",
    ceiling=2,
    reason="the groups were compared, not assigned",
    ceilings={"unadjusted": (1, "the groups are compared as they are")},
)
