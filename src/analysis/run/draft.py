"""The report on permuted outcomes: everything can be read and tried before anybody has seen a result.

A draft lives in `reports/.drafts/<study>/`, one at a time. It is no version: the catalogue, reviews and releases never
look there, and the publisher refuses masked outcomes anywhere else.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import publish, versions
from analysis.run.parameters import Parameters
from analysis.run.publish import Outcome

MASKED = "masked"
POWER = 0.8


def make(checked: Parameters) -> Outcome:
    """The report of `checked` with its outcomes permuted, in place of an earlier draft.

    Raises Refusal and Failed as `publish.publish`; R303 for a notebook without the parameter `masked`, R307 where the
    data are too few to hide an effect in.
    """
    hidden = masked(checked)
    outcome = publish.publish(hidden, into=_folder())
    for earlier in versions.of(checked.study_name, _folder()):
        if earlier.folder != outcome.version.folder:
            shutil.rmtree(earlier.folder)
    return outcome


def masked(checked: Parameters) -> Parameters:
    """`checked` with its outcomes masked."""
    if MASKED not in checked.values:
        problem = f"the notebook has no parameter {MASKED!r}"
        fix = f"add the line `{MASKED} = False` to its parameters cell and hand it to Study"
        raise Refusal("R303", f"notebooks/{checked.notebook}.ipynb", problem, fix)
    study = checked.study.model_copy(update={MASKED: True})
    return replace(checked, values={**checked.values, MASKED: True}, study=study)


def detectable(checked: Parameters) -> dict[str, Any] | None:
    """The smallest effect that would be found four times in five, judged by the draft of exactly these parameters.

    None without such a draft, or where its answer has no standard error. Permuted outcomes have lost a part of their
    likeness within groups and over time, so that the figure is a rough one; plans say so.
    """
    drafts = versions.of(checked.study_name, _folder())
    values = {**checked.values, MASKED: True}
    if not drafts or drafts[-1].manifest["parameters"] != values:
        return None
    number = next((n for n in drafts[-1].results()["numbers"] if n["id"] == "headline"), None)
    return _smallest(number) if number else None


def _smallest(number: Mapping[str, Any]) -> dict[str, Any] | None:
    error, low, high = number["std_error"], number["low"], number["high"]
    if error is None or low is None or high is None or not error > 0:
        return None
    size = (high - low) / 2 + NormalDist().inv_cdf(POWER) * error
    about = "from a draft on permuted outcomes: rough, and too small where outcomes are alike within groups"
    return {"about": float(f"{size:.2g}"), "unit": number["unit"], "power": POWER, "made": about}


def _folder() -> Path:
    return paths.REPORTS / publish.DRAFTS
