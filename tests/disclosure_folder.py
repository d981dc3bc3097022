"""A version folder as the publisher writes it, about people, from real report blocks; each test spoils one thing."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import sample_notebook
from PIL import Image, PngImagePlugin

from analysis.disclosure import rules, suppression
from analysis.disclosure.tables import Counts
from analysis.report import display, page
from analysis.report.display import Block

LAB = rules.load("lab")
REGIONS, SEXES = ("North", "South", "West"), ("Women", "Men")
BY_REGION = np.array([[30, 3], [140, 120], [180, 160]])
SOURCE = """\
title: A trial of letters to people out of work
origin: made by the tests
citation: none is needed
licence: MIT
obtained: written by the tests
file: letters.csv
synthetic: false
{subjects}columns:
  person: {{type: text, label: Person, role: unit}}
  surname: {{type: text, label: Family name}}
  found_work: {{type: number, label: Found work, unit: share, role: outcome}}
"""
PEOPLE = ["Okonkwo-Baines", "Featherstone", "Quillfeather", "Ng"]


def source(raw: Path, subjects: str = "people", dataset: str = "letters") -> None:
    """Declare the dataset in `raw`, with a table whose unit and family name identify people."""
    folder = raw / dataset
    folder.mkdir(parents=True, exist_ok=True)
    line = f"units: {subjects}\n" if subjects else ""
    (folder / "source.yml").write_text(SOURCE.format(subjects=line), encoding="utf-8")
    surnames = PEOPLE + [f"Familyname{k:03d}" for k in range(40)]
    rows = [f"P-{1000 + k},{name},{k % 2}" for k, name in enumerate(surnames)]
    (folder / "letters.csv").write_text("person,surname,found_work\n" + "\n".join(rows) + "\n", encoding="utf-8")


def picture(**texts: str) -> bytes:
    """A small PNG, with `texts` kept inside the file."""
    info = PngImagePlugin.PngInfo()
    for name, value in texts.items():
        info.add_text(name, value)
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(out, "PNG", pnginfo=info)
    return out.getvalue()


def flow(left_out: int = 40, analysed: int = 1200) -> Block:
    rows = [
        ["Rows in the source", "", f"{analysed + left_out:,}"],
        ["Left out: found work is missing", f"{left_out:,}", f"−{left_out:,}"],
        ["Analysed", f"{analysed:,}", f"{analysed:,}"],
    ]
    header = ["Step", "Units", "Rows"]
    csv = display.csv_text(["step", "units", "rows"], rows)
    return display.table("table", header, rows, "Who is in the analysis: letters", csv=csv, csv_name="who-is-in")


def arms(alt: str = "Dot chart of two arms.", **inside: str) -> Block:
    header = ["Arm", "Mean (%)", "Low", "High", "Rows"]
    rows = [["No letter", "41.2", "37.0", "45.4", "610"], ["Letter", "47.8", "43.5", "52.1", "590"]]
    csv = display.csv_text(header, [["No letter", 41.2, 37.0, 45.4, 610], ["Letter", 47.8, 43.5, 52.1, 590]])
    html = display.table_html(header, rows, "Found work by arm")
    meta = {"caption": "Found work in each arm.", "alt": alt, "table_html": html, "csv": csv, "csv_name": "arms"}
    return Block("figure", display.table_text(header, rows), png=picture(**inside), meta=meta)


def crosstab(safe: bool = True, rows: list[list[str]] | None = None, **meta: Any) -> Block:
    """People by region and sex with totals: protected, or with the small count alone hidden."""
    counts = Counts((("Region", REGIONS), ("Sex", SEXES)), BY_REGION)
    made = suppression.protect(counts, LAB) if safe else suppression.only_primary(counts, LAB)
    lines = rows or [[name, *line] for name, line in zip((*REGIONS, "Total"), made.rows(), strict=True)]
    header = ["Region", *SEXES, "Total"]
    meta = {"counts": dict.fromkeys(header[1:], "subjects"), **meta}
    csv = display.csv_text(header, lines)
    return display.table("table", header, lines, "People by region and sex", csv=csv, csv_name="by-region", **meta)


def number(name: str = "headline", **changes: Any) -> dict[str, Any]:
    return {
        "id": name, "label": "Effect of the letter", "estimate": 0.066, "std_error": 0.029, "low": 0.009, "high": 0.123,
        "level": 0.95, "p_value": 0.02, "n": 1200, "clusters": 1200, "treated_clusters": 590, "unit": "share",
        "method": "difference in means", "inference": "robust errors", "estimand": "effect of the letter",
    } | changes  # fmt: skip


def clean() -> list[Block]:
    return [flow(), arms(), crosstab()]


def write(
    folder: Path,
    blocks: Sequence[Block],
    numbers: Sequence[dict[str, Any]] = (),
    prose: str = "Rows are people.",
    parameters: dict[str, Any] | None = None,
    dataset: str = "letters",
    created: str = "2026-01-05T10:00:00.000Z",
    outputs: Sequence[Any] = (),
    kept: bool = True,
) -> Path:
    """Write the version `folder`; `outputs` are shown beside the blocks; not `kept`: without its notebook."""
    from nbformat import v4

    folder.mkdir(parents=True)
    shown = [_output(block) for block in blocks]
    answer = sample_notebook._answer("")
    cells = [
        v4.new_markdown_cell("# Did letters help people to find work?"),
        v4.new_markdown_cell("## The answer"),
        v4.new_code_cell("report.answer(effects)", outputs=[answer], execution_count=1),
        v4.new_markdown_cell(f"## Who is in the analysis?\n\n{prose}"),
        v4.new_code_cell("report.show(trial)", outputs=[*shown, *outputs], execution_count=2),
    ]
    book = v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    chosen = {"dataset": dataset, "where": [], "cluster": None, "covariates": [], **(parameters or {})}
    told = {**sample_notebook.context(), "study": "letters", "data": {dataset: "0" * 64}, "parameters": chosen}
    (folder / "report.html").write_text(page.render(book, told | {"created": created}), encoding="utf-8")
    if kept:
        (folder / "report.ipynb").write_text(json.dumps(book), encoding="utf-8")
    results = {"answer": answer["metadata"]["analysis"]["answer"], "numbers": list(numbers) or [number()], "checks": []}
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    manifest = {"data": told["data"], "parameters": chosen, "created": created, "key": "0" * 64}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def with_meta(block: Block, **meta: Any) -> Block:
    return replace(block, meta={**block.meta, **meta})


def _output(block: Block) -> Any:
    from nbformat import v4

    data, meta = block._repr_mimebundle_()
    return v4.new_output("execute_result", data=data, metadata=meta, execution_count=2)
