"""The disclosure gate: every reason not to release a version as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis import paths
from analysis.disclosure import cells, counts, differences, hidden, identifiers, release, shares, statistics, unit_data
from analysis.disclosure import rules as thresholds
from analysis.disclosure import subjects as subject
from analysis.disclosure.finding import Finding, in_order
from analysis.disclosure.release import Release
from analysis.disclosure.rules import Rules
from analysis.disclosure.subjects import Subjects

__all__ = ["Finding", "default", "earlier_of", "examine", "scope"]


def default() -> str:
    """The preset of thresholds that is used when none is named."""
    return thresholds.default()


def examine(version: Path, earlier: Sequence[Path], preset: str) -> list[Finding]:
    """What stands against releasing `version`, a staged or published version folder, most serious first.

    earlier: the folders of versions of the same report that a reader may hold already (their notebooks may be gone);
    preset: a name in rules.yml. Nothing is written. Raises Refusal R302 (unknown preset), R305 (a broken folder) or
    D401 (a dataset's `units` is no known word). Identifiers and hidden data are looked for in every version; counts
    and statistics only where the data are about people, households or organisations (`scope` says which).
    """
    rules = thresholds.load(preset)
    read = release.read(version)
    about = subject.of(read.manifest)
    found = [*identifiers.find(read, about), *unit_data.hidden(read)]
    if about.confidential:
        found += unit_data.of_units(read, about, rules)
        found += _statistical(read, [release.read(folder) for folder in earlier], about, rules)
    return in_order(found)


def _statistical(read: Release, before: Sequence[Release], about: Subjects, rules: Rules) -> list[Finding]:
    columns = counts.columns(read)
    earlier = [(one, counts.columns(release.with_notes_of(one, read))) for one in before]
    return [
        *cells.small(read, columns, about, rules),
        *shares.small(read, columns, rules),
        *cells.wrong_label(columns, rules),
        *cells.zeros(read, columns, about, rules),
        *cells.unrounded(read, columns, rules),
        *hidden.recovered(read, columns, earlier, rules),
        *differences.between(read, columns, earlier, about, rules),
        *differences.within(read, columns, about, rules),
        *statistics.dominance(read, about, rules),
        *statistics.extremes(read, columns, about, rules),
        *statistics.regressions(read, about, rules),
        *statistics.bare(read, columns, about, rules),
    ]


def scope(version: Path) -> list[str]:
    """In sentences, what of `version` was examined and what was not, for the reader of a short list of findings."""
    about = subject.of(release.manifest_of(version))
    lines = []
    for dataset, kind, how in about.said:
        if kind in subject.CONFIDENTIAL:
            lines.append(f"{dataset} is about {kind} ({how}): counts and statistics were examined.")
        else:
            what = "no person, household or organisation" if kind == "none" else kind
            lines.append(
                f"{dataset} is about {what} ({how}): by rule its counts are not confidential and were not examined; "
                "identifiers and hidden data were."
            )
    lines += [
        f"{one.dataset}: {len(one.short):,} values of {one.column} are too short to be looked for by themselves; they "
        f"were looked for after the words “{one.label}” only."
        for one in about.identifiers
        if one.short
    ]
    lines.append("Counts of clusters, places and periods are not confidential by rule.")
    lines.append("Pictures were examined for what their files carry, not for what they show.")
    return lines


def earlier_of(version: Path) -> list[Path]:
    """The older published versions of the same report and of its variants (`<study>--...`), oldest first.

    Every version that lies in the folder counts, whatever its state: a withdrawn one has been read already.
    """
    study = version.parent.name.partition("--")[0]
    folders = [paths.REPORTS / study, *paths.REPORTS.glob(f"{study}--*")]
    found = [p.parent for folder in folders for p in folder.glob("*/manifest.json") if p.parent != version]
    made = {folder: (str(release.manifest_of(folder).get("created", "")), folder.name) for folder in [*found, version]}
    return sorted((folder for folder in found if made[folder] <= made[version]), key=made.__getitem__)
