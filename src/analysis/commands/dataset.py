"""`dataset`: take a person's own table in: profile it, declare it, store it once."""

from __future__ import annotations

import argparse

from analysis.commands import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    taking = commands.add_parser("dataset", help="take in your own table: profile it and write its declaration")
    taking.add_argument("file", help="a .csv, .tsv, .xlsx, .parquet or .dta file, or the URL of a database")
    taking.add_argument("--name", default="", help="name of the dataset; by default that of the file")
    taking.add_argument("--sheet", default="", help="sheet of a workbook, where it has several")
    taking.add_argument("--table", default="", help="table of a database")
    taking.set_defaults(run=_dataset)


def _dataset(chosen: argparse.Namespace) -> int:
    from rich.console import Console

    from analysis.profile import intake, printed

    brought = intake.bring(chosen.file, name=chosen.name, sheet=chosen.sheet, table_name=chosen.table)
    printed.show(brought, Console())
    return 0
