"""The regressors of an interrupted series: policy, transition, trend, season, other events, covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.designs._interrupted_series import Series
from analysis.inference import periods
from analysis.panel import Array
from analysis.refusal import Refusal

FEWEST = 3  # degrees of freedom


@dataclass(frozen=True, eq=False)
class Terms:
    """matrix: (T, k) regressors, the constant first; names and roles: of each. without: the same matrix had there been
    no policy."""

    matrix: Array
    names: tuple[str, ...]
    roles: tuple[str, ...]
    without: Array

    @property
    def words(self) -> str:
        """What is held constant, in words."""
        parts = {
            "trend": "a linear trend",
            "season": "the season",
            "event": "other events as steps",
            "covariate": ", ".join(n for n, r in zip(self.names, self.roles, strict=True) if r == "covariate"),
        }
        held = [words for role, words in parts.items() if role in self.roles]
        return f" beside {' and '.join([', '.join(held[:-1]), held[-1]] if held[:-1] else held)}" if held else ""


def terms(
    one: Series,
    *,
    impact: str,
    season: int,
    seasonality: str,
    harmonics: int,
    covariates: Sequence[str],
    other_events: Sequence[str],
    trend: bool = True,
) -> Terms:
    """The regressors: constant, policy, transition, trend, season, other events as steps, covariates.

    Raises Refusal: a column repeats others (E107), or too few periods are left for the errors (E125).
    """
    found: list[tuple[str, str, Array]] = [("constant", "constant", np.ones(len(one.place)))]
    found += _policy(one, impact)
    middle = one.place - one.place.mean()
    found += [("trend, per period", "trend", middle)] if trend else []
    found += _season(one.place, season, seasonality, harmonics)
    found += _events(one, other_events, periods.near(season))
    held, names = one.rows.matrix(covariates)
    found += [(name, "covariate", held[:, k]) for k, name in enumerate(names)]
    matrix = np.column_stack([column for _, _, column in found]).astype(float)
    kept = tuple(name for name, _, _ in found)
    roles = tuple(role for _, role, _ in found)
    _check(matrix, kept, roles)
    without = np.where(np.isin(roles, ["policy", "transition"]), 0.0, matrix)
    return Terms(matrix, kept, roles, without)


def _policy(one: Series, impact: str) -> list[tuple[str, str, Array]]:
    since = np.arange(len(one.place)) - int(np.argmax(one.counted))
    found = []
    if impact in ("step", "both"):
        found.append(("change of level at the start", "policy", one.counted * 1.0))
    if impact in ("ramp", "both"):
        found.append(("change of slope, per period", "policy", one.counted * (since + (impact == "ramp"))))
    for place in np.flatnonzero(one.under & ~one.counted):
        found.append((f"transition: {one.labels[place]:g}", "transition", (np.arange(len(one.place)) == place) * 1.0))
    return found


def _season(place: Array, season: int, seasonality: str, harmonics: int) -> list[tuple[str, str, Array]]:
    """Indicators of all places in the cycle but the first, or pairs of sine and cosine."""
    if season < 2:
        return []
    if seasonality == "dummies":
        inside = [k for k in range(season) if (place % season == k).any()]
        return [(f"season {k + 1}", "season", (place % season == k) * 1.0) for k in inside[1:]]
    found: list[tuple[str, str, Array]] = []
    for k in range(1, min(harmonics, season // 2) + 1):
        angle = 2 * np.pi * k * (place % season) / season
        found.append((f"season, cosine {k}", "season", np.cos(angle)))
        if 2 * k < season:
            found.append((f"season, sine {k}", "season", np.sin(angle)))
    return found


def _events(one: Series, other_events: Sequence[str], near: int) -> list[tuple[str, str, Array]]:
    """A step for every event inside the series; one too near to the start, or to another, is left to the checks."""
    found: list[tuple[str, str, Array]] = []
    taken: list[Array] = [one.under * 1.0]
    for event in other_events:
        date, _, name = event.partition(" ")
        step = (one.labels >= periods.belongs(float(date), one.labels, "other_events")) * 1.0
        apart = abs(int(np.argmax(step)) - one.first)
        if 0 < step.sum() < len(step) and apart > near and not any((step == other).all() for other in taken):
            taken.append(step)
            found.append((name, "event", step))
    return found


def _check(matrix: Array, names: tuple[str, ...], roles: tuple[str, ...]) -> None:
    scaled = matrix / np.sqrt((matrix**2).sum(axis=0))
    if len(matrix) >= len(names) and np.linalg.matrix_rank(scaled) < len(names):
        for k in range(1, len(names) + 1):
            if np.linalg.matrix_rank(scaled[:, :k]) < k:
                where = f"covariates:{names[k - 1]}" if roles[k - 1] == "covariate" else "start"
                fix = f"drop {names[k - 1]}" if roles[k - 1] == "covariate" else "use more periods or fewer terms"
                raise Refusal("E107", where, f"the term {names[k - 1]!r} repeats others", fix)
    if len(matrix) < len(names) + FEWEST:
        raise Refusal(
            "E125",
            "start",
            f"{len(matrix)} periods for {len(names)} coefficients: nothing is left to judge chance by",
            "use more periods, or fewer seasonal terms and covariates",
        )


def contrast(one: Series, given: Terms) -> Array:
    """(k,) the weights of the coefficients in the average effect."""
    return np.asarray((given.matrix - given.without)[one.counted].mean(axis=0))


def order_words(impact: str, lag: int) -> str:
    """The impact model in words."""
    shape = {"step": "a change of level", "ramp": "a change of slope", "both": "changes of level and slope"}[impact]
    return f"{shape}{f' after {lag} periods of transition' if lag else ''}"
