"""What a plan fixes: every choice of a study by what it is about, with the rules that the project applies to it.

Everything is read from files: no estimator, check or decision is imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from analysis import paths
from analysis.run.parameters import Parameters
from analysis.study import Study

# In the order in which differences are told; the first five make a major version of a plan.
GROUPS = {
    "outcome": "Outcome",
    "sample": "Sample",
    "design": "Design and estimators",
    "estimand": "Effect meant",
    "threshold": "Effect that matters",
    "question": "Question",
    "controls": "Controls and weights",
    "further_outcomes": "Further outcomes",
    "uncertainty": "Uncertainty",
    "checks": "Checks",
    "rules": "Rules",
    "data": "Data as known",
}
MAJOR = ("outcome", "sample", "design", "estimand", "threshold")
MEANT, DETECTABLE, RULE = "effect_meant", "smallest_effect_found", "decision_rule"
_OF = {
    "outcome": ("outcome",),
    "sample": ("dataset", "where", "since", "until", "unbalanced", "exclude", "fit_from", "donut", "trim"),
    "estimand": ("average", "change", "estimand"),
    "threshold": ("worthwhile", "better"),
    "question": ("question", "decision", "intervention", "exclusion", "monotonicity"),
    "controls": (
        "covariates",
        "squares",
        "absorb",
        "weight",
        "strata",
        "strata_weights",
        "pre_outcome",
        "other_events",
    ),
    "further_outcomes": ("outcomes",),
    "uncertainty": ("cluster", "errors", "level", "draws", "seed", "uncertainty", "known_weights"),
    "checks": ("checks", "placebo_outcome", "placebo_columns", "negative_outcome", "density_dataset", "expected_share"),
}
_OWN = {
    "difference_in_differences": {"exposure": "checks"},
    "interrupted_time_series": {"lags": "uncertainty"},
    "randomised_trial": {"order": "checks", "received": "checks", "planned": "sample"},
    "regression_discontinuity": {"window": "sample"},
}
_APART = ("masked",)


class Fields(dict[str, dict[str, Any]]):
    """The fields of a plan: group, field, value."""

    ORDERED: ClassVar[tuple[str, ...]] = ("order", "expected_share")

    def flat(self) -> dict[str, Any]:
        """field -> value."""
        return {name: value for fields in self.values() for name, value in fields.items()}

    def group(self, name: str) -> str:
        """The group that holds the field `name`; design where none does."""
        return next((group for group, fields in self.items() if name in fields), "design")


def of(checked: Parameters, detectable: Mapping[str, Any] | None = None) -> Fields:
    """The fields of the plan that `checked` amounts to; `detectable` is what a masked draft found, if there is one."""
    study = checked.study
    found = Fields({group: {} for group in GROUPS})
    for name in type(study).model_fields:
        if name not in _APART and name in checked.values:
            found[group_of(study, name)][name] = getattr(study, name)
    found["estimand"][MEANT] = _card(study.design)
    found["rules"] = {**_rules(study), DETECTABLE: dict(detectable) if detectable else None}
    found["data"] = {"checksums": {source.dataset: source.sha256 for source in checked.sources}}
    return Fields({group: fields for group, fields in found.items() if fields})


def group_of(study: Study, field: str) -> str:
    """The group of one parameter. One that nobody has classified is a part of the design."""
    own = _OWN.get(study.FAMILY, {}).get(field)
    return own or next((group for group, names in _OF.items() if field in names), "design")


def _card(design: str) -> str:
    """The estimand on the method card of a design."""
    text = ast.get_docstring(_tree(f"designs/{design}.py")) or ""
    match = re.search(r"^Estimand: (.+?)(?=\n[A-Z][a-z ]+: |\n\n|\Z)", text, re.M | re.S)
    return " ".join(match[1].split()) if match else ""


def _rules(study: Study) -> dict[str, Any]:
    """The rules of the family: what strong evidence needs, how far it can go, and what follows from it."""
    grounds = _grounds(study.FAMILY)
    most, reason = grounds.get("ceilings", {}).get(study.design, (grounds.get("ceiling", 3), grounds.get("reason", "")))
    word = {1: "weak", 2: "moderate", 3: "strong"}[most]
    sure = _constant("decide/decision.py", "SURE")
    return {
        "needed_checks": list(grounds.get("needed", ())),
        "strongest_evidence": f"{word}: {reason}" if reason else word,
        RULE: _decision_rule(sure),
        "several_tests": _several_tests(study),
        "missing_data": _missing_data(study),
    }


def _decision_rule(sure: float) -> str:
    return (
        f"The result counts in favour when a benefit that matters is at least {100 * sure:.0f} % likely and no effect "
        "is rejected (at the level of the plan, and at five per cent). It counts against when the same holds of a "
        "harm. Choose on other grounds when the whole interval lies below an effect that matters. Collect more "
        "evidence otherwise. "
        "Nothing is recommended on weak evidence, and a check that says stop withholds the answer. Evidence has three "
        "steps and loses one for each kind of threat with a caution, and for each needed check that was not made."
    )


def _several_tests(study: Study) -> str:
    alone = "One estimate on one outcome answers the question; its p-value is not adjusted."
    if "outcomes" in type(study).model_fields:
        return (
            f"{alone} Further arms and outcomes are shown with p-values adjusted for each other (Holm; Westfall-Young)."
        )
    return f"{alone} Other estimators and checks are shown beside it and never replace it."


def _missing_data(study: Study) -> str:
    kept = {
        "refuse": "A missing period stops the analysis.",
        "drop_units": "Units with a missing period are left out and counted.",
        "keep": "Units with missing periods stay with the periods they have, and the gaps are counted.",
    }
    unbalanced = getattr(study, "unbalanced", None) if study.SHAPE == "panel" else None
    if unbalanced is not None:
        return f"{kept[unbalanced]} Nothing is filled in."
    aside = " Rows without an outcome are kept aside and counted by group." if study.UNOBSERVED else ""
    return f"Rows without a value in a named column are left out and counted.{aside} Nothing is filled in."


def _grounds(family: str) -> dict[str, Any]:
    """The plain parts of a family's GROUNDS, by name."""
    call = _assigned(_tree(f"decide/{family}.py"), "GROUNDS")
    if not isinstance(call, ast.Call):
        return {}
    plain = ("needed", "ceiling", "reason", "ceilings")
    return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords if word.arg in plain}


