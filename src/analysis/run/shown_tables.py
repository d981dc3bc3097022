"""The tables that a published page offers as CSV, read from the version's notebook, for the checklist of its review."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analysis.run import versions
from analysis.run.versions import Version

FLOW, QUALITY = "who-is-in", "data-quality"
NONE = {"", "0", "–"}


def of(version: Version) -> dict[str, dict[str, Any]]:
    """The tables of `version` by the name of their CSV file: `rows` (mappings) and `note`; none without a notebook."""
    file = version.folder / versions.NOTEBOOK
    if not file.is_file():
        return {}
    return {
        str(block["csv_name"]): {
            "rows": list(csv.DictReader(io.StringIO(str(block["csv"]), newline=""))),
            "note": str(block.get("note") or ""),
        }
        for block in _blocks(json.loads(file.read_text(encoding="utf-8")))
        if block.get("csv_name") and block.get("csv")
    }


def _blocks(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if "analysis" in output.get("metadata", {}):
                yield output["metadata"]["analysis"]


def flow(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Who is in, step by step, and the share of rows that was left out; nothing when the page does not say."""
    steps: Sequence[Mapping[str, str]] = tables.get(FLOW, {}).get("rows", [])
    lines = [f"{step['step']}: {_counted(step)}." for step in steps]
    counts = [int(step["rows"]) for step in steps if (step.get("rows") or "").isdigit()]
    if len(counts) > 1 and counts[0]:
        lost = counts[0] - counts[-1]
        lines.append(f"Left out: {lost:,} of {counts[0]:,} rows, {100 * lost / counts[0]:.1f} per cent.")
    return lines


def _counted(step: Mapping[str, str]) -> str:
    named = [f"{int(step[name]):,} {name}" for name in ("units", "rows") if (step.get(name) or "").isdigit()]
    return ", ".join(named) or "not counted"


def quality(tables: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What deserves a look in the columns that were used; nothing when the page does not say."""
    table = tables.get(QUALITY, {})
    lines = [str(table["note"])] if table.get("note") else []
    for row in table.get("rows", []):
        said = [f"missing {row['Missing']}"] if (row.get("Missing") or "") not in NONE else []
        said += [str(row["Flags"])] if (row.get("Flags") or "") not in NONE else []
        lines += [f"{row['Column']}: {'; '.join(said)}."] if said else []
    return lines
