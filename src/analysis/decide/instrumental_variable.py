"""What an instrumental-variable study can carry."""

from __future__ import annotations

from analysis.decide.grounds import Grounds

GROUNDS = Grounds(
    needed=("weak_instrument", "reduced_form", "exclusion", "monotonicity"),
    kinds={
        "the strength of the instruments": ("weak_instrument", "reduced_form"),
        "whether the instruments are valid": ("exclusion", "monotonicity"),
        "whether the instruments agree": ("overidentification",),
        "the number of clusters": ("instrument_clusters",),
        "choices of method": ("leave_one_cluster_out",),
    },
    # Instruments that contradict each other cannot all be valid, and one number does not say whose effect it is.
    fatal={"weak_instrument": ("E123",), "overidentification": ("E110",)},
    diverged="the instruments are weak",
    because={"overidentification": "the instruments contradict each other by more than chance explains"},
    ceiling=2,
    reason="no data can show that the instruments reach the outcome through the treatment alone",
    ceilings={"least_squares": (1, "least squares takes the treatment as if it had been assigned at random")},
)
