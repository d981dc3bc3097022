"""From the names of two versions to their comparison and its page in reports/.compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import differences, files, versions
from analysis.run.versions import Version
from analysis.study import did_you_mean

FOLDER = ".compare"


def chosen(study: str, earlier: str | None, later: str) -> tuple[Version, Version]:
    """The two versions that are meant; without a name for the earlier one, the version before the later one.

    A name may begin with another study (`other/latest`). Raises Refusal R303: no such study or version; R321: the
    study has no earlier version.
    """
    published = _published(study)
    last = _of(published, later)
    if earlier is not None:
        return _of(published, earlier), last
    before = [version for version in published if version.manifest["created"] < last.manifest["created"]]
    if not before:
        fix = "compare again after the next one, or name two with FROM= and TO="
        raise Refusal("R321", last.name, "there is no version before this one to compare it with", fix)
    return before[-1], last


def _published(study: str) -> list[Version]:
    found = versions.of(study) if versions.STUDY.fullmatch(study) else []
    if not found:
        known = [version.folder.parent.name for version in versions.latest_of_all()]
        raise Refusal("R303", f"STUDY={study}", "this study has no published version", did_you_mean(study, known))
    return found


def _of(published: list[Version], name: str) -> Version:
    other, slash, rest = name.rpartition("/")
    return versions.named(_published(other) if slash else published, rest)


def found(earlier: Version, later: Version) -> dict[str, Any]:
    """The comparison of two versions. Raises Refusal R321, with the reason, when they cannot be compared."""
    before, now = ((version.manifest, version.results()) for version in (earlier, later))
    reason = differences.why_not(before, now)
    if reason is not None:
        fix = "choose two versions of one study with the same outcome: FROM=... TO=..."
        raise Refusal("R321", f"{earlier.name} and {later.name}", f"not comparable: {reason}", fix)
    return differences.between(before, now)


def write(earlier: Version, later: Version, comparison: Mapping[str, Any]) -> Path:
    """Write the page of a comparison, in one step, and return its path."""
    from analysis.report import changes_page

    before, now = (changes_page.Side(version.manifest, _page(version)) for version in (earlier, later))
    name = f"{earlier.folder.name}--{later.folder.name}.html"
    path = paths.REPORTS / FOLDER / later.folder.parent.name / name
    files.replace(path, changes_page.render(before, now, comparison))
    return path


def _page(version: Version) -> str:
    path = version.folder / versions.REPORT
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        fix = f"restore it: git checkout -- {paths.shown(path)}"
        raise Refusal("R305", paths.shown(path), "missing or not readable", fix) from None
