"""The contract's cases for the designs of a randomised trial."""

from __future__ import annotations

import functools

import numpy as np
from contract import Case

from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.panel import Labels
from analysis.rows import Rows

BEFORE = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]


@functools.cache
def training(outcome: str = "re78") -> Rows:
    labels = Labels(outcome, "")
    return rows_from_frame(table.load("nsw_mixtape"), labels, columns=["treat", *BEFORE, "employed"], unobserved=True)


@functools.cache
def vote() -> Rows:
    return rows_from_frame(table.load("rock_the_vote"), Labels("p", ""), columns=["treated", "strata", "n"])


@functools.cache
def classes(grade: str = "k", cluster: bool = True) -> Rows:
    frame = table.load("star")
    kind, school = f"star{grade}", f"schoolid{grade}"
    frame = frame[frame[kind].notna()]
    labels = Labels(f"score{grade}", "", cluster=school if cluster else "")
    return rows_from_frame(frame, labels, columns=[kind, school, "background", "lunch"], unobserved=True)


@functools.cache
def workshops() -> Rows:
    columns = ["treat", "comply", "depress1", "econ_hard", "sex", "age"]
    return rows_from_frame(table.load("jobs_ii"), Labels("depress2", ""), columns=columns)


@functools.cache
def audit() -> Rows:
    frame = table.load("resume_names")
    return rows_from_frame(frame, Labels("called", ""), columns=["name_group", "position", "quality"])


@functools.cache
def villages() -> Rows:
    """Made-up people (seed 5) in 24 villages drawn to two arms within three regions; the true effect is 1."""
    import pandas as pd

    draw = np.random.default_rng(5)
    village = np.repeat(np.arange(24), draw.integers(8, 20, 24))
    arm = np.concatenate([draw.permutation([0, 1] * 4) for _ in range(3)])
    common = draw.normal(size=24)
    before = draw.normal(size=len(village)) + common[village]
    after = before + common[village] + 1.0 * arm[village] + draw.normal(size=len(village))
    frame = pd.DataFrame({"y": after, "x": before, "arm": arm[village], "village": village, "region": village // 8})
    labels = Labels("y", "", cluster="village")
    return rows_from_frame(frame, labels, columns=["arm", "x", "region", "village"], unobserved=True)


TRAIN = {"treatment": "treat", "dataset": "nsw_mixtape"}
CASES = [
    Case("difference_in_means", training, TRAIN),
    Case("difference_in_means", vote, {"treatment": "treated", "strata": "strata", "dataset": "rock_the_vote"}),
    Case("difference_in_means", villages, {"treatment": "arm", "strata": "region", "strata_weights": "size"}),
    Case("difference_in_means", training, TRAIN | {"uncertainty": "permutation", "draws": 99}),
    Case("lin_adjusted", training, TRAIN | {"covariates": BEFORE}),
    Case("lin_adjusted", villages, {"treatment": "arm", "covariates": ["x"], "strata": "region"}),
    Case("pre_period_adjusted", training, TRAIN | {"pre_outcome": "re75"}),
    Case("pre_period_adjusted", villages, {"treatment": "arm", "pre_outcome": "x", "uncertainty": "always_valid"}),
    Case("complier_effect", workshops, {"treatment": "treat", "received": "comply", "dataset": "jobs_ii"}),
    Case(
        "two_proportions",
        audit,
        {"treatment": "name_group", "control_arm": "White-sounding name", "dataset": "resume_names"},
        shift=None,
        scales=(1.0,),
    ),
]
