"""An executed notebook as a story: the answer, then sections of prose, figures, tables and findings, in order."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass, field
from typing import Any

from analysis.refusal import Refusal
from analysis.report import markup, terms
from analysis.report.glossary import Entry, Linker

SEVERITIES = {"stop": "Stop", "warn": "Caution", "note": "Note"}
PARAMETERS = {"parameters", "injected-parameters"}
Item = dict[str, Any]


@dataclass
class Section:
    """One heading and what stands under it."""

    title: str
    id: str
    items: list[Item] = field(default_factory=list)


@dataclass
class Story:
    """What a page shows of a notebook. `lead` holds what follows the answer before the next heading;
    what stands before it (introduction, set-up) becomes a section of its own, so that a chart comes next. terms: the
    glossary's entries that the page links to."""

    title: str
    answer: dict[str, Any]
    lead: Section
    sections: list[Section]
    terms: list[Entry] = field(default_factory=list)


class Reader:
    """Reads one notebook from the first cell to the last; numbers figures and tables, links terms once."""

    def __init__(self) -> None:
        self._ids: set[str] = {"s-provenance", "s-glossary", "s-reproduce", "s-plan", "s-changes"}
        self._linker = Linker()
        self._count = {"figure": 0, "table": 0}
        self._answers: list[dict[str, Any]] = []
        self._title = ""
        self._sections = [Section("", "")]
        self._lead = self._sections[0]
        self._before = 0

    def read(self, notebook: Any) -> Story:
        """The story of `notebook` (nbformat 4, executed). Raises Refusal R311 unless exactly one answer is shown."""
        intro, *rest = notebook.cells or [None]
        if intro is not None:
            self._cell(intro)
        asked = Section("", "", self._sections[0].items)
        self._sections = [Section("", ""), *self._sections[1:]]
        for cell in rest:
            self._cell(cell)
        if len(self._answers) != 1:
            found = f"{len(self._answers)} cells display an answer, there must be one"
            raise Refusal("R311", "notebook", found, "display the answer once, in the first section")
        asked.title = "How to read this page"
        asked.id = markup.slug(asked.title, self._ids)
        between = self._sections[: self._sections.index(self._lead)]
        asked.items += [item for section in between for item in section.items] + self._lead.items[: self._before]
        del self._lead.items[: self._before]
        after = self._sections[self._sections.index(self._lead) + 1 :]
        if asked.items:
            after.insert(0 if _has_figure(self._lead) or not after or not _has_figure(after[0]) else 1, asked)
        return Story(self._title, self._answers[0], self._lead, after, self._linker.used)

    def _cell(self, cell: Any) -> None:
        if cell.cell_type == "markdown":
            self._prose(cell.source)
        elif cell.cell_type == "code":
            if cell.source.strip() and not PARAMETERS & set(cell.metadata.get("tags", [])):
                self._add({"kind": "code", "source": cell.source})
            for output in cell.outputs:
                self._output(output)

    def _add(self, item: Item) -> None:
        self._sections[-1].items.append(item)

    def _prose(self, source: str) -> None:
        from bs4.element import NavigableString, Tag

        kept: list[str] = []
        for node in list(terms.in_place(self._linker.link(markup.prose(source))).children):
            if isinstance(node, Tag) and node.name in ("h1", "h2"):
                self._heading(node.name, node.get_text(" ", strip=True), kept)
            else:
                kept.append(node.output_ready("minimal") if isinstance(node, NavigableString) else str(node))
        self._flush(kept)

    def _heading(self, level: str, words: str, kept: list[str]) -> None:
        if level == "h1" and not self._title:
            self._title = words
            return
        self._flush(kept)
        self._sections.append(Section(words, markup.slug(words, self._ids)))

    def _flush(self, kept: list[str]) -> None:
        html = "".join(kept).strip()
        kept.clear()
        if html:
            self._add({"kind": "prose", "html": html})

    def _output(self, output: Any) -> None:
        if output.output_type == "stream":
            self._add({"kind": "text", "text": output.text})
        elif output.output_type == "error":
            self._add({"kind": "text", "text": f"{output.ename}: {output.evalue}"})
        else:
            meta = output.get("metadata", {}).get("analysis")
            item = _foreign(output.data) if meta is None else self._block(output.data, dict(meta))
            if item:
                self._add(item)

    def _block(self, data: Any, meta: dict[str, Any]) -> Item | None:
        kind = meta.get("kind")
        if kind == "answer":
            self._answers.append(meta["answer"])
            self._lead = self._sections[-1]
            self._before = len(self._lead.items)
            return None
        if kind == "figure" or "image/png" in data:
            return self._figure(data, meta)
        if kind == "findings":
            found = findings(meta.get("checks", []))
            return {**_captions(meta), **self._reading(meta), "kind": "findings", "findings": found}
        if "<table" not in data.get("text/html", ""):
            html = terms.in_place(self._linker.link(markup.parsed(data.get("text/html", ""))))
            return {"kind": "prose", "html": str(html)}
        return self._table(data, meta)

    def _figure(self, data: Any, meta: dict[str, Any]) -> Item:
        self._count["figure"] += 1
        label = f"Figure {self._count['figure']}"
        numbers = meta.get("table_html") or ""
        return {
            **_captions(meta),
            **self._reading(meta),
            **_download(meta, label),
            "kind": "figure",
            "label": label,
            "image": data["image/png"].replace("\n", ""),
            "size": markup.picture_size(data["image/png"]),
            "alt": meta.get("alt") or "Chart without a description in words; its numbers are below.",
            "numbers": markup.table(numbers, "", f"Numbers behind {label.lower()}") if numbers else "",
        }

    def _table(self, data: Any, meta: dict[str, Any]) -> Item:
        self._count["table"] += 1
        label = f"Table {self._count['table']}"
        html = markup.table(data["text/html"], meta.get("caption") or "", label)
        said = {"note": ""} if 'class="note"' in html else {}
        shown = {**_captions(meta), **said, **self._reading(meta), **_download(meta, label)}
        return {**shown, "kind": "table", "label": label, "html": html}

    def _reading(self, meta: dict[str, Any]) -> Item:
        """The block's sentence in plain words as escaped HTML with its terms explained; "" where it has none."""
        words = str(meta.get("reading") or "").strip()
        return {"reading": str(terms.in_place(self._linker.link(markup.plain(words)))) if words else ""}


