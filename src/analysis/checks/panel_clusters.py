"""Is the inference right for this many clusters, and for rows of one unit that resemble each other?

Below thirty clusters errors are corrected for their number; with fewer than ten whose treatment changes no correction
is reliable. Clusters count by how much their treatment moves: many of which a few move most are worth few. The wild
cluster bootstrap (Cameron, Gelbach and Miller 2008) is shown beside the answer's own p-value.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._panel import ALPHA, own, p_said, repeated
from analysis.estimate import Estimate
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_fit import FEW
from analysis.inference.panel_models import choices, estimate
from analysis.inference.wild_bootstrap import wild_bootstrap
from analysis.report.display import p_words, significant
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "The interval is honest about how many independent units there are."
CHANGERS = 10
LONG = 20  # periods below which Driscoll and Kraay's errors are cautioned


def run(data: Rows, effects: Effects, path: Effects | None, *, level: float, draws: int, seed: int) -> Check:
    """Counts clusters and those that change; compares with the wild bootstrap, and with clustered errors where the
    answer does without."""
    found = own(effects)
    kind, answer = choices(found).errors, found.average(level)
    if kind in ("classical", "robust") and (repeated(found) or data.clustered):
        return _unclustered(found, kind, answer, estimate(found.regression, found, level))
    if kind in ("classical", "robust"):
        finding = f"{found.n:,} rows, each of another unit, taken as independent of one another."
        advice = "If the policy was decided above this level, name that level under `cluster`."
        return Check("panel_clusters", "E105", ASSUMPTION, finding, advice, "note", float(found.n))
    if kind == "driscoll_kraay":
        return _by_period(found, answer, estimate(found.regression, found, level))
    if answer.std_error is None:
        return _still(found)
    wild = wild_bootstrap(found.regression.regression, draws=draws, seed=seed).p_value
    return _clustered(found, answer, wild)


def _unclustered(found: PanelEffects, kind: str, answer: Estimate, clustered: Estimate) -> Check:
    assert answer.std_error is not None and clustered.std_error is not None
    ratio = clustered.std_error / answer.std_error
    return Check(
        "panel_clusters",
        "E105",
        ASSUMPTION,
        f"The answer takes {found.n:,} rows as independent ({kind} errors), though rows of one unit resemble each "
        f"other. Clustered errors of {found.clusters:,} clusters are {significant(ratio, 2)} times as large "
        f"({p_said(clustered.p_value)} instead of {p_words(answer.p_value)}).",
        "errors: clustered",
        "warn",
        ratio,
        clustered.p_value,
    )


def _still(found: PanelEffects) -> Check:
    return Check(
        "panel_clusters",
        "E104",
        ASSUMPTION,
        f"The treatment changes in {found.treated_clusters:,} of {found.clusters:,} clusters only: clustered errors "
        f"would "
        "be far too small and are not shown.",
        "Compare those few with the others by permutation (`design: two_by_two`) or by synthetic control.",
        "warn",
        float(found.treated_clusters),
    )


def _by_period(found: PanelEffects, answer: Estimate, clustered: Estimate) -> Check:
    periods = len(np.unique(found.regression.terms.period))
    short = periods < LONG
    return Check(
        "panel_clusters",
        "E103",
        ASSUMPTION,
        f"The errors (Driscoll and Kraay's) rest on {periods} periods: "
        f"{'too few for them to be trusted' if short else 'enough, if shocks fade within a few of them'}. With errors "
        f"clustered by unit the p-value is {p_words(clustered.p_value)} instead of {p_words(answer.p_value)}.",
        "errors: clustered"
        if short
        else "Read both: shocks that are common to units, and shocks that last within them.",
        "warn" if short else "note",
        float(periods),
        clustered.p_value,
    )


def _clustered(found: PanelEffects, answer: Estimate, wild: float) -> Check:
    few, still = found.clusters < FEW, found.treated_clusters < CHANGERS
    equal = found.regression.worth
    thin = equal < CHANGERS
    unequal = f" (so unequal that they are worth {significant(equal, 2)})" if equal < found.treated_clusters / 2 else ""
    apart = (answer.p_value <= ALPHA) != (wild <= ALPHA)
    between = " The two fall on different sides of 0.05." if apart else ""
    consequence = (
        "too few for any error computed from them to be trusted"
        if still
        else "few enough that errors are corrected for their number, and the interval may still be too narrow"
        if few or thin
        else "errors are corrected for what each of them tells"
        if found.regression.corrected
        else "enough for clustered errors with the t distribution, if none of them dominates"
    )
    return Check(
        "panel_clusters",
        "E104" if still else "E103",
        ASSUMPTION,
        f"{found.clusters:,} clusters, in {found.treated_clusters:,} of which the treatment changes{unequal}: "
        f"{consequence}. "
        f"The p-value is {p_words(answer.p_value)}, by wild cluster bootstrap {p_words(wild)}.{between}",
        "If the policy was decided above this level (by state for firms, say), name that level under `cluster`.",
        "warn" if few or still or thin or apart else "note",
        float(found.clusters),
        wild,
    )
