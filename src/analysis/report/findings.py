"""What the checks found, most serious first, and what stands behind the estimate in words."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.data import catalog
from analysis.report import answer, display
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.result import Check
    from analysis.study import Study

WORDS = {"stop": "Stop", "warn": "Caution", "note": "Note"}


def block(checks: Sequence[Check], outcome: Column) -> Block:
    """The findings: what was checked, what was found with its uncertainty, what it means, what to do."""
    unit = Unit(outcome.unit)
    entries = [_entry(check, unit) for check in checks]
    lines = [f"{WORDS[e['severity']]}: {e['assumption']} {e['finding']} {e['advice']}" for e in entries]
    items = "".join(
        f"<li><strong>{WORDS[e['severity']]}</strong> {html.escape(e['assumption'])} {html.escape(e['finding'])} "
        f"<em>{html.escape(e['advice'])}</em></li>"
        for e in entries
    )
    if not entries:
        return display.prose("No check was asked for: name some under `checks` in the parameter file.")
    return Block("findings", "\n".join(lines), f"<ul>{items}</ul>", meta={"checks": entries})


def assumptions(card: Mapping[str, str], study: Study) -> Block:
    """The method card of the design: what it estimates, assumes, follows, and when it fails."""
    rows = [[name, text[:1].upper() + text[1:]] for name, text in card.items()]
    return display.table("table", ["Card", "In words"], rows, f"The design: {study.design.replace('_', ' ')}")


def limits(source: Source) -> Block:
    """What the data's keeper warns of, word for word."""
    traps = source.traps or ["The declaration of these data names no trap."]
    items = "".join(f"<li>{html.escape(trap)}</li>" for trap in traps)
    return Block("prose", "\n".join(traps), f"<ul>{items}</ul>")


def provenance(source: Source, study: Study) -> Block:
    """Where the data come from and under which terms."""
    rows = [
        ["Data", source.title],
        ["Origin", source.origin],
        ["Citation", source.citation],
        ["Licence", source.licence],
        ["Obtained", source.obtained],
        ["File and checksum", f"{source.file}, sha256 {source.sha256}"],
        *(["Also read", _also(name)] for _, name in study.further()),
        ["Seed", str(study.seed)],
        ["Synthetic data", "yes" if source.synthetic else "no"],
    ]
    return display.table("provenance", ["Fact", "Value"], rows, "Data behind this page")


def _also(dataset: str) -> str:
    other = catalog.read(dataset)
    return f"{other.title}; {other.origin}; {other.file}, sha256 {other.sha256}"


def _entry(check: Check, unit: Unit) -> dict[str, Any]:
    return {
        "name": check.name,
        "code": check.code,
        "severity": check.severity,
        "assumption": check.assumption,
        "finding": answer.finding(unit, check),
        "advice": check.advice,
        "statistic": check.statistic,
        "p_value": check.p_value,
        "low": display.bounded(check.low),
        "high": display.bounded(check.high),
    }
