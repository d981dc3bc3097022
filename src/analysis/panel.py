"""The data an estimator sees: a table whose columns have roles, validated once and never mutated.

`Panel` holds one outcome for every unit in every period, as a units x periods matrix; `Sample` holds rows observed
once (repeated cross-sections). Both know who was dropped and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
NEVER = -1


@dataclass(frozen=True)
class Dropped:
    """Units or rows left out, with the reason a reader is told."""

    reason: str
    units: int
    rows: int


@dataclass(frozen=True)
class Labels:
    """The source's column names behind each role; `said` holds the label of every declared column, `public` whether
    units are places, organisations or periods, so that a page may name them."""

    outcome: str
    time: str
    unit: str = ""
    first_treated: str = ""
    weight: str = ""
    cluster: str = ""
    treatment: str = ""
    dose: str = ""
    eligible: str = ""
    said: Mapping[str, str] = field(default_factory=dict, compare=False)
    public: bool = field(default=False, compare=False)

    def word(self, column: str) -> str:
        """The column as people call it, inside a sentence: its declared label without what stands in brackets."""
        label = self.said.get(column, column).partition(" (")[0]
        return label if label[1:2].isupper() or column not in self.said else label[:1].lower() + label[1:]


@dataclass(frozen=True, eq=False)
class Panel:
    """Units observed in the same periods. Build it with `panel_from_frame`, which validates.

    outcome: (units, periods) in the outcome's own unit; a cell is NaN only where `before_adoption` masked it.
    periods: sorted period labels. adoption: (units,) position of the first treated period, NEVER where untreated.
    weight: (units,) with mean one. cluster: (units,) codes 0..clusters-1. upcoming: (units,) periods from the last one
    to an adoption after it, 0 where there is none. covariates: name -> (units, periods). treatment: (units, periods),
    where it may switch off again; adoption is then the first change. dose: (units,) intensity of the treatment, 0 where
    never treated. eligible: (units,) whether the unit is one that the policy is meant for; adoption then holds the date
    of the unit's surroundings. A missing outcome is NaN.
    """

    outcome: Array
    units: Array
    periods: Array
    adoption: Array
    weight: Array
    cluster: Array
    labels: Labels
    upcoming: Array
    covariates: dict[str, Array] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    treatment: Array | None = None
    dose: Array | None = None
    eligible: Array | None = None

    @cached_property
    def n(self) -> int:
        """Observed unit-periods."""
        return int(np.isfinite(self.outcome).sum())

    @cached_property
    def cohorts(self) -> Array:
        """Adoption positions present, in order; NEVER first when there are never-treated units."""
        return np.unique(self.adoption)

    @property
    def dates(self) -> Array:
        """Period labels at which cohorts adopt."""
        return np.asarray(self.periods[self.cohorts[self.cohorts != NEVER]])

    @property
    def staggered(self) -> bool:
        """More than one adoption date."""
        return len(self.dates) > 1

    @cached_property
    def treated_clusters(self) -> int:
        """Clusters with at least one unit that is ever treated."""
        reached = self.adoption != NEVER
        return int(np.count_nonzero(np.bincount(self.cluster[self._meant(reached)])))

    @cached_property
    def clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1

    @property
    def weighted(self) -> bool:
        """Units count differently."""
        return bool(self.labels.weight)

    @property
    def treated(self) -> Array:
        """(units, periods) whether the policy applies to the unit by then."""
        if self.treatment is not None:
            return np.asarray(self.treatment != 0)
        positions = np.arange(len(self.periods))
        reached = (self.adoption[:, None] != NEVER) & (positions >= self.adoption[:, None])
        return np.asarray(reached if self.eligible is None else reached & self.eligible[:, None])

    def until(self, period: Any) -> Panel:
        """The panel up to and including `period`; later adopters become not treated within it."""
        keep = self.periods <= period
        last = int(keep.sum()) - 1
        later = np.where(self.upcoming > 0, self.upcoming + len(self.periods) - 1 - last, 0)
        return replace(
            self,
            outcome=self.outcome[:, keep],
            periods=self.periods[keep],
            adoption=np.where(self.adoption > last, NEVER, self.adoption),
            upcoming=np.where(self.adoption > last, self.adoption - last, later),
            covariates={name: values[:, keep] for name, values in self.covariates.items()},
            treatment=None if self.treatment is None else self.treatment[:, keep],
        )

    def without_early_reactions(self, anticipation: int) -> Panel:
        """Without units that adopt so soon after the last period that they may already react."""
        soon = (self.upcoming > 0) & (self.upcoming <= anticipation)
        return self.only(~soon, f"adopts within {anticipation} periods after the last one and may already react")

    def before_adoption(self, anticipation: int = 0) -> Panel:
        """Only what was observed before each unit's own adoption (less the periods in which it may already react).

        Adoption dates are kept for `adopt_earlier`. With one adoption date the periods from it on are cut; with several
        (or a treatment that can switch off) the treated cells are masked.
        """
        if not self.staggered and self.treatment is None:
            first = int(self.cohorts.max()) - anticipation
            return replace(
                self,
                outcome=self.outcome[:, :first],
                periods=self.periods[:first],
                covariates={name: values[:, :first] for name, values in self.covariates.items()},
            )
        reached = np.arange(len(self.periods)) >= self.adoption[:, None] - anticipation
        touched = (self.adoption[:, None] != NEVER) & reached
        return replace(self, outcome=np.where(touched, np.nan, self.outcome))

    def adopt_earlier(self, k: int) -> Panel:
        """The panel with every adoption moved `k` periods earlier; units then treated from the start are dropped."""
        keep = (self.adoption == NEVER) | (self.adoption > k)
        adoption = np.where(self.adoption == NEVER, NEVER, np.maximum(self.adoption - k, 0))
        return replace(self, adoption=adoption).only(keep, f"a date {k} periods earlier leaves no period before it")

    def with_adoption(self, adoption: Array) -> Panel:
        """The same outcomes under other adoption positions (permutation inference)."""
        return replace(self, adoption=adoption)

    def with_outcome(self, outcome: Array) -> Panel:
        """The same design with another units x periods outcome."""
        return replace(self, outcome=outcome)

    def only(self, keep: Array, reason: str) -> Panel:
        """The units for which `keep` is true; the others are counted as dropped for `reason`."""
        if keep.all():
            return self
        gone = Dropped(reason, int((~keep).sum()), int(np.isfinite(self.outcome[~keep]).sum()))
        weight = self.weight[keep]
        return replace(
            self,
            outcome=self.outcome[keep],
            units=self.units[keep],
            adoption=self.adoption[keep],
            weight=weight / weight.mean() if self.weighted else weight,
            cluster=np.unique(self.cluster[keep], return_inverse=True)[1],
            upcoming=self.upcoming[keep],
            covariates={name: values[keep] for name, values in self.covariates.items()},
            dropped=(*self.dropped, gone),
            treatment=None if self.treatment is None else self.treatment[keep],
            dose=None if self.dose is None else self.dose[keep],
            eligible=None if self.eligible is None else self.eligible[keep],
        )

    def _meant(self, reached: Array) -> Array:
        return reached if self.eligible is None else np.asarray(reached & self.eligible)


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows observed once each: repeated cross-sections of groups that the policy reached and of one it did not.

    outcome, period (position), adoption (position of the first period under the policy in the row's group, NEVER where
    there is none), weight: (rows,). covariates: name -> (rows,). cluster: (rows,) codes, or every row its own.
    eligible: (rows,) whether the row is one that the policy is meant for. upcoming: (rows,) as in `Panel`, or None.
    """

    outcome: Array
    periods: Array
    period: Array
    adoption: Array
    weight: Array
    cluster: Array
    labels: Labels
    covariates: dict[str, Array] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    eligible: Array | None = None
    upcoming: Array | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.outcome)

    @cached_property
    def cohorts(self) -> Array:
        """Adoption positions present, in order; NEVER first when there are rows of a group never reached."""
        return np.unique(self.adoption)

    @property
    def treated(self) -> Array:
        """(rows,) whether the row belongs to a group that the policy reached, before or after."""
        reached = self.adoption != NEVER
        return np.asarray(reached if self.eligible is None else reached & self.eligible)

    @property
    def start(self) -> int:
        """Position of the first period in which any group is under the policy."""
        return int(self.cohorts[self.cohorts != NEVER].min())

    @property
    def dates(self) -> Array:
        """Period labels at which the policy starts."""
        return np.asarray(self.periods[self.cohorts[self.cohorts != NEVER]])

    @property
    def staggered(self) -> bool:
        """More than one start date."""
        return len(self.dates) > 1

    @property
    def weighted(self) -> bool:
        """Rows count differently."""
        return bool(self.labels.weight)

    @property
    def clustered(self) -> bool:
        """Rows are grouped into clusters coarser than the row."""
        return bool(self.labels.cluster)

    @cached_property
    def clusters(self) -> int:
        """Number of clusters (rows when each is its own)."""
        return int(self.cluster.max()) + 1

    @cached_property
    def treated_clusters(self) -> int:
        """Clusters with at least one row of a group reached."""
        return len(np.unique(self.cluster[self.treated]))

    def with_outcome(self, outcome: Array) -> Sample:
        """The same design with another outcome."""
        return replace(self, outcome=outcome)

    def without_early_reactions(self, anticipation: int) -> Sample:
        """Without rows of groups that adopt so soon after the last period that they may already react."""
        if self.upcoming is None or not anticipation:
            return self
        soon = (self.upcoming > 0) & (self.upcoming <= anticipation)
        reason = f"adopts within {anticipation} periods after the last one and may already react"
        gone = Dropped(reason, int(soon.sum()), int(soon.sum()))
        return replace(self.rows(~soon), dropped=(*self.dropped, gone)) if soon.any() else self

    def rows(self, keep: Array) -> Sample:
        """The rows selected or reordered by `keep` (a mask or positions)."""
        return replace(
            self,
            outcome=self.outcome[keep],
            period=self.period[keep],
            adoption=self.adoption[keep],
            weight=self.weight[keep],
            cluster=np.unique(self.cluster[keep], return_inverse=True)[1],
            covariates={name: values[keep] for name, values in self.covariates.items()},
            eligible=None if self.eligible is None else self.eligible[keep],
            upcoming=None if self.upcoming is None else self.upcoming[keep],
        )
