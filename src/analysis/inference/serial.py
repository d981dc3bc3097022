"""Serial correlation in panels: Wooldridge's test on residuals of first differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference.cluster_robust import cr1, least_squares
from analysis.inference.panel_fit import PanelFit, neighbours


@dataclass(frozen=True)
class Serial:
    """slope: of the residual of first differences on the one before. p_value: of no serial correlation in the levels'
    errors, under which the slope is -1/2. pairs: residuals compared."""

    slope: float
    p_value: float
    pairs: int

    @property
    def walk(self) -> bool:
        """Errors are closer to a random walk, under which the slope is 0, than to independence."""
        return self.slope > -0.25


def wooldridge(differenced: PanelFit) -> Serial | None:
    """The test on a fit of first differences (Wooldridge 2010, section 10.6.3; Drukker 2003), clustered; None where no
    unit has two neighbouring changes."""
    from scipy import stats

    before, after = neighbours(differenced.terms)
    if not len(before):
        return None
    residual = differenced.regression.residual
    cluster = np.unique(differenced.terms.cluster[after], return_inverse=True)[1]
    if cluster.max() < 1:
        return None
    fit = least_squares(residual[after], residual[before][:, None], cluster)
    robust = cr1(fit)
    slope = float(fit.estimate[0])
    t = (slope + 0.5) / float(robust.errors[0])
    return Serial(slope, float(2 * stats.t.sf(abs(t), float(robust.df[0]))), len(before))
