"""`schema`: write the JSON Schema of every notebook's parameters, for editors."""

from __future__ import annotations

import argparse

from analysis.commands import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    writing = commands.add_parser("schema", help="write params/<notebook>/schema.json, by which editors check files")
    writing.set_defaults(run=_schema)


def _schema(chosen: argparse.Namespace) -> int:
    from analysis import paths
    from analysis.run import parameter_schema

    for path in parameter_schema.write_all():
        print(f"written: {paths.shown(path)}")
    print(f"{len(parameter_schema.notebooks())} schemas are up to date")
    return 0
