"""What a panel regression knows beyond its effect: the regression itself, for checks and charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.result import Effects

if TYPE_CHECKING:
    from analysis.inference.panel_fit import PanelFit


@dataclass(frozen=True, eq=False)
class PanelEffects(Effects):
    """The effect of a change in treatment within the same period.

    fit: the regression, its first coefficient the effect. model: the design's name.
    """

    fit: PanelFit | None = None
    model: str = ""

    @property
    def regression(self) -> PanelFit:
        """The regression, which every design of this family sets."""
        assert self.fit is not None
        return self.fit
