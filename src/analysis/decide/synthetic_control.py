"""What a synthetic control can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    needed=("prefit", "in_time_placebo", "placebo_units"),
    kinds={
        "how well the comparison follows before the policy": ("prefit", "hull", "in_time_placebo"),
        "the donors": ("donors", "leave_one_donor_out"),
        "inference": ("placebo_units",),
        "choices of method": ("synthetic_agreement",),
    },
    fatal={"in_time_placebo": ("E112",)},
    diverged="the comparison finds an effect before there was a policy",
    ceiling=2,
    reason="an event of the treated unit's own at that time would look like the policy",
)
