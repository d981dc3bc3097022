"""The same effect of a trial under every convention of inference that fits how it was assigned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.fits.randomised_trial import Trial
from analysis.refusal import Refusal
from analysis.result import Estimate
from analysis.rows import Rows


def conventions(data: Rows, effects: Trial, *, order: str | None, level: float) -> list[Estimate]:
    """Every convention that fits, the headline's own among them.

    Classical and robust errors where rows were assigned one by one (robust ones too where every cluster holds both
    arms), permutation where the assignment can be redrawn, and the interval for readings along the way where the study
    names an order.
    """
    found = []
    for choices in _tried(data, effects, order):
        try:
            found.append(effects.refit(data, **choices).average(level))
        except Refusal:
            continue
    return found


def _tried(data: Rows, effects: Trial, order: str | None) -> Iterator[dict[str, Any]]:
    known = effects.refit.keywords  # type: ignore[attr-defined]
    apart = data.clustered and effects.treated_clusters == effects.clusters
    for errors in (
        ("robust", "classical") if not data.clustered else ("clustered", "robust") if apart else ("clustered",)
    ):
        yield {"uncertainty": "design"} | ({"errors": errors} if "errors" in known else {})
        if "errors" not in known:
            break
    yield {"uncertainty": "permutation"}
    if order is not None:
        yield {"uncertainty": "always_valid"}
