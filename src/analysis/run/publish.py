"""Make, verify or confirm the report of one parameter file.

Which of the four happens:

* **current**: a version answers this content key and this machine has run it before. No kernel.
* **reproduced**: a version answers this key, or does apart from the version of Python, but this machine has never run
  it. It is run once and compared; agreement is remembered on this machine only, the published files are not touched.
  Disagreement is a failure.
* **verified**: the key is new, but neither parameters nor data moved since the latest version, and the run gives its
  numbers (within `compare.TOLERANCE`), its texts and, rendered with the latest version's facts, its page byte for
  byte. No new version; the latest manifest's `verified` list gains a line, and the new key counts as published.
* **published**: everything else. Changed parameters or data always make a new version, even if no number moved; so
  does a changed notebook text, template or figure, because a reader would see another page.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from analysis import paths
from analysis.data import catalog
from analysis.refusal import Refusal
from analysis.report import planned
from analysis.run import attempt as attempts
from analysis.run import (
    compare,
    differences,
    export,
    files,
    identity,
    parameters,
    plans,
    rules,
    staging,
    state,
    versions,
)
from analysis.run.attempt import Attempt
from analysis.run.identity import Identity
from analysis.run.parameters import Parameters
from analysis.run.versions import Version

DRAFTS = ".drafts"


@dataclass(frozen=True)
class Outcome:
    """How a request for a report ended well: one sentence and the version that answers it."""

    kind: Literal["current", "reproduced", "verified", "published"]
    sentence: str
    version: Version


@dataclass(frozen=True)
class _Job:
    """What is to be published where: `again` reads the parameters once more, `into` is None for reports/."""

    checked: Parameters
    own: Identity
    into: Path | None
    again: Callable[[], Parameters]

    def versions(self) -> list[Version]:
        return versions.of(self.checked.study_name, self.into)

    def index(self) -> None:
        from analysis.run import index

        if self.into is None:
            index.write()


def report(path: Path) -> Outcome:
    """The report of the parameter file at `path`, run only when needed.

    Raises Refusal for bad input (before any kernel) and Failed for a run that cannot be published. Both leave every
    published file as it was.
    """
    return _make(parameters.load(path), None, lambda: parameters.load(path))


def publish(checked: Parameters, *, into: Path | None = None) -> Outcome:
    """The report of `checked` parameters (a variant, a sweep, a masked draft), by the same steps as `report`.

    `into` is the folder of the study's folder: None for reports/, otherwise one that the catalogue does not list.
    Raises Refusal and Failed as `report`; R306 when outcomes are masked and the folder is not one of drafts.
    """
    return _make(checked, into, lambda: checked)


def _make(checked: Parameters, into: Path | None, again: Callable[[], Parameters]) -> Outcome:
    _refuse_masked(checked, into)
    _refuse_shared_name(checked)
    for source in checked.sources:
        _fetch(source)
        catalog.verify(source)
    own = identity.of(checked)
    job = _Job(checked, own, into, again)
    done = _current(job)
    if done is not None:
        return done
    with state.only_run_of(checked.study_name):
        return _current(job) or _run(job)


def _fetch(source: catalog.Source) -> None:
    """Bring the study's own dataset when it is not there yet."""
    if source.distribution and not source.path.exists():
        from analysis.data import materialise

        materialise.materialise(source.dataset)


def _refuse_masked(checked: Parameters, into: Path | None) -> None:
    """Permuted outcomes look like results; they are never put where results are read."""
    hidden = into is not None and into.resolve().is_relative_to((paths.REPORTS / DRAFTS).resolve())
    if checked.study.masked and not hidden:
        problem = "the outcomes are masked, and a draft on masked outcomes is never published"
        fix = f"delete `masked: true`, or make a draft: make draft STUDY={checked.study_name}"
        raise Refusal("R306", f"{checked.file}:masked", problem, fix)


def _refuse_shared_name(checked: Parameters) -> None:
    others = [p for p in parameters.every() if p.stem == checked.study_name and p.parent.name != checked.notebook]
    if others:
        problem = f"{paths.shown(others[0])} has the same study name, and both would publish into one folder"
        raise Refusal("R303", checked.file, problem, "rename one of the two files")


def _current(job: _Job) -> Outcome | None:
    published = job.versions()
    version = versions.covering(published, job.own)
    if version is None:
        return None
    version.refuse_if_changed()
    if not state.verified_here(version, job.own.key):
        return None
    later = "" if version == published[-1] else f" (a later version with other inputs exists: {published[-1].report})"
    told = version.manifest.get("status") or {}
    if told.get("state") == "withdrawn":
        return Outcome("current", f"{version.report} is withdrawn: {told.get('sentence', '')}{later}", version)
    return Outcome("current", f"{version.report} is up to date{later}{_unexplained(version.manifest)}", version)


def _run(job: _Job) -> Outcome:
    start = time.monotonic()
    attempts.preflight(job.checked)
    for latest in job.versions()[-1:]:
        latest.refuse_if_changed()
    with staging.folder(job.checked.study_name) as folder:
        attempt = attempts.make(job.checked, job.own, folder, job.again)
        published = job.versions()
        version = versions.covering(published, job.own)
        if version is not None:
            return _reproduced(job, version, attempt)
        if published and _same_content(published[-1], job.own, attempt):
            return _verified(job, published[-1], attempt)
        return _published(job, attempt, published, folder, start)


