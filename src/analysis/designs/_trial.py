"""What the designs of a randomised trial share: from rows and choices to one contrast, its words and its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from analysis.designs.two_way_fixed_effects import single_row
from analysis.fits.randomised_trial import Arm, Trial
from analysis.inference import randomisation, sequential
from analysis.inference.trial_arms import Arms, arms
from analysis.inference.trial_regression import Contrast, Errors, Problem, contrast
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

FEWEST = 5  # clusters of an arm below which no cluster-robust error is shown
WORDS = {
    "classical": "classical least-squares errors (every row independent, same variance)",
    "robust": "errors robust to unequal variances (HC2; every row independent)",
    "clustered": "errors clustered by {cluster} ({clusters:,} clusters; CR2)",
}


@dataclass(frozen=True)
class Choice:
    """The choices that the designs share, as the study made them."""

    treatment: str
    control_arm: str | int | None = None
    arm: str | int | None = None
    strata: str | None = None
    strata_weights: str = "precision"
    errors: Errors | None = None
    uncertainty: str = "design"
    planned: int | None = None
    draws: int = 999
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Setting:
    """The two arms compared: the rows of them, the problem, and how errors are computed.

    kept: (rows,) which of the data's rows these are. lost: strata left out because one of the arms is missing there.
    """

    data: Rows
    arms: Arms
    kept: Array
    rows: Rows
    problem: Problem
    errors: Errors
    choice: Choice
    lost: int

    @property
    def units(self) -> tuple[int, int]:
        """Independent units (clusters, or rows) of the arm and of the control group."""
        member = self.problem.assigned == 1
        code = self.problem.cluster if self.errors == "clustered" else np.arange(self.problem.n)
        return len(np.unique(code[member])), len(np.unique(code[~member]))

    @property
    def names(self) -> tuple[str, str]:
        """The control group and the arm, in words that fit into a sentence."""
        shown = [name.lower() if name.endswith("group") else name for name in self.arms.shown[:2]]
        return shown[0], shown[1]


def setting(data: Rows, choice: Choice, covariates: Sequence[str] = (), *, interacted: bool = False) -> Setting:
    """The comparison that `choice` describes.

    Raises:
        Refusal: P005 (arms), E105 (errors that need or ignore clusters), E104 (too few clusters), E113 (thin strata).
    """
    found = arms(data, choice.treatment, choice.control_arm, choice.arm)
    strata = np.zeros(data.n) if choice.strata is None else data.column(choice.strata)
    both = np.isin(strata, np.intersect1d(strata[found.code == 0], strata[found.code == 1]))
    kept = found.compared & both
    if not kept.any():
        raise Refusal("E113", "strata", "no stratum has both arms", "name another column, or leave `strata` out")
    rows = data.rows(kept)
    errors: Errors = choice.errors or ("clustered" if data.clustered else "robust")
    if errors == "clustered" and not data.clustered:
        raise Refusal("E105", "errors", "clustered errors need a cluster column", "name `cluster`, or errors: robust")
    problem = Problem(
        outcome=rows.outcome,
        assigned=(found.code[kept] == 1).astype(float),
        strata=strata[kept],
        covariates=rows.matrix(covariates)[0],
        weight=rows.weight,
        cluster=rows.cluster,
        interacted=interacted,
        by_size=choice.strata_weights == "size",
    )
    lost = len(np.unique(strata[found.compared])) - len(np.unique(strata[kept]))
    made = Setting(data, found, kept, rows, problem, errors, choice, lost)
    _refuse_thin(made)
    return made


def _refuse_thin(made: Setting) -> None:
    problem, fewest = made.problem, min(made.units)
    if made.errors == "clustered" and fewest < FEWEST and made.choice.uncertainty != "permutation":
        raise Refusal(
            "E104",
            "errors",
            f"only {fewest} clusters in one of the arms: cluster-robust errors would be far too small",
            "set `uncertainty: permutation`, which counts what chance could have assigned",
        )
    if fewest < 2 and made.choice.uncertainty != "permutation":
        raise Refusal("P005", made.choice.treatment, "an arm has a single row", "check `where`, or name another arm")
    if not problem.by_size:
        return
    code = problem.cluster if made.errors == "clustered" else np.arange(problem.n)
    cells = np.unique(np.column_stack([problem.strata, problem.assigned, code]), axis=0)[:, :2]
    thin = np.unique(cells, axis=0, return_counts=True)[1] < 2
    if thin.any():
        raise Refusal(
            "E113",
            "strata_weights",
            f"{int(thin.sum())} of {len(thin)} cells of stratum and arm hold one unit, which shows no spread",
            "set `strata_weights: precision`, or merge strata",
        )


def trial(
    made: Setting, *, method: str, refit: Callable[..., Any], estimand: str = "", extra: dict[str, Any] | None = None
) -> Trial:
    """The contrast of `made` as effects, with the interval that the study reads."""
    found = contrast(made.problem, made.errors)
    control, arm = made.names
    share = "" if made.problem.by_size or made.choice.strata is None else ", strata weighted by how much they tell"
    return assembled(
        made,
        found,
        method=f"{method}{_strata_words(made)}",
        estimand=estimand
        or f"average effect of being assigned to the {_arm(arm)} rather than to the {_arm(control)}{share}",
        refit=refit,
        exposure=None,
        extra=extra or {},
    )


def assembled(
    made: Setting,
    found: Contrast,
    *,
    method: str,
    estimand: str,
    refit: Callable[..., Any],
    exposure: Array | None,
    extra: dict[str, Any],
) -> Trial:
    """Effects from a contrast: its table, words, arms and interval."""
    problem, choice = made.problem, made.choice
    treated, control = made.units
    clustered = made.errors == "clustered"
    hidden = clustered and min(treated, control) < FEWEST
    error = float("nan") if hidden else found.error
    bounds, words = _bounds(made, found, exposure)
    made_of = Trial(
        table=single_row(found.value, error, treated, control),
        joint=np.array([[error**2]]),
        kind="single",
        estimand=estimand,
        method=method,
        inference=f"{_errors_words(made, found)}{words}",
        df=found.df,
        n=problem.n,
        clusters=made.rows.clusters if clustered else problem.n,
        treated_clusters=treated,
        baseline=float(
            np.average(problem.outcome[problem.assigned == 0], weights=problem.weight[problem.assigned == 0])
        ),
        refit=refit,
        influence=partial(_contributions, found.psi, problem.cluster if clustered else None),
        compared="in the control group",
        arms=_arms(made),
        reading=choice.uncertainty,
        spread=_spread(problem),
        bounds=bounds,
    )
    return replace(made_of, **extra)


def _contributions(psi: Array, cluster: Array | None) -> Array:
    return (psi if cluster is None else np.bincount(cluster, psi))[:, None]


def _bounds(made: Setting, found: Contrast, exposure: Array | None) -> tuple[Callable[[float], Any] | None, str]:
    """The interval where it is not estimate +- t x error, and what it is in words."""
    choice, clustered = made.choice, made.errors == "clustered"
    if choice.uncertainty == "permutation":
        drawn = _draws(made, clustered, exposure)
        many = f"all {len(drawn.estimate):,}" if drawn.exact else f"{len(drawn.estimate) - 1:,} random"
        within = f" within {choice.strata}" if choice.strata else ""
        unit = f"clusters ({made.data.labels.word(made.data.labels.cluster)})" if clustered else "rows"
        words = f"; interval and p-value from {many} reassignments of {unit}{within}, ratio of estimate to error"
        return partial(_permuted, drawn), words if drawn.exact else f"{words} (seed {choice.seed})"
    if choice.uncertainty == "always_valid":
        count = made.rows.clusters if clustered else made.problem.n
        planned, unit = choice.planned or count, "clusters" if clustered else "rows"
        words = f"; interval valid however often the data are read, narrowest at {planned:,} {unit}"
        return partial(_sequence, found.value, found.error, count, planned), words
    return None, ""


def _draws(made: Setting, clustered: bool, exposure: Array | None) -> randomisation.Draws:
    problem, choice = made.problem, made.choice
    if exposure is None:
        return randomisation.draws(problem.by_value(), clustered, choice.draws, choice.seed)
    # What was received moves along as one more column while rows are ordered.
    carried = replace(problem, covariates=np.column_stack([problem.covariates, exposure])).by_value()
    ordered = replace(carried, covariates=carried.covariates[:, :-1])
    return randomisation.draws(ordered, clustered, choice.draws, choice.seed, carried.covariates[:, -1])


def _permuted(drawn: randomisation.Draws, level: float) -> tuple[float, float, float]:
    return (*drawn.interval(level), drawn.p_value())


def _sequence(value: float, error: float, count: int, planned: int, level: float) -> tuple[float, float, float]:
    half = float(sequential.factor(count, planned, level)) * error
    return value - half, value + half, sequential.p_value(value / error if error else 0.0, count, planned)


def _errors_words(made: Setting, found: Contrast) -> str:
    if made.errors == "clustered" and min(made.units) < FEWEST:
        return f"no standard error with {min(made.units)} clusters in one of the arms"
    named = WORDS[made.errors].format(
        cluster=made.data.labels.word(made.data.labels.cluster), clusters=made.rows.clusters
    )
    freedom = "Satterthwaite's " if made.errors != "classical" else ""
    return f"{named}; t distribution with {freedom}{found.df:,.{0 if found.df >= 100 else 1}f} degrees of freedom"


def _strata_words(made: Setting) -> str:
    if made.choice.strata is None:
        return ""
    one = "stratum" if made.lost == 1 else "strata"
    left = f", {made.lost} {one} without both arms left out" if made.lost else ""
    how = "averaged by their size" if made.problem.by_size else "as fixed effects"
    return f", strata ({made.data.labels.word(made.choice.strata)}) {how}{left}"


def _arm(name: str) -> str:
    return name if name.endswith("group") else f"arm {name}"


def _arms(made: Setting) -> tuple[Arm, ...]:
    """Every arm's mean with its error, from contributions by row or cluster."""
    found = []
    for place, name in enumerate(made.arms.shown):
        rows = made.data.rows(made.arms.code == place)
        weight = rows.weight / rows.weight.sum()
        mean = float(weight @ rows.outcome)
        sums = np.bincount(
            rows.cluster if made.errors == "clustered" else np.arange(rows.n), weight * (rows.outcome - mean)
        )
        units = len(sums)
        error = float(np.sqrt(units / (units - 1) * (sums @ sums))) if units > 1 else float("nan")
        found.append(Arm(name, rows.n, units, mean, error, float(max(units - 1, 1)), place < 2))
    return tuple(found)


def _spread(problem: Problem) -> float:
    """Standard deviation of the outcome within arms."""
    total = 0.0
    for arm in (0.0, 1.0):
        own = problem.assigned == arm
        weight = problem.weight[own]
        mean = np.average(problem.outcome[own], weights=weight)
        total += float(weight @ (problem.outcome[own] - mean) ** 2)
    return float(np.sqrt(total / max(problem.weight.sum() - 2, 1)))
