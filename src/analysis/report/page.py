"""The report page: one HTML file made from an executed notebook, complete in itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from analysis.report import changes, markup, palette, planned, status, story

TEMPLATES = Path(__file__).with_name("templates")
NAME = "evaluation"
LICENCE = "Text and code: MIT licence. Each dataset keeps its own licence, named in its source.yml."
CONTACT = "Questions and corrections: raise them where this project is kept and quote the version."
MASKED = "MASKED OUTCOMES, NOT A RESULT."
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"]
MONTHS += ["November", "December"]
ABBREVIATIONS = {"eu": "EU", "tv": "TV", "uk": "UK", "us": "US"}


def render(notebook: Any, context: Mapping[str, Any]) -> str:
    """The report of `notebook` (an executed nbformat 4 node whose outputs are blocks) as one HTML page.

    `context` holds `study`, `version` (the folder's name), `created` (UTC, ISO 8601), `key` and `changed` (a sentence
    about the version before), and any fact of the manifest, which the provenance table shows. The same input gives the
    same bytes. Raises Refusal R311 unless the notebook shows exactly one answer.
    """
    from nbconvert import HTMLExporter

    told = story.Reader().read(notebook)
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name=NAME, extra_template_basedirs=[str(TEMPLATES)], default_preprocessors=[]
    )
    html, _ = exporter.from_notebook_node(notebook, resources={"page": _view(told, notebook, context)})
    return html + "\n"


def _view(told: story.Story, notebook: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    masked = bool(dict(context.get("parameters") or {}).get("masked"))
    style = stylesheet("report.css", running=running_head(context["study"], context["version"], masked=masked))
    script = asset("report.js")
    answer = _unbroken(told.answer)
    if masked:
        answer = {**answer, "recommendation": "None: outcomes were permuted, so nothing follows from this page."}
    own = next((section for section in told.sections if section.title.lower() == "provenance"), None)
    return {
        "style": style,
        "script": script,
        "policy": markup.policy(style, script),
        "question": answer["question"],
        "answer": answer,
        "name": study_name(context["study"], answer["question"]),
        "study": context["study"],
        "version": context["version"],
        "date": day(context["created"]),
        "changed": context["changed"],
        "status": status.view(context),
        "planned": planned.view(context),
        "changes": changes.view(context),
        "variant": (context.get("variant") or {}).get("sentence", ""),
        "synthetic": bool(context.get("synthetic")),
        "masked": masked,
        "home": "../../../index.html" if masked else "../../index.html",
        "lead": told.lead,
        "sections": [section for section in told.sections if section is not own],
        "provenance": own.items if own else [],
        "parameters": story.parameters(notebook, dict(context.get("parameters") or {})),
        "facts": facts(context),
        "cite": _citation(answer["question"], context),
        "licence": context.get("licence") or LICENCE,
        "contact": context.get("contact") or CONTACT,
        "glossary": told.terms,
    }


def running_head(study: str, version: str, *, masked: bool = False) -> str:
    """What stands at the top left of every printed page; the state of the version stands at the right."""
    named = f"{study_name(study)}, version {version}"
    return f"{MASKED} {named}" if masked else named


def _unbroken(value: Any) -> Any:
    """`value` with every text in it kept from breaking inside a number with its sign."""
    if isinstance(value, dict):
        return {name: _unbroken(part) for name, part in value.items()}
    return markup.unbroken(value) if isinstance(value, str) else value


def facts(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What made this version, as (what, value): only facts that `context` holds."""
    commit = context.get("commit")
    if isinstance(commit, Mapping):
        changed = " with changes not committed" if commit.get("dirty") else ""
        commit = f"{commit['head']}{changed}" if commit.get("head") else None
    rows: list[tuple[str, Any]] = [
        ("Version", context["version"]),
        ("Content key", context["key"]),
        ("Made", context["created"]),
        ("Replaces version", context.get("supersedes")),
        ("Notebook", context.get("notebook")),
        ("Notebook checksum", context.get("notebook_sha")),
        *((f"Data: {name}", checksum) for name, checksum in sorted((context.get("data") or {}).items())),
        ("Code checksum", context.get("code")),
        ("Environment lock", context.get("lock")),
        ("Report template", context.get("template")),
        ("Commit", commit),
        ("Random seed", context.get("seed")),
        ("Python", context.get("python")),
        ("Platform", context.get("platform")),
        *((str(name), value) for name, value in sorted((context.get("packages") or {}).items())),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "")]


def _citation(question: str, context: Mapping[str, Any]) -> str:
    return (
        f"{question} Policy evaluation, study {context['study']}, version {context['version']}, "
        f"{day(context['created'])}. Content key {context['key']}."
    )


def study_name(study: str, question: str = "") -> str:
    """A study's name in plain words: `minimum-wage` is `Minimum wage`; capitals as the `question` writes them."""
    inside = re.findall(r"\w+", question)[1:]
    written = ABBREVIATIONS | {word.lower(): word for word in inside if word != word.lower()}
    words = " ".join(written.get(word, word) for word in study.replace("_", "-").split("-"))
    return words[:1].upper() + words[1:]


def day(created: str) -> str:
    """The day of an ISO 8601 time as people write it, in English whatever the locale."""
    moment = datetime.fromisoformat(created)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def stylesheet(own: str, running: str) -> str:
    """The whole style of one page: palette, the shared rules, its own, and `running` as the head of printed pages."""
    head = f"@page{{@top-left{{content:{markup.css_string(running)}}}}}\n"
    return "\n" + palette.css() + asset("base.css") + asset(own) + head


@functools.cache
def asset(name: str) -> str:
    """A file of the template, as text."""
    return (TEMPLATES / NAME / name).read_text("utf-8")