def _constant(file: str, name: str) -> float:
    value = _assigned(_tree(file), name)
    return float(ast.literal_eval(value)) if value is not None else float("nan")


def _assigned(tree: ast.Module, name: str) -> ast.expr | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node.value
    return None


def _tree(file: str) -> ast.Module:
    return ast.parse((paths.SOURCE / file).read_text(encoding="utf-8"))


def same(field: str, planned: Any, done: Any) -> bool:
    """Whether two values of a field mean the same, however they are written: 2 and 2.0, lists in another order."""
    return bool(_plain(field, planned) == _plain(field, done))


def _plain(field: str, value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        text = " ".join(value.split())
        return re.sub(r"\s*(==|!=|<=|>=|<|>)\s*", r"\1", text) if field == "where" else text
    if isinstance(value, Mapping):
        return {name: _plain(field, entry) for name, entry in value.items()}
    entries = [_plain(field, entry) for entry in value]
    return entries if field in Fields.ORDERED else sorted({(str(type(e)), e) for e in entries})


def differences(planned: Fields, now: Fields, defaults: Mapping[str, Any]) -> list[dict[str, Any]]:
    """{group, field, before, after} for every field that differs, in the order of GROUPS.

    A field that the plan does not know, because it was added to the notebook later, differs when it has another value
    than its default; what a draft found out is compared only where the plan had none.
    """
    groups = {field: group for side in (planned, now) for group, fields in side.items() for field in fields}
    before, after = planned.flat(), now.flat()
    found = []
    for field, group in sorted(groups.items(), key=lambda pair: list(GROUPS).index(pair[1])):
        old, new = before.get(field, defaults.get(field)), after.get(field)
        learnt = field == DETECTABLE and (new is None or old is not None)
        if not learnt and not same(field, old, new):
            found.append({"group": group, "field": field, "before": old, "after": new})
    return found


def defaults(study: Study) -> dict[str, Any]:
    """field -> the value that a study has without naming it; None where it must be named."""
    fields = type(study).model_fields
    return {name: None if field.is_required() else field.get_default() for name, field in fields.items()}
