"""`disclosure`: what stands against releasing a version, by the rules of a secure laboratory."""

from __future__ import annotations

import argparse
from pathlib import Path

from analysis import paths
from analysis.commands import Commands
from analysis.refusal import Refusal


def add(commands: Commands) -> None:
    """Declare the command."""
    checking = commands.add_parser("disclosure", help="what stands against releasing a study's latest version")
    checking.add_argument("study", help="name of the study: a folder in reports/")
    checking.add_argument("--version", help="which version, by its folder, date or key; the latest without it")
    checking.add_argument("--preset", help="set of thresholds in disclosure/rules.yml")
    checking.set_defaults(run=_disclosure)


def _disclosure(chosen: argparse.Namespace) -> int:
    from analysis.disclosure import gate

    version = _version(chosen.study, chosen.version)
    preset = chosen.preset or gate.default()
    found = gate.examine(version, gate.earlier_of(version), preset)
    for one in found:
        print(one)
    for line in gate.scope(version):
        print(f"Examined: {line}")
    what = f"{paths.shown(version)}, preset {preset}"
    if not found:
        print(f"{what}: nothing stands against a release.")
        return 0
    each = "1 finding. It blocks" if len(found) == 1 else f"{len(found)} findings. Each blocks"
    print(f"{what}: {each} a release until it is mended or a reason is written for its id.")
    return 1


def _version(study: str, wanted: str | None) -> Path:
    from analysis.run import versions
    from analysis.study import did_you_mean

    published = versions.of(study) if (paths.REPORTS / study).parent == paths.REPORTS else []
    if not published:
        known = sorted({p.parent.parent.name for p in paths.REPORTS.glob("[!.]*/*/manifest.json")})
        raise Refusal("R303", f"STUDY={study}", "this study has no published version", did_you_mean(study, known))
    return (versions.named(published, wanted) if wanted else published[-1]).folder
