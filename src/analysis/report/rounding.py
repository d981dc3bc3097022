"""Numbers of a file of data, rounded as on the page."""

from __future__ import annotations


def three(x: float) -> float:
    """`x` with three significant digits, so that no count of people can be worked out from a share."""
    return float(f"{float(x):.3g}")
