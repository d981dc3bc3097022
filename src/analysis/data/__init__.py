"""From a declared source to a validated table, and from the table to a Panel or a Sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.result import AnyData
    from analysis.study import Study


def load(study: Study) -> AnyData:
    """The Panel, Sample or Rows that `study` describes, from its verified dataset; outcomes permuted where the study is
    masked. Raises Refusal for any defect."""
    from analysis.data.roles import study_data

    found = study_data(study)
    if not study.masked:
        return found
    from analysis.data import catalog, masked

    return masked.permuted(study, found, catalog.read(study.dataset))
