"""What a panel with fixed effects can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    needed=("strict_exogeneity", "trends_per_unit", "within_variation", "panel_clusters"),
    kinds={
        "what else changed within units": (
            "strict_exogeneity",
            "trends_per_unit",
            "unobserved_selection",
            "serial_correlation",
        ),
        "lasting differences between units": ("hausman", "omitted_effects"),
        "the number of clusters": ("panel_clusters",),
        "how little the treatment moves": ("within_variation", "leave_one_unit_out"),
        "who is observed": ("panel_gaps",),
        "effects that differ between units": ("effect_weights",),
    },
    fatal={"strict_exogeneity": ("E112",)},
    diverged="the outcome moved before the treatment did",
    ceiling=2,
    reason="nobody assigned this policy at random: causes that change along with it stay in the answer",
    ceilings={
        "pooled": (1, "different units are compared, and whatever lasting differs between them is in the answer")
    },
)
