"""Threats to validity, one file each: `run(data, effects, path, *, options) -> Check`.

`effects` is the headline's, `path` the effects by event time (None where the data hold none). Options are the study
fields a check names, and `gaps`: how far other estimators of the same effect lie from the headline, by name. The name
in a parameter file is the file's name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module

from analysis.report.glossary import ordinary_words
from analysis.result import AnyData, Check, Effects
from analysis.study import Study

ORDER = {"stop": 0, "warn": 1, "note": 2}


def run(
    study: Study, data: AnyData, effects: Effects, path: Effects | None = None, gaps: Mapping[str, float] | None = None
) -> list[Check]:
    """All checks of the study, most serious first (in the study's order within a severity)."""
    found = []
    for name in study.checks:
        function = import_module(f"analysis.checks.{name}").run
        wanted = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
        given = {option: (gaps or {}) if option == "gaps" else getattr(study, option) for option in wanted}
        found.append(_labelled(function(data, effects, path, **given), study, data))
    return sorted(found, key=lambda check: ORDER[check.severity])


def _labelled(check: Check, study: Study, data: AnyData) -> Check:
    """`check` with the columns that the study names called by their labels, but for those that are ordinary words."""
    names = {name for _, name in study.columns() if name in data.labels.said and name.lower() not in ordinary_words()}
    if not names:
        return check
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w{{]){'(' + '|'.join(longest_first) + ')'}(?![\w}}])")

    def said(text: str) -> str:
        found = pattern.sub(lambda match: data.labels.word(match[1]), text)
        return found[:1].upper() + found[1:]

    return replace(check, finding=said(check.finding), advice=said(check.advice), overturns=said(check.overturns))
