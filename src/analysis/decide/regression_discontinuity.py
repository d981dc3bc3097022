"""What a regression discontinuity can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    needed=("density", "covariate_continuity", "bandwidths", "effective_sample"),
    kinds={
        "sorting at the cut-off": ("density", "heaping", "covariate_continuity", "donut"),
        "the shape of the outcome": ("bandwidths", "distant_rows", "placebo_cutoffs"),
        "the number of rows near the cut-off": ("effective_sample",),
        "the jump in take-up": ("take_up",),
    },
    fatal={"take_up": ("E123",)},
    diverged="take-up hardly changes at the cut-off",
    ceilings={"whole_window": (2, "the fit leans on rows far from the cut-off")},
)
