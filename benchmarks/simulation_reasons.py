"""Why a cell of the simulation table lies outside its band: what is known of a method, in the order in which it counts.

A cell outside for which nothing here applies is simulated again (`benchmarks.simulation`), because one in twenty lies
outside by chance.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.simulation_table import Row

FEW = 10
Rule = tuple[Callable[[Row], bool], str]


def reason(row: Row) -> str:
    """The first reason that applies; empty where none does."""
    return next((words for applies, words in RULES if applies(row)), "")


def _high(row: Row) -> bool:
    """Too many rejections, or too little coverage."""
    return row.value > row.high if row.measure == "size" else row.value < row.low


def _several_dates(row: Row) -> bool:
    two_way = row.method.startswith(("two_way_fixed_effects", "event_study:"))
    return row.study == "coverage" and two_way and row.design != "homogeneous"


def _own_errors(row: Row) -> bool:
    return "analytic" in row.method or "CR1" in row.method


RULES: tuple[Rule, ...] = (
    (
        lambda row: row.failures == row.draws,
        "cannot be computed: without the one treated cluster there is no estimate",
    ),
    (
        lambda row: "permutation" in row.method and row.value == 0 and row.clusters == 6,
        "never rejects: of twenty assignments, in pairs of opposite sign, two are always as large, so p is at least .1",
    ),
    (
        lambda row: row.measure == "size" and "permutation" in row.method and row.treated == 1 and row.value < row.low,
        "with one treated cluster p moves in steps of one over the number of clusters, and the last below .05 is lower",
    ),
    (
        lambda row: row.study.startswith("noisier") and "permutation of estimates" in row.method,
        "treated clusters are noisier than those they are exchanged with",
    ),
    (
        lambda row: row.study.startswith("noisier") and "permutation of ratios" in row.method,
        "treated clusters are noisier; dividing by the error helps, but it is itself estimated from few clusters",
    ),
    (
        lambda row: "CR2" in row.method and row.treated == 1,
        "one treated cluster is fitted exactly: its residual says nothing of its error",
    ),
    (
        lambda row: "CR2" in row.method and row.treated < FEW and not _high(row),
        "Satterthwaite's degrees of freedom are close to one with so few treated clusters: it hardly ever rejects",
    ),
    (
        lambda row: "wild" in row.method and row.treated < FEW and not _high(row),
        "with few treated clusters, imposing the null lets them dominate their own bootstrap: it hardly ever rejects",
    ),
    (
        lambda row: "wild" in row.method and row.treated < FEW,
        "few treated clusters: bootstrap samples hold few distinct values of their contribution",
    ),
    (
        lambda row: ("jackknife" in row.method or "CR2" in row.method) and row.treated < FEW and _high(row),
        "few treated clusters: closer than the usual errors, and still too small",
    ),
    (
        lambda row: _own_errors(row) and row.measure == "size" and row.treated < FEW and _high(row),
        "few treated clusters: errors come from so few residuals that they are far too small; the rule permutes",
    ),
    (_several_dates, "biased: with several dates two-way fixed effects compare with units already treated"),
    (
        lambda row: row.method.startswith("dose, slope") and _high(row),
        "a cubic is fitted to 25 units a cohort, without a correction for their leverage (.994 of the true error with "
        "400 a cohort)",
    ),
    (
        lambda row: "analytic" in row.method and row.clusters < 30 and _high(row),
        "no small-sample factor for small cohorts; the rule shows another inference",
    ),
    (
        lambda row: _own_errors(row) and row.treated < FEW and _high(row),
        "few treated clusters: errors are too small; the rule permutes",
    ),
    (
        lambda row: _own_errors(row) and row.measure == "size" and row.treated <= row.clusters / 5 and _high(row),
        "a fifth of the clusters or fewer is treated: the error rests mostly on them, the degrees of freedom count all "
        "(the published table for this cell has .070)",
    ),
    (
        lambda row: row.method.startswith("dose") and "jackknife" in row.method and not _high(row),
        "conservative: a curve through three or four units a cohort moves far when one of them is left out",
    ),
    (
        lambda row: row.study == "simultaneous bands" and "group_time" in row.method and _high(row),
        "errors of single event times rest on cohorts of twenty without a small-sample factor, which adds up",
    ),
    (
        lambda row: row.method.startswith("smoothness") and not _high(row),
        "conservative: the interval is long enough for the worst departure allowed, and this one is milder",
    ),
    (
        lambda row: row.method.startswith("relative magnitudes") and not _high(row),
        "conservative: changes before are estimated, and the set allows for each of them to be the largest",
    ),
    (
        lambda row: row.study == "simultaneous bands" and row.clusters < 30 and _high(row),
        "errors of single event times rest on few clusters and have no small-sample factor",
    ),
)
