"""The moment kernel by hand, and against unit-level sums it never forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import samples

from analysis.data.panels import panel_from_frame
from analysis.designs import event_study, group_time, two_by_two, two_way_fixed_effects
from analysis.inference.moments import cluster_influence, moments
from analysis.panel import NEVER, Labels, Panel

LABELS = Labels("y", "t", "i", "g")


def tiny(**roles: str) -> Panel:
    """Two treated units (from period 1), two never treated, two periods.

    Treated go 1 -> 4 and 3 -> 8, the others 2 -> 3 and 4 -> 4: changes 3, 5 against 1, 0.
    """
    frame = pd.DataFrame(
        {
            "i": [1, 1, 2, 2, 3, 3, 4, 4],
            "t": [0, 1] * 4,
            "y": [1.0, 4.0, 3.0, 8.0, 2.0, 3.0, 4.0, 4.0],
            "g": [1.0] * 4 + [np.nan] * 4,
            "w": [1.0, 1.0, 3.0, 3.0, 1.0, 1.0, 1.0, 1.0],
            "c": [1, 1, 1, 1, 2, 2, 3, 3],
        }
    )
    return panel_from_frame(frame, Labels("y", "t", "i", "g", **roles))


def test_two_by_two_by_hand() -> None:
    """(3 + 5)/2 - (1 + 0)/2 = 3.5; departures from the mean change are -1, 1 and .5, -.5.

    Group-time error: sqrt((1 + 1)/2^2 + (.25 + .25)/2^2) = sqrt(.625). Two-way with unit clusters multiplies the
    variance by G/(G-1) = 4/3 and (N-1)/(N-K) = 7/(8-3).
    """
    cell = group_time.estimate(tiny()).average(0.95)
    assert cell.value == pytest.approx(3.5, abs=1e-14)
    assert cell.std_error == pytest.approx(np.sqrt(0.625), abs=1e-14)
    twice = two_by_two.estimate(tiny()).average(0.95)
    assert twice.value == pytest.approx(3.5, abs=1e-14)
    assert twice.std_error == pytest.approx(np.sqrt(0.625 * 4 / 3 * 7 / 5), abs=1e-14)


def test_weights_by_hand() -> None:
    """Weights 1 and 3: (3 + 3 x 5)/4 - .5 = 4. Departures -1.5 and .5, weighted by 1/4 and 3/4: variance
    (1.5/4)^2 + (.5 x 3/4)^2 = .28125, beside .125 from the comparison units."""
    estimate = group_time.estimate(tiny(weight="w")).average(0.95)
    assert estimate.value == pytest.approx(4.0, abs=1e-14)
    assert estimate.std_error == pytest.approx(np.sqrt(0.28125 + 0.125), abs=1e-14)


def test_coarse_clusters_by_hand() -> None:
    """One cluster holds both treated units: their departures -1 and 1 cancel, only the comparison's .125 is left."""
    estimate = group_time.estimate(tiny(cluster="c")).average(0.95)
    assert estimate.std_error == pytest.approx(np.sqrt(0.125), abs=1e-14)
    assert (estimate.clusters, estimate.treated_clusters, estimate.df) == (3, 1, 2)


@pytest.mark.parametrize("weight", ["", "size"])
def test_covariance_equals_the_sum_over_units(weight: str) -> None:
    effects = group_time.estimate(samples.mpdta(weight=weight), comparison="not_yet_treated")
    psi = effects.influence()
    assert psi.shape == (500, len(effects.joint))
    np.testing.assert_allclose(psi.T @ psi, effects.joint, atol=1e-18)


def test_averages_carry_their_influence() -> None:
    effects = group_time.estimate(samples.castle())
    for averages in (effects.by("event_time"), effects.by("cohort"), effects.averaged_over(), effects.pre()):
        psi = averages.influence()
        np.testing.assert_allclose(psi.T @ psi, averages.joint, atol=1e-16)


def test_one_pass_serves_every_estimator() -> None:
    panel = samples.mpdta()
    assert moments(panel) is moments(panel)
    assert moments(panel.with_outcome(panel.outcome)) is not moments(panel)


def test_singleton_clusters_change_nothing_and_coarse_ones_sum() -> None:
    by_unit, by_state = samples.mpdta(), samples.mpdta(cluster="state")
    ours = group_time.estimate(by_state)
    psi = group_time.estimate(by_unit).influence()
    summed = np.zeros((by_state.clusters, psi.shape[1]))
    np.add.at(summed, by_state.cluster, psi)
    np.testing.assert_allclose(summed.T @ summed, ours.joint, atol=1e-18)
    assert ours.treated_clusters == 13


def test_two_way_errors_with_coarse_clusters_equal_linearmodels() -> None:
    """linearmodels' PanelOLS on the same regressors, its factor made fixest's (K counts every period)."""
    from linearmodels.panel import PanelOLS

    panel = samples.mpdta(cluster="state")
    frame = samples.long(panel).set_index(["countyreal", "year"])
    exog = pd.get_dummies(frame.index.get_level_values(1), drop_first=True).astype(float).set_index(frame.index)
    exog.columns = [str(c) for c in exog.columns]
    exog.insert(0, "treated", panel.treated.astype(float).ravel())
    clusters = frame[["cluster"]].astype(int)
    fit = PanelOLS(frame["lemp"], exog, entity_effects=True).fit(
        cov_type="clustered", clusters=clusters, auto_df=False, count_effects=False, group_debias=True, debiased=True
    )
    factor = (panel.n - exog.shape[1]) / (panel.n - exog.shape[1] - 1)
    ours = two_way_fixed_effects.estimate(panel).average(0.95)
    assert ours.value == pytest.approx(fit.params["treated"], abs=1e-10)
    assert ours.std_error == pytest.approx(fit.std_errors["treated"] * np.sqrt(factor), abs=1e-10)


def test_masked_cells_do_not_enter() -> None:
    before = samples.mpdta().before_adoption()
    kernel = moments(before)
    assert np.isnan(kernel.mean[kernel.row(1), 1:]).all() and np.isfinite(kernel.mean[0]).all()
    false = group_time.estimate(before.adopt_earlier(1))
    kept = set(zip(false.table["cohort"], false.table["period"], strict=True))
    assert (2005, 2005) in kept and (2005, 2006) not in kept


def test_event_study_without_never_treated_is_refused() -> None:
    from analysis.refusal import Refusal

    panel = samples.mpdta()
    treated = panel.only(panel.adoption != NEVER, "test")
    with pytest.raises(Refusal, match="E107 STOP design — two-way fixed effects cannot separate"):
        event_study.estimate(treated)


def test_influence_by_hand() -> None:
    panel = tiny()
    scores = np.zeros((2, 4, 1))
    scores[1, :2, 0] = [-1, 1]
    np.testing.assert_allclose(cluster_influence(panel, scores)[:, 0], [-1, 1, 0, 0])
