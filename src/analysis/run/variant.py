"""A study with a few of its choices changed for one run: checked like a file, published under a name of its own.

`SET="outcome=l_robbery until=2008"` names the changes. The name of a variant is the study's, two hyphens and short
words for what differs, so that equal changes give equal names in whatever order they are written. A variant has no
file; its published versions keep the study and the changes, from which it is made again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from analysis import strict_yaml
from analysis.refusal import Refusal
from analysis.run import identity, parameters, versions
from analysis.run.parameters import Parameters
from analysis.study import unknown_parameter

PLACE = "SET"
MARK = "--"
LONGEST = 100
MOST_ASKED = 200
PLAIN = re.compile(r"[a-z0-9_]+")
NAME = re.compile(r"[A-Za-z_]\w*")
FIX = 'write name=value, e.g. SET="outcome=l_robbery until=2008"'


@dataclass(frozen=True)
class Change:
    """One choice that a variant makes otherwise: the study's own value and the variant's."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Variant(Parameters):
    """The parameters of `base` with `changes`; everything else is as in the file of the study."""

    base: str = ""
    changes: tuple[Change, ...] = ()


def load(study: str | Path, changes: Sequence[str]) -> Parameters:
    """The parameters of a study (its name, or the path of its file) with `changes` ("name=value" each); the study's own
    without any. Raises Refusal as `parameters.load` does, and R302/R301/R304 at `SET:name` for a change."""
    checked = parameters.load(study if isinstance(study, Path) else parameters.find(study))
    return values(checked, changes) if changes else checked


def values(checked: Parameters, changes: Sequence[str]) -> Parameters:
    """`checked` with `changes` ("name=value", strict YAML scalars or flow lists) applied and everything checked again.

    Raises Refusal at `SET:name`: not name=value, a name twice, a value that the study already has, and whatever a
    parameter file would be refused for.
    """
    given: dict[str, Any] = {}
    for text in changes:
        name, value = _change(text)
        if name in given:
            raise Refusal("R304", f"{PLACE}:{name}", f"{name} is set twice", "keep one of the two")
        given[name] = value
    return applied(checked, given)


def applied(checked: Parameters, given: Mapping[str, Any]) -> Parameters:
    """`checked` with the parameters `given`, by name."""
    for name in given:
        if name not in checked.values:
            raise unknown_parameter(PLACE, name, checked.values)
    changes = tuple(Change(name, value, given[name]) for name, value in checked.values.items() if name in given)
    merged = {**checked.values, **given}
    merged["question"] = given.get("question", asked(checked.study.question, changes))
    study = type(checked.study).read(merged, PLACE)
    for name in given:
        if getattr(study, name) == getattr(checked.study, name):
            problem = f"{name} is {shown(checked.values[name])} in {checked.study_name} already"
            raise Refusal("R302", f"{PLACE}:{name}", problem, "leave it out, or set another value")
    own = name_of(checked.study_name, {change.name: change.after for change in changes})
    made = parameters.checked(merged, checked.notebook, own, PLACE)
    if "worthwhile" not in given:
        _refuse_another_unit(checked, made)
    facts = {one.name: getattr(made, one.name) for one in fields(made)}
    return Variant(**{**facts, "file": checked.file}, base=checked.study_name, changes=changes)


def asked(question: str, changes: Sequence[Change]) -> str:
    """The study's question with the changes behind it, so that the title of a variant is not taken for the study's."""
    room = MOST_ASKED - len(question)
    for many in range(len(changes), 0, -1):
        rest = len(changes) - many
        listed = " and ".join(f"{one.name} is {shown(one.after)}" for one in changes[:many])
        added = f" And if {listed}{f' and {rest} more' if rest else ''}?"
        if len(added) <= room:
            return f"{question}{added}"
    return f"{question[: MOST_ASKED - 14].rstrip()}... (a variant)?"


