"""`study`: write a parameter file for a new study, to be completed by hand."""

from __future__ import annotations

import argparse

from analysis.commands import Commands
from analysis.refusal import Refusal


def add(commands: Commands) -> None:
    """Declare the command."""
    starting = commands.add_parser("study", help="write the parameter file of a new study, commented, with guesses")
    starting.add_argument("design", help="a file of src/analysis/designs; make choose names one")
    starting.add_argument("dataset", help="a folder of data/raw")
    starting.add_argument("name", help="the name of the new study")
    starting.add_argument("--outcome", default="", help="the column whose change is the question")
    starting.set_defaults(run=_study)


def _study(chosen: argparse.Namespace) -> int:
    from analysis import paths
    from analysis.commands import check_params
    from analysis.run import parameters, study_file

    path = study_file.write(chosen.design, chosen.dataset, chosen.name, chosen.outcome)
    shown = paths.shown(path)
    marked = path.read_text(encoding="utf-8").count(study_file.CHANGE)
    print(f"Written: {shown}. {marked} lines are marked CHANGE: put in what you know of the policy.")
    declaration = paths.RAW / chosen.dataset / "source.yml"
    text = declaration.read_text(encoding="utf-8").replace("# CONFIRM marks", "")
    if "# CONFIRM" in text:
        print(f"{paths.shown(declaration)} still says CONFIRM in places: the guesses here rest on it.")
    try:
        check_params.sentence(parameters.load(path))
    except Refusal as refusal:
        print(f"As it stands, it would be refused: {refusal}")
    print(f"Then:\n  make params PARAMS={shown}\n  make report STUDY={chosen.name}")
    return 0