def _has_figure(section: Section) -> bool:
    return any(item["kind"] == "figure" for item in section.items)


def _captions(meta: dict[str, Any]) -> Item:
    source = str(meta.get("source") or "").strip()
    named = source if not source or source.lower().startswith("source") else f"Source: {source}"
    told = {"caption": meta.get("caption") or "", "source": named, "note": meta.get("note") or ""}
    return {name: markup.unbroken(str(words)) for name, words in told.items()}


def _download(meta: dict[str, Any], label: str) -> Item:
    if not meta.get("csv"):
        return {"csv": ""}
    stem = markup.file_stem(str(meta.get("csv_name") or label), "data")
    return {"csv": markup.csv_address(meta["csv"]), "csv_name": f"{stem}.csv"}


def _foreign(data: Any) -> Item | None:
    """An output that no block of ours made: its text or its picture, never its HTML."""
    if "image/png" in data:
        size = markup.picture_size(data["image/png"])
        image = data["image/png"].replace("\n", "")
        return {"kind": "picture", "image": image, "size": size, "alt": data.get("text/plain", "Picture")}
    return {"kind": "text", "text": data["text/plain"]} if data.get("text/plain") else None


def findings(checks: list[dict[str, Any]]) -> list[Item]:
    """Diagnostic findings, most serious first, otherwise in the order given."""
    order = list(SEVERITIES)
    ranked = sorted(checks, key=lambda check: order.index(check["severity"]))
    return [{**check, "word": SEVERITIES[check["severity"]], "title": _plain(check["name"])} for check in ranked]


def _plain(name: str) -> str:
    words = str(name).replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def parameters(notebook: Any, given: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Every parameter as (name, value, meaning): defaults, then injected values, then `given`, which win."""
    values: dict[str, Any] = {}
    meanings: dict[str, str] = {}
    for tag in ("parameters", "injected-parameters"):
        for cell in notebook.cells:
            if cell.cell_type == "code" and tag in cell.metadata.get("tags", []):
                values |= _assigned(cell.source)
                meanings |= {} if tag == "injected-parameters" else _comments(cell.source)
    values |= given
    return [(name, _shown(value), meanings.get(name, "")) for name, value in values.items()]


def _assigned(source: str) -> dict[str, Any]:
    values = {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            values[line.targets[0].id] = ast.literal_eval(line.value)
    return values


def _comments(source: str) -> dict[str, str]:
    meanings, name = {}, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.start[1] == 0:
            name = token.string
        elif token.type == tokenize.COMMENT and token.start[1] > 0 and name:
            meanings[name] = token.string.lstrip("# ")
    return meanings


def _shown(value: Any) -> str:
    if value is None or value == [] or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
