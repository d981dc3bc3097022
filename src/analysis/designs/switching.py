"""Treatments that switch on and off: effects since the first change of treatment, against units that have not changed.

Estimand: the average effect, a given number of periods after a unit's treatment first changed, of the treatments it has
    had since, compared with staying at its period-one treatment; a change downwards counts with the opposite sign.
Assumes: units with the same period-one treatment would have moved in parallel had none of them changed; no anticipation
    beyond the declared periods. Effects may last, grow and depend on the whole path of treatments.
Reference: de Chaisemartin and D'Haultfoeuille (2024), Difference-in-differences estimators of intertemporal treatment
    effects; Stata and R package did_multiplegt_dyn (not normalised, its default errors).
Fails when: no unit with the same period-one treatment waits longer (a period-one treatment with nearly as many values
    as units), or units changed because of how their outcome was moving.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from analysis.designs import _common, _switching, two_way_fixed_effects
from analysis.designs._switching import Contrast, Groups
from analysis.inference.moments import Moments, cluster_influence, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

PER_UNIT = "per_unit_of_treatment"


def estimate(data: Panel | Sample, *, anticipation: int = 0, window: int | None = None) -> Effects:
    """Effects by period since the first change of treatment, with placebos as long before it.

    Event time 0 is the first period with a changed treatment, the reference is the last one before it (and before
    anticipation). The placebo at a distance uses the units of the effect at the same distance. Units leave once their
    treatment has been both above and below its period-one level. `related` holds the total effect per unit of
    treatment: the summed effects over the summed changes of treatment behind them.

    Args:
        data: a Panel; its `treatment` may switch off or take many values. Without one, adoption is for good.
        anticipation: periods before the first change in which units may already react.
        window: periods from the first change on, and placebos; None = all that have a switcher and a comparison.

    Raises:
        Refusal: repeated cross-sections (E130); gaps (P007); eligibility, which is not used (E131); treatment and
            adoption that disagree (P002); no switcher with a comparison (P005).
    """
    panel = _common.panel_of(data, name="switching", treatment=True).without_early_reactions(anticipation)
    groups = _switching.groups_of(panel)
    grouped = panel if panel.treatment is None else replace(panel, adoption=groups.code, treatment=None)
    kernel = moments(grouped)
    found = _switching.contrasts(groups, kernel, anticipation, window)
    if not any(contrast.event_time >= 0 for contrast in found):
        problem = "no unit whose treatment changes can be compared with one of the same first treatment still waiting"
        raise Refusal("P005", panel.labels.treatment or "treatment", problem, "widen `since`/`until`")
    scores = np.stack([_switching.scores_of(groups, kernel, contrast) for contrast in found], axis=2)
    table, scores = _with_reference(_rows(kernel, found), scores, -1 - anticipation)
    joint = kernel.covariance(scores)
    effects = Effects(
        table=table.assign(std_error=np.sqrt(np.clip(np.diag(joint), 0, None))),
        joint=joint,
        kind="event_time",
        reference=-1 - anticipation,
        anticipation=anticipation,
        estimand=_estimand(panel, groups, kernel, found),
        method=_method(panel, groups),
        inference=_convention(panel),
        refit=partial(estimate, anticipation=anticipation, window=window),
        influence=partial(cluster_influence, grouped, scores),
        **(_common.facts(panel, anticipation) | {"effective": _effective(panel, groups, found)}),
    )
    again = partial(_refit_per_unit, anticipation=anticipation, window=window)
    related = _per_unit(effects, groups, kernel, found, again)
    return replace(effects, related={} if related is None else {PER_UNIT: related})


def _rows(kernel: Moments, found: list[Contrast]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cohort": -1,
            "period": -1,
            "event_time": [contrast.event_time for contrast in found],
            "estimate": [_switching.estimate_of(kernel, contrast) for contrast in found],
            "weight": [contrast.total if contrast.event_time >= 0 else 0.0 for contrast in found],
            "treated_clusters": [_switching.clusters_in(kernel, _switching.switchers_in(c)) for c in found],
            "comparison_clusters": [
                min(_switching.clusters_in(kernel, step.controls) for step in contrast.steps) for contrast in found
            ],
        }
    )


def _with_reference(rows: pd.DataFrame, scores: Array, reference: int) -> tuple[pd.DataFrame, Array]:
    """The table and scores (G, T+2, K) with the reference cell, in order of event time."""
    first = rows[rows["event_time"] > reference].iloc[:1]
    table = pd.concat([rows, first.assign(event_time=reference, estimate=0.0, weight=0.0)], ignore_index=True)
    scores = np.concatenate([scores, np.zeros((*scores.shape[:2], 1))], axis=2)
    order = np.argsort(table["event_time"].to_numpy(), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    return table.assign(weight=table["weight"] / table["weight"].sum()), scores[:, :, order]


def _per_unit(
    effects: Effects, groups: Groups, kernel: Moments, found: list[Contrast], refit: Callable[[Panel | Sample], Effects]
) -> Effects | None:
    """The total effect per unit of treatment: effects from the first change on, weighted by their switchers, over the
    average change of treatment. None where no treatment has changed (a false date)."""
    post = [contrast for contrast in found if contrast.event_time >= 0]
    treatment = sum(c.total * _switching.extra_treatment(groups, kernel, c) for c in post)
    if treatment <= 0:
        return None
    weights = np.zeros(len(effects.table))
    place = np.searchsorted(effects.table["event_time"], [contrast.event_time for contrast in post])
    weights[place] = np.array([contrast.total for contrast in post]) / treatment
    value, variance = float(weights @ effects.estimate), float(weights @ effects.joint @ weights)
    behind = effects.table[effects.table["event_time"] >= 0]
    return replace(
        effects,
        table=two_way_fixed_effects.single_row(
            value,
            float(np.sqrt(variance)),
            int(behind["treated_clusters"].max()),
            int(behind["comparison_clusters"].min()),
        ),
        joint=np.array([[variance]]),
        kind="single",
        estimand="effect since the first change of treatment per unit of treatment, every switcher and period counted",
        refit=refit,
        influence=partial(_combined, effects, weights),
    )


def _refit_per_unit(data: Panel | Sample, *, anticipation: int, window: int | None) -> Effects:
    related = estimate(data, anticipation=anticipation, window=window).related
    if PER_UNIT not in related:
        raise Refusal("P005", "treatment", "no treatment changes in these periods", "widen `since`/`until`")
    return related[PER_UNIT]


def _combined(effects: Effects, weights: Array) -> Array:
    assert effects.influence is not None
    return np.asarray(effects.influence() @ weights[:, None])


def _effective(panel: Panel, groups: Groups, found: list[Contrast]) -> float:
    """Equally weighted clusters that the average over switchers and periods is worth (inverse Herfindahl)."""
    share = np.zeros(len(groups.start))
    for contrast in found:
        if contrast.event_time >= 0:
            for step in contrast.steps:
                share[step.switchers] += 1
    size = np.bincount(panel.cluster, weights=panel.weight * share[groups.code])
    return float(size.sum() ** 2 / (size @ size))


def _estimand(panel: Panel, groups: Groups, kernel: Moments, found: list[Contrast]) -> str:
    words = "average effect of a change of treatment, every unit and period since its first change counting the same"
    if (groups.sign < 0).any():
        words += ", changes downwards with the opposite sign"
    used = np.unique(np.concatenate([_switching.switchers_in(c) for c in found if c.event_time >= 0]))
    compared, all_of_them = int(kernel.count[used].sum()), int((panel.adoption != NEVER).sum())
    if compared < all_of_them:
        words += f"; only {compared} of {all_of_them} units that change have a comparison"
    return words


def _method(panel: Panel, groups: Groups) -> str:
    words = "change since before the first change of treatment, against units of the same first treatment still waiting"
    crossed = int((groups.end[groups.code] < len(panel.periods)).sum())
    if crossed:
        words += f"; {crossed} units leave once their treatment has been above and below where it started"
    return f"{words}; {_common.weight_words(panel)}"


def _convention(panel: Panel) -> str:
    df = panel.clusters - 1
    return (
        f"standard errors from influence functions summed by {_common.cluster_word(panel)} ({panel.clusters} "
        "clusters), departures from the mean of n clusters counted sqrt(n / (n - 1)) times; t distribution with "
        f"{df} degrees of freedom"
    )
