"""What the checks of a synthetic control share: cheap refits, the donors' rows, and averages over cohorts."""

from __future__ import annotations

import numpy as np

from analysis.checks._common import changed, options
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import NEVER, Array, Panel
from analysis.result import Effects


def point(effects: Effects, panel: Panel) -> float:
    """The answer estimated again on `panel`, without its uncertainty. Raises Refusal as the design does."""
    without = {"uncertainty": "none"} if "uncertainty" in options(effects) else {}
    return answer(changed(effects, panel, **without))


def answer(effects: Effects) -> float:
    """The average effect over the periods under the policy."""
    return float(effects.averaged_over().estimate[0])


def weights(effects: Synthetic) -> Array:
    """(J,) weights of the donors, averaged over cohorts by their treated units."""
    return np.asarray(np.average(effects.weights, axis=0, weights=effects.cohort_units))


def donor_rows(effects: Synthetic, panel: Panel) -> Array:
    """(J,) positions of the donors among the panel's units."""
    place = {label: k for k, label in enumerate(panel.units.tolist())}
    return np.array([place[label] for label in effects.donors.tolist()])


def levelled(effects: Synthetic) -> bool:
    """The expected path may lie at another level than the weighted donors do."""
    return effects.time_weights is not None


def before(effects: Synthetic) -> Array:
    """(C,) number of periods before the policy, by cohort."""
    return np.searchsorted(effects.times, effects.cohorts)


def moved_earlier(panel: Panel, shift: int) -> Panel:
    """Only the periods before the first adoption, with all treated units adopting `shift` periods before their end."""
    from dataclasses import replace

    reached = panel.adoption != NEVER
    first = int(panel.adoption[reached].min())
    early = panel.until(panel.periods[first - 1])
    adoption = np.where(reached, first - shift, NEVER)
    return replace(early, adoption=adoption, upcoming=np.zeros(len(adoption), dtype=int))
