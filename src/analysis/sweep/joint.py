"""Whether the curve as a whole could have come about without any effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from analysis.inference import joint_null
from analysis.inference.joint_null import FEWEST_BLOCKS, Joint
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Estimate
from analysis.run import progress
from analysis.sweep import fit, members, reassigned, store
from analysis.sweep.fit import Result
from analysis.sweep.summary import Entry, Summary

TOO_FEW = "with so few independent blocks no pattern of signs is rare enough to tell chance from an effect"
UNLABELLED = (
    "specifications use different rows, and rows without a label cannot be matched; declare a column with the role "
    "unit in source.yml to name them"
)


@dataclass(frozen=True)
class Verdict:
    """The joint test, or why there is none. left: specifications that count and are not in the test, because they show
    no standard error."""

    joint: Joint | None
    reason: str
    left: int


def examine(summary: Summary) -> Verdict:
    """The joint test of the specifications that count.

    By signs for clusters' contributions where every one of them has these and they can be matched, else by estimating
    all of them again with the treatment reassigned among units, where the design has units that could have been
    treated in each other's place.
    """
    entries = [entry for entry in summary.compared if _critical(entry.estimate) is not None]
    left = len(summary.compared) - len(entries)
    if not entries:
        return Verdict(None, "no specification has a standard error", left)
    matrix = _matrix([entry.result for entry in entries])
    if matrix is not None and len(matrix) < FEWEST_BLOCKS:
        return Verdict(None, f"there are {len(matrix)} of them: {TOO_FEW}", left)
    if matrix is not None:
        return Verdict(_by_signs(summary, entries, matrix), "", left)
    if len({entry.result.members.rows for entry in entries if entry.result.members}) > 1:
        return Verdict(None, UNLABELLED, left)
    try:
        return Verdict(_by_assignments(summary, entries), "", left)
    except Refusal as refusal:
        return Verdict(None, refusal.problem, left)


def prepare(summary: Summary, workers: int) -> None:
    """Make the estimates under reassigned treatment on `workers` processes, where the joint test needs them."""
    entries = [entry for entry in summary.compared if _critical(entry.estimate) is not None]
    if not entries or _matrix([entry.result for entry in entries]) is not None:
        return
    from joblib import Parallel, delayed, parallel_config

    sweep, kept = summary.sweep, store.of(summary.sweep)
    if len({entry.result.members.rows for entry in entries if entry.result.members}) > 1:
        return
    try:
        table = fit.load(sweep.study)
        reassigned.reassign(sweep.study, table, sweep.seed, 0)
    except Refusal:
        return  # `examine` says why
    progress.say(f"{sweep.name}: estimating {len(entries)} specifications {sweep.draws} times with other units treated")
    jobs = (delayed(reassigned.draws)(entry.specification.study, sweep.draws, sweep.seed, kept) for entry in entries)
    with parallel_config(backend="loky", inner_max_num_threads=1) if workers > 1 else nullcontext():
        Parallel(n_jobs=workers)(jobs)


def _by_signs(summary: Summary, entries: Sequence[Entry], matrix: Array) -> Joint:
    critical = [_critical(entry.estimate) for entry in entries]
    return joint_null.by_multipliers(
        np.array([entry.estimate.value for entry in entries]),
        np.array([entry.estimate.std_error for entry in entries], dtype=float),
        np.array(critical, dtype=float),
        matrix,
        draws=summary.sweep.draws,
        seed=summary.sweep.seed,
    )


def _by_assignments(summary: Summary, entries: Sequence[Entry]) -> Joint:
    kept = store.of(summary.sweep)
    sweep = summary.sweep
    drawn = [reassigned.draws(entry.specification.study, sweep.draws, sweep.seed, kept) for entry in entries]
    scale = np.array(
        [entry.result.found.value / entry.estimate.value if entry.estimate.value else 1.0 for entry in entries]
    )
    null = np.column_stack([one.estimate for one in drawn]) / scale
    error = np.column_stack([one.error for one in drawn]) / scale
    critical = np.array([_critical(entry.estimate) for entry in entries], dtype=float)
    own = np.array([entry.estimate.value for entry in entries])
    shown = np.array([entry.estimate.std_error for entry in entries], dtype=float)
    return joint_null.by_draws(
        own,
        np.abs(own) > critical * shown,
        null,
        np.abs(null) > critical * error,
        blocks=min(one.blocks for one in drawn),
    )


def _matrix(results: Sequence[Result]) -> Array | None:
    """(blocks, specifications) contributions; None unless every specification has them and all can be matched."""
    contributions = [one.contributions for one in results if one.contributions is not None]
    known = [one.members for one in results if one.members is not None]
    if len(contributions) < len(results) or len(known) < len(results):
        return None
    return members.aligned(contributions, known)


def _critical(estimate: Estimate) -> float | None:
    """How many standard errors an estimate must be away from zero; None without an error."""
    if estimate.std_error is None or not estimate.std_error > 0:
        return None
    from scipy import stats

    half = (1 + estimate.level) / 2
    df = math.inf if estimate.df is None else estimate.df
    return float(stats.t.ppf(half, df) if math.isfinite(df) else stats.norm.ppf(half))
