"""Threats to validity, one file each: `run(data, effects, path, *, options) -> Check`.

`effects` is the headline's, `path` the effects by event time (None where the data hold none). Options are the study
fields a check names, and `gaps`: how far other estimators of the same effect lie from the headline, by name. The name
in a parameter file is the file's name.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module

from analysis.report import wording
from analysis.result import AnyData, Check, Effects
from analysis.study import Study

ORDER = {"stop": 0, "warn": 1, "note": 2}


def run(
    study: Study, data: AnyData, effects: Effects, path: Effects | None = None, gaps: Mapping[str, float] | None = None
) -> list[Check]:
    """All checks of the study, most serious first (in the study's order within a severity)."""
    found = []
    say = wording.speaker([name for _, name in study.columns()], data.labels)
    for name in study.checks:
        function = import_module(f"analysis.checks.{name}").run
        wanted = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
        given = {option: (gaps or {}) if option == "gaps" else getattr(study, option) for option in wanted}
        found.append(wording.check(function(data, effects, path, **given), say))
    return sorted(found, key=lambda check: ORDER[check.severity])