def _agreement(version: Version, attempt: Attempt) -> compare.Agreement:
    return compare.agreement(version.results(), attempt.results, version.notebook(), attempt.notebook)


def _reproduced(job: _Job, version: Version, attempt: Attempt) -> Outcome:
    found = _agreement(version, attempt)
    if not found.complete:
        summary = f"not reproduced here: {found.agree} of {found.of} published numbers of {version.name} agree"
        raise attempt.reject([summary, *map(str, found.numbers), *found.texts])
    job.index()
    state.remember(version, job.own.key)
    sentence = f"{version.name}: reproduced here: {found.agree} of {found.of} published numbers agree"
    return Outcome("reproduced", sentence, version)


def _same_content(latest: Version, own: Identity, attempt: Attempt) -> bool:
    """Whether a reader of the latest version would find nothing new in this run."""
    if {"parameters", "data", "plan"} & set(own.moved(latest.manifest["parts"])):
        return False
    latest.refuse_if_changed()
    if not _agreement(latest, attempt).complete:
        return False
    published = latest.notebook()
    if published is None:
        return False
    shown = compare.with_provenance_of(published, attempt.notebook)
    page = _render(shown, latest.manifest)
    return page == (latest.folder / versions.REPORT).read_text(encoding="utf-8")


def _verified(job: _Job, latest: Version, attempt: Attempt) -> Outcome:
    own = job.own
    found = _agreement(latest, attempt)
    line = {
        "date": f"{export.now():%Y-%m-%d}",
        "key": own.key,
        "parts": dict(own.parts),
        "python": identity.PYTHON,
        "platform": export.this_platform(),
        "agree": found.agree,
        "of": found.of,
    }
    manifest = {**latest.manifest, "verified": [*latest.manifest["verified"], line]}
    files.replace(latest.folder / versions.MANIFEST, files.as_json(manifest))
    job.index()
    state.remember(latest, own.key)
    moved = ", ".join(own.moved(latest.manifest["parts"]))
    sentence = f"{latest.name}: {moved} changed, {found.agree} of {found.of} published numbers agree; no new version"
    return Outcome("verified", sentence, Version(latest.folder, manifest))


def _render(notebook: Any, manifest: Mapping[str, Any]) -> str:
    from analysis.report import page

    return page.render(notebook, export.page_context(manifest))


def _published(job: _Job, attempt: Attempt, published: list[Version], folder: Path, start: float) -> Outcome:
    manifest = _manifest(job, attempt, published[-1] if published else None)
    rendering = time.monotonic()
    page = _render(attempt.notebook, manifest)
    texts = {versions.REPORT: page, versions.NOTEBOOK: attempt.text, versions.RESULTS: files.as_json(attempt.results)}
    finished = time.monotonic()
    seconds = {"execute": attempt.seconds, "export": finished - rendering, "total": finished - start}
    manifest["timings"] = {what: round(value, 2) for what, value in seconds.items()}
    staged = folder / "version"
    _stage(staged, texts, manifest)
    problems = rules.page_problems(page) + rules.missing(staged, [*texts, versions.MANIFEST])
    problems += rules.path_problems([*texts.items(), (versions.MANIFEST, files.as_json(manifest))])
    if problems:
        raise attempt.reject(problems)
    target = (job.into or paths.REPORTS) / job.checked.study_name / manifest["version"]
    version = Version(_move(staged, target), manifest)
    for earlier in published:
        versions.thin(earlier)
    job.index()
    state.remember(version, job.own.key)
    sentence = f"{version.name}: published. {manifest['changed']['sentence']}{_unexplained(manifest)}"
    return Outcome("published", sentence, version)


def _unexplained(manifest: Mapping[str, Any]) -> str:
    """Where to write why the plan was not kept; nothing where every reason is known, or in a variant."""
    plan = manifest.get("plan")
    bare = planned.unexplained(plan) if plan and not manifest.get("variant") else []
    if not bare:
        return ""
    more = f" (and {len(bare) - 1} more)" if len(bare) > 1 else ""
    lead = f"Not done as planned, and no reason is recorded: {bare[0].replace('_', ' ')}{more}."
    return f"\n{lead} Write one line for each in {planned.reasons_file(manifest)}: `{bare[0]}: why`"


def _manifest(job: _Job, attempt: Attempt, latest: Version | None) -> dict[str, Any]:
    manifest = export.manifest(job.checked, job.own, export.now(), latest.folder.name if latest else None)
    manifest["plan"] = plans.deviations(job.checked, attempt.results)
    later = (manifest, attempt.results)
    before = (latest.manifest, latest.results()) if latest else None
    manifest["changed"] = differences.between(before, later) if before else differences.first()
    return manifest


def _stage(staged: Path, texts: Mapping[str, str], manifest: dict[str, Any]) -> None:
    """Write the complete version into `staged` and wait until it is on the disk; the manifest knows the other files."""
    staged.mkdir()
    for name, text in texts.items():
        files.write(staged / name, text)
    manifest["files"] = {name: files.sha256(staged / name) for name in texts}
    files.write(staged / versions.MANIFEST, files.as_json(manifest))
    files.sync_folder(staged)


def _move(staged: Path, target: Path) -> Path:
    """The moment of publication: one rename, which either happened or did not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(staged, target)
    files.sync_folder(target.parent)
    return target
