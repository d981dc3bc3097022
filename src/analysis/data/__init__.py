"""From a declared source to a validated table, and from the table to a Panel or a Sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.result import AnyData
    from analysis.study import Study


def load(study: Study) -> AnyData:
    """The Panel, Sample or Rows that `study` describes, from its verified dataset. Raises Refusal for any defect."""
    from analysis.data.roles import study_data

    return study_data(study)
