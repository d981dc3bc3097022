"""Frozen plans of a study: written once, read with suspicion, and held against what was done.

`reports/<study>/plans/<major>.<minor>.yml` says what was to be analysed and how, when that was written down and which
results were public by then. A change of outcome, sample, design, effect or threshold makes a major version, any other
change a minor one; every version after the first has a reason and lists what it changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import export, files, plans_done, plans_fields, plans_text, state, versions
from analysis.run.parameters import IDENTITY, Parameters
from analysis.run.plans_fields import Fields
from analysis.run.variant import Variant

FOLDER = "plans"
LONGEST = 300
_NAME = re.compile(r"([1-9]\d{0,3})\.(0|[1-9]\d{0,3})\.yml")
_KINDS: dict[str, Any] = {"study": str, "version": str, "registered": str, "results_public": list, "changes": list}
_KINDS |= {"reason": str | None, "replaces": dict | None, "plan": dict}


@dataclass(frozen=True)
class Plan:
    """A plan as registered. `public`: the names of versions with results on its outcome that were published before it;
    `changes`: what it changed in the version before, as {group, field, before, after}."""

    path: Path
    version: str
    registered: str
    public: tuple[str, ...]
    reason: str | None
    replaces: Mapping[str, Any] | None
    changes: tuple[Mapping[str, Any], ...]
    fields: Fields
    sha256: str

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor."""
        major, minor = self.version.split(".")
        return int(major), int(minor)

    def as_json(self) -> dict[str, Any]:
        """What a manifest keeps of it."""
        return {
            "version": self.version,
            "registered": self.registered,
            "sha256": self.sha256,
            "file": paths.shown(self.path),
            "results_public": list(self.public),
            "reason": self.reason,
            "changes": [dict(change) for change in self.changes],
        }


@dataclass(frozen=True)
class Registered:
    """How a request for a plan ended: the plan in force, whether it is new, and what it changed."""

    plan: Plan
    new: bool


def of(study: str) -> list[Plan]:
    """The plans of `study`, first one first.

    Raises Refusal R305 for a plan that was edited, renamed, taken away, or written anew after a report was held
    against it.
    """
    folder = paths.REPORTS / study / FOLDER
    found = sorted((read(path) for path in folder.glob("*.yml")), key=lambda plan: plan.number)
    for place, plan in enumerate(found):
        earlier = found[place - 1] if place else None
        if plan.replaces != ({"version": earlier.version, "sha256": earlier.sha256} if earlier else None):
            lost = plan.replaces["version"] if plan.replaces else "nothing"
            problem = f"it replaces plan {lost}, which is missing or not the one that it replaced"
            raise _lost(paths.shown(plan.path), problem, folder)
    known = {plan.version: plan.sha256 for plan in found}
    for version in versions.of(study):
        held = version.manifest.get("plan")
        for one in [*held["earlier"], held] if held else []:
            if known.get(one["version"]) != one["sha256"]:
                problem = f"{version.name} was held against another plan {one['version']}, or this one is missing"
                raise _lost(one["file"], problem, folder)
    return found


def _lost(where: str, problem: str, folder: Path) -> Refusal:
    return Refusal("R305", where, problem, f"restore the folder: git checkout -- {paths.shown(folder)}")


def read(path: Path) -> Plan:
    """The plan at `path`. Raises Refusal R305 naming file and line when it is not the one that was registered."""
    content = plans_text.read(path)
    shown = paths.shown(path)
    if not all(name in content and isinstance(content[name], kind) for name, kind in _KINDS.items()):
        raise Refusal("R305", shown, "not a complete plan", f"restore it: git checkout -- {shown}")
    own = f"{content['version']}.yml"
    if path.name != own or not _NAME.fullmatch(path.name) or path.parent.parent.name != content["study"]:
        problem = f"this is plan {content['version']} of {content['study']}, under another name"
        raise Refusal("R305", shown, problem, f"put it back where it was: reports/{content['study']}/{FOLDER}/{own}")
    return Plan(
        path,
        content["version"],
        content["registered"],
        tuple(content["results_public"]),
        content["reason"],
        content["replaces"],
        tuple(content["changes"]),
        Fields(content["plan"]),
        content[plans_text.SHA],
    )


