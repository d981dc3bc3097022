"""Planned and done: the reasons people gave for each difference, and what was shown without having been planned.

Reasons stand in `params/<notebook>/deviations/<study>.yml`, one line for each field: `outcome: why another one`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis import paths, strict_yaml
from analysis.refusal import Refusal
from analysis.run.parameters import Parameters
from analysis.run.plans_fields import DETECTABLE, GROUPS, MEANT, Fields
from analysis.study import Study, did_you_mean

FOLDER = "deviations"
# Changing these changes the number at the top of the report; a longer list of other estimators does not.
HEADLINE = ("outcome", "sample", "design", "estimand")
_BESIDE = ("estimators", MEANT)
# What a project's own rules make of another choice: where that one differs, so may these.
_FOLLOWS = {MEANT: "design", "strongest_evidence": "design", "missing_data": "unbalanced", "checksums": "dataset"}


def place(checked: Parameters) -> Path:
    """Where people write why they departed from the plan."""
    return paths.PARAMS / checked.notebook / FOLDER / f"{checked.study_name}.yml"


def reasons(checked: Parameters, known: Collection[str]) -> dict[str, str]:
    """field -> why it was not done as planned; empty without a file.

    Raises Refusal R304 (YAML), R301 (no such field) or R302 (not a sentence), naming the file.
    """
    path = place(checked)
    if not path.is_file():
        return {}
    shown = paths.shown(path)
    found: dict[str, str] = {}
    for name, reason in strict_yaml.read(path, shown).items():
        if name not in known:
            problem = f"the plan has no field {name!r}"
            raise Refusal("R301", f"{shown}:{name}", problem, did_you_mean(name, known))
        if not isinstance(reason, str) or len(reason.split()) < 2:
            fix = f"write `{name}: why it was not done as planned`"
            raise Refusal("R302", f"{shown}:{name}", "a reason is a short sentence", fix)
        found[name] = " ".join(reason.split())
    return found


def told(
    planned: Fields,
    changes: Sequence[Mapping[str, Any]],
    reasons: Mapping[str, str],
    checked: Parameters,
    results: Mapping[str, Any],
) -> dict[str, Any]:
    """`labels` (of named columns), `planned`, `deviations`, `exploratory` and `unplanned_headline` as plain JSON."""
    differing = [
        {
            "about": GROUPS[change["group"]],
            "group": change["group"],
            "field": change["field"],
            "planned": change["before"],
            "done": change["after"],
            "reason": reasons.get(change["field"]) or _follows(change["field"], {one["field"] for one in changes}),
        }
        for change in changes
        if change["field"] != DETECTABLE
    ]
    columns = checked.source.columns
    named = [value for one in differing for value in (one["planned"], one["done"])] + [*planned.flat().values()]
    return {
        "labels": {one: columns[one].label for one in named if isinstance(one, str) and one in columns},
        "planned": [
            {"about": GROUPS[group], "field": field, "planned": value}
            for group, fields in planned.items()
            for field, value in fields.items()
        ],
        "deviations": differing,
        "exploratory": exploratory(planned, checked.study, results),
        "unplanned_headline": [
            change["field"] for change in differing if change["group"] in HEADLINE and change["field"] not in _BESIDE
        ],
    }


def _follows(field: str, changed: Collection[str]) -> str | None:
    cause = _FOLLOWS.get(field)
    return f"follows from the other {cause}" if cause in changed else None


def exploratory(planned: Fields, study: Study, results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is shown without having been planned: {kind, items}, empty kinds left out."""
    before = planned.flat()
    now = study.model_dump()
    made = [str(check["name"]) for check in results.get("checks", [])]
    shown = {
        "outcomes": [now["outcome"], *now.get("outcomes", [])],
        "estimators": [now["design"], *now["estimators"]],
        "conditions on rows": now["where"],
        "arms": [now[name] for name in ("control_arm", "arm") if now.get(name) is not None],
        "checks": [*now["checks"], *made],
        "columns that the policy cannot have moved": _placebos(now),
    }
    expected = {
        "outcomes": [before.get("outcome"), *(before.get("outcomes") or [])],
        "estimators": [before.get("design"), *(before.get("estimators") or [])],
        "conditions on rows": before.get("where") or [],
        "arms": [before.get("control_arm"), before.get("arm")],
        "checks": before.get("checks") or [],
        "columns that the policy cannot have moved": _placebos(before),
    }
    found = []
    for kind, items in shown.items():
        known = {_spaceless(item) for item in expected[kind]}
        fresh = [item for item in dict.fromkeys(items) if _spaceless(item) not in known]
        if fresh:
            found.append({"kind": kind, "items": fresh})
    return found


def _placebos(values: Mapping[str, Any]) -> list[str]:
    named = [values.get(name) for name in ("placebo_outcome", "negative_outcome")]
    return [*(values.get("placebo_columns") or []), *(name for name in named if name)]


def _spaceless(item: Any) -> str:
    return "".join(str(item).split())
