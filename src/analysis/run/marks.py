"""What a person has not settled yet: guesses marked CHANGE in a parameter file, CONFIRM in a declaration."""

from __future__ import annotations

import re

from analysis import paths
from analysis.refusal import Refusal
from analysis.run.parameters import Parameters

CHANGE, CONFIRM = "CHANGE", "CONFIRM"


def refuse(checked: Parameters) -> None:
    """Refuse to publish while a guess of the study, or of the data that it reads, is still marked as one.

    Raises Refusal R308 naming the first line. A column that the study does not read may stay unconfirmed.
    """
    _refuse(checked.file, CHANGE, set())
    used = {name for _, name in checked.study.columns()}
    for source in checked.sources:
        others = set(source.columns) - used - {name for name, one in source.columns.items() if one.role != "other"}
        _refuse(source.declaration, CONFIRM, others if source is checked.source else set())


def _refuse(file: str, mark: str, unread: set[str]) -> None:
    left, inside = [], ""
    for number, line in enumerate((paths.ROOT / file).read_text(encoding="utf-8").splitlines(), start=1):
        if key := re.match(r" {0,2}[^\s#-][^:]*(?=:)", line):
            inside = key.group().strip(" '\"") if line.startswith("  ") else ""
        if re.search(rf"# {mark}\b(?! marks)", line) and inside not in unread:
            left.append((number, inside or line.partition(":")[0].strip("# ")))
    if left:
        number, field = left[0]
        many = f" and {len(left) - 1} more" if len(left) > 1 else ""
        problem = f"line {number} ({field}){many} is still marked {mark}: a guess that nobody has looked at"
        raise Refusal("R308", file, problem, f"correct the line or leave it, and delete `# {mark} ...`")