def _refuse_another_unit(before: Parameters, after: Parameters) -> None:
    """The smallest effect that matters is in the unit of the outcome: it cannot stay when the unit changes."""
    old, new = (one.source.columns[one.study.outcome].unit or "no unit" for one in (before, after))
    if old != new:
        problem = f"the outcome is in {new} and worthwhile, {before.study.worthwhile:g}, in {old}"
        raise Refusal("R302", f"{PLACE}:worthwhile", problem, f"set worthwhile too, in {new}")


def split(text: str) -> list[str]:
    """The "name=value" parts of one SET text: parted by blanks that stand outside quotes and brackets."""
    parts, current, quote, depth = [], "", "", 0
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[]":
            depth += 1 if letter == "[" else -1
        if letter.isspace() and not quote and depth <= 0:
            parts += [current] if current else []
            current = ""
        else:
            current += letter
    if quote or depth > 0:
        open_ = "a quotation mark" if quote else "a bracket"
        raise Refusal("R304", PLACE, f"{open_} is opened and not closed", "close it")
    return parts + ([current] if current else [])


def name_of(study: str, changes: Mapping[str, Any]) -> str:
    """`<study>--<words>`: file-name safe, at most LONGEST characters."""
    return f"{study}{MARK}{words(changes, LONGEST - len(study) - len(MARK))}"


def words(changes: Mapping[str, Any], most: int) -> str:
    """Short words for `changes`, the same for the same changes; a digest keeps apart what the words cannot."""
    raw = "-".join(f"{name}-{shown(value)}" for name, value in changes.items())
    clean = re.sub(r"[^a-z0-9_]+", "-", raw.lower()).strip("-")
    exact = all(PLAIN.fullmatch(part) for name, value in changes.items() for part in (name, shown(value)))
    if exact and len(clean) <= most:
        return clean
    digest = hashlib.sha256(identity.canonical(changes)).hexdigest()[:6]
    return f"{clean[: max(most - 7, 8)].rstrip('-')}-{digest}"


def shown(value: Any) -> str:
    """A parameter's value as people write it in a file."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"[{', '.join(map(shown, value))}]" if isinstance(value, list | tuple) else str(value)


def described(checked: Parameters) -> dict[str, Any] | None:
    """What a manifest keeps of a variant (base study, changes, one sentence); None for a study with its own file."""
    if not isinstance(checked, Variant):
        return None
    listed = "; ".join(f"{one.name} is {shown(one.after)}, not {shown(one.before)}" for one in checked.changes)
    return {
        "base": checked.base,
        "changes": [{"name": one.name, "before": one.before, "after": one.after} for one in checked.changes],
        "sentence": f"A variant of the study {checked.base}, made to see what a choice does: {listed}. The study's own "
        "report is the answer that was asked for.",
    }


def published() -> list[str]:
    """The names of all published variants."""
    return [one.folder.parent.name for one in versions.latest_of_all() if one.manifest.get("variant")]


def again(name: str) -> Parameters:
    """The variant published as `name`, from its study as it is now. Raises Refusal R303 where none was published."""
    found = versions.of(name)
    kept = found[-1].manifest.get("variant") if found else None
    if not kept:
        base = name.partition(MARK)[0]
        fix = f'make it: make report STUDY={base} SET="name=value"'
        raise Refusal("R303", f"STUDY={name}", "there is no published variant of this name", fix)
    checked = parameters.load(parameters.find(kept["base"]))
    return applied(checked, {change["name"]: change["after"] for change in kept["changes"]})


def _change(text: str) -> tuple[str, Any]:
    """The name and the value of one "name=value"."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not NAME.fullmatch(name) or value.startswith("="):
        raise Refusal("R304", f"{PLACE}:{text.strip()[:40]}", "this is not name=value", FIX)
    try:
        parsed = strict_yaml.parse(f"{name}: {value}".encode(), f"{PLACE}:{name}")
    except Refusal as refusal:
        raise Refusal(refusal.code, f"{PLACE}:{name}", refusal.problem, refusal.fix) from None
    if set(parsed) != {name}:
        raise Refusal("R304", f"{PLACE}:{name}", "one value is expected", FIX)
    return name, parsed[name]
