"""One specification estimated: its number, whose data it rests on, and what each cluster contributed to it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis import data, designs
from analysis.data import catalog
from analysis.fits.weighting import Weighted
from analysis.panel import Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import AnyData, Data, Effects, Estimate
from analysis.rows import Rows
from analysis.studies.difference_in_differences import Study as Differences
from analysis.study import Study, modules, options
from analysis.sweep import members
from analysis.sweep.members import Members

KEPT = 4  # tables in their roles that a worker keeps
_LOADED: dict[str, AnyData] = {}
# What is said about a study and not read from its table.
SAID = frozenset(
    {"question", "decision", "intervention", "design", "estimators", "checks", "worthwhile", "better", "level", "draws"}
)
# Options of designs that the table is read by as well.
READ = frozenset({"predictors", "exclude", "unbalanced", "seed"})


@dataclass(frozen=True, eq=False)
class Result:
    """What became of one specification.

    status: "done"; "refused" by a rule of the project, with its `reason`; "failed" with an error that nobody foresaw.
    other: why the design estimates something else than it is asked for, as it says itself. limits: whose effects it
    averages where these are not all, in its words. spread: standard deviation of the outcome without the policy.
    contributions: (clusters,) influence of each cluster on the estimate,
    where the design knows it; members: who belongs to which cluster.
    """

    id: str
    status: Literal["done", "refused", "failed"]
    reason: str = ""
    estimate: Estimate | None = None
    baseline: float = math.nan
    other: str = ""
    limits: str = ""
    spread: float = math.nan
    contributions: Array | None = None
    members: Members | None = None

    @property
    def found(self) -> Estimate:
        """The estimate of a specification that is done."""
        assert self.estimate is not None
        return self.estimate


def estimate(name: str, study: Study) -> Result:
    """The specification `name`, which `study` describes. Never raises for what one specification does wrong: the others
    must not be lost, and the reason is part of the result."""
    try:
        return _estimated(name, study)
    except Refusal as refusal:
        return Result(name, "refused", refusal.problem)
    except MemoryError:
        raise
    except Exception as error:  # listed on the page and at the terminal, and tried again next time
        said = (str(error).strip().splitlines() or [""])[0]
        return Result(name, "failed", f"{type(error).__name__}: {said[:200]}")


def _estimated(name: str, study: Study) -> Result:
    table = load(study)
    effects = designs.estimate(study, table, study.design)
    answer = designs.headline(study, table, effects)
    if not math.isfinite(answer.value):
        raise Refusal("E107", "design", "the estimate is not a number", "choose another design")
    used, who = _used(table, effects)
    return Result(
        name,
        "done",
        estimate=answer,
        baseline=float(effects.baseline),
        other=_other(study, table, effects),
        limits=effects.estimand.partition("; ")[2],
        spread=spread(study, table),
        contributions=contributed(study, used, effects),
        members=who,
    )


def average(study: Study) -> str:
    """The name of the average that answers the study."""
    return study.average if isinstance(study, Differences) else "simple"


def one(study: Study, effects: Effects) -> Effects:
    """The effects averaged to the single number that answers the study."""
    return effects.along(average(study)).averaged_over()


def contributed(study: Study, used: AnyData, effects: Effects) -> Array | None:
    """(clusters,) contributions to the answer; None where the design knows none, or counts others than the clusters of
    the data `used`."""
    single = one(study, effects)
    if single.influence is None:
        return None
    found = np.asarray(single.influence()[:, 0], dtype=float)
    return found if len(found) == used.clusters and np.isfinite(found).all() and found.any() else None


def spread(study: Study, table: AnyData) -> float:
    """Standard deviation of the outcome where the policy does not apply: cells without it, rows not treated; NaN where
    the table does not tell."""
    if isinstance(table, Panel):
        return float(np.nanstd(table.outcome[~table.treated]))
    if isinstance(table, Sample):
        return float(np.std(table.outcome[~table.treated]))
    column = table.columns.get(str(getattr(study, "treatment", "")))
    untreated = column == 0 if column is not None else np.zeros(table.n, dtype=bool)
    return float(np.std(table.outcome[untreated])) if untreated.any() else math.nan


def load(study: Study) -> AnyData:
    """`data.load`, kept for the specifications that read the same cells in the same roles."""
    key = table_key(study)
    if key not in _LOADED:
        while len(_LOADED) >= KEPT:
            _LOADED.pop(next(iter(_LOADED)))
        _LOADED[key] = data.load(study)
    return _LOADED[key]


def table_key(study: Study) -> str:
    """The same text for studies that read the same table in the same way."""
    left_out = SAID | not_read(type(study))
    kept = {name: value for name, value in study.model_dump(mode="json").items() if name not in left_out}
    return json.dumps({**kept, "family": study.FAMILY, "sha256": catalog.read(study.dataset).sha256}, sort_keys=True)


def not_read(kind: type[Study]) -> frozenset[str]:
    """Choices of the designs of a family that say nothing about which cells are read."""
    chosen: set[str] = set().union(*(options(name) for name in modules("designs", kind.FAMILY)))
    return frozenset(chosen - set(kind.NUMBERS) - set(kind.ANYTHING) - READ)


def _used(table: AnyData, effects: Effects) -> tuple[AnyData, Members]:
    """The rows or units that the effects rest on, and who is in which of their clusters."""
    if not isinstance(table, Rows):
        kept = table.without_early_reactions(effects.anticipation)
        return kept, members.of(kept)
    if isinstance(effects, Weighted) and len(effects.kept) == table.n and not effects.kept.all():
        return table.rows(effects.kept), members.of(table, effects.kept)
    return table, members.of(table)


def _other(study: Study, table: Data | Rows, effects: Effects) -> str:
    staggered = isinstance(study, Differences) and not isinstance(table, Rows) and table.staggered
    if staggered and study.design in designs.TWO_WAY:
        return "with several adoption dates it also compares with units already treated"
    return effects.aside