def register(checked: Parameters, reason: str | None, detectable: Mapping[str, Any] | None = None) -> Registered:
    """Freeze what `checked` plans, unless the plan in force says the same.

    Args:
        checked: the study; its parameters are what is planned.
        reason: why the plan is changed, one line; needed from the second version on.
        detectable: the smallest effect that a draft on permuted outcomes would have found, if there is one.

    Raises Refusal R302 for a missing or unusable reason, R305 for plans that were tampered with.
    """
    study = checked.study_name
    _check_reason(reason)
    with state.lock(f"plans.{study}"):
        known = of(study)
        latest = known[-1] if known else None
        fields = plans_fields.of(checked, detectable)
        changes: list[dict[str, Any]] = []
        if latest is not None:
            defaults = plans_fields.defaults(checked.study)
            changes = plans_fields.differences(latest.fields, fields, defaults)
            if not changes:
                return Registered(latest, new=False)
            if reason is None:
                listed = ", ".join(change["field"] for change in changes)
                problem = f"the plan changes ({listed}) and no reason is given"
                raise Refusal(
                    "R302", "REASON", problem, f'make plan STUDY={study} REASON="why it changes, in one line"'
                )
            if fields["rules"][plans_fields.DETECTABLE] is None:
                before = latest.fields.flat().get(plans_fields.DETECTABLE)
                fields["rules"] = {**fields["rules"], plans_fields.DETECTABLE: before}
        return Registered(_write(checked, fields, latest, reason, changes), new=True)


def _check_reason(reason: str | None) -> None:
    if reason is None:
        return
    if not reason.strip() or not reason.isprintable() or len(reason) > LONGEST:
        problem = "the reason is empty, longer than a line of 300 characters, or holds signs that cannot be printed"
        raise Refusal("R302", "REASON", problem, "write one line of plain words")


def _write(
    checked: Parameters, fields: Fields, latest: Plan | None, reason: str | None, changes: list[dict[str, Any]]
) -> Plan:
    study = checked.study_name
    version = _next(latest, changes)
    content = {
        "study": study,
        "notebook": checked.notebook,
        "version": version,
        "registered": export.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "results_public": _public(checked),
        "commit": export.commit(),
        "replaces": {"version": latest.version, "sha256": latest.sha256} if latest else None,
        "reason": reason.strip() if reason else None,
        "changes": changes,
        "plan": {group: dict(entries) for group, entries in fields.items()},
    }
    path = paths.REPORTS / study / FOLDER / f"{version}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        files.write(partial, plans_text.render(content))
        partial.chmod(0o444)
        os.link(partial, path)  # unlike a rename, it never replaces a file that is there
    finally:
        partial.unlink(missing_ok=True)
    files.sync_folder(path.parent)
    return read(path)


def _next(latest: Plan | None, changes: list[dict[str, Any]]) -> str:
    """1.0; then the next major version for a change of what is answered, the next minor one for any other."""
    if latest is None:
        return "1.0"
    major, minor = latest.number
    return f"{major + 1}.0" if major_change(changes) else f"{major}.{minor + 1}"


def major_change(changes: list[dict[str, Any]]) -> bool:
    """Whether outcome, sample, design, effect or threshold change."""
    return any(change["group"] in plans_fields.MAJOR for change in changes)


def _public(checked: Parameters) -> list[str]:
    """Published versions that show results of this study (a sweep of it too), or on its outcome in another one."""
    own, name = (checked.study.dataset, checked.study.outcome), checked.study_name
    found = []
    for folder in sorted(p for p in paths.REPORTS.glob("[!.]*") if p.is_dir() and IDENTITY.fullmatch(p.name)):
        for version in versions.of(folder.name):
            values = version.manifest.get("parameters", {})
            same = (values.get("dataset"), values.get("outcome")) == own
            if same or name in (folder.name, values.get("study")):
                found.append(version.name)
    return found


def deviations(checked: Parameters, results: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was planned and what `checked` and its `results` (results.json) did, as plain JSON.

    None when the study has no plan. Keys: those of the plan in force (`version`, `registered`, `sha256`, `file`,
    `results_public`, `reason`, `changes`), `earlier` (the plans before, in the same form), `planned` ({group, field,
    planned}), `deviations` ({group, field, planned, done, reason}), `exploratory` ({kind, items}) and `badge`
    ("exploratory", "after_results" or None). A variant is held against the plan of its study.

    Raises Refusal R305 for plans that were tampered with, R301/R302 for a wrong file of reasons.
    """
    variant = isinstance(checked, Variant)
    known = of(checked.base if isinstance(checked, Variant) else checked.study_name)
    if not known:
        return None
    plan = known[-1]
    now = plans_fields.of(checked)
    changes = plans_fields.differences(plan.fields, now, plans_fields.defaults(checked.study))
    if variant:
        changes = [change for change in changes if change["group"] != "question"]
    reasons = {} if variant else plans_done.reasons(checked, {*now.flat(), *plan.fields.flat()})
    told = plans_done.told(plan.fields, changes, reasons, checked, results)
    badge = "exploratory" if told["unplanned_headline"] else "after_results" if plan.public else None
    return {**plan.as_json(), "earlier": [earlier.as_json() for earlier in known[:-1]], **told, "badge": badge}
