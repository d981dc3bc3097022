"""The file of a plan: YAML that people read, with a checksum of the whole and of every line of content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from analysis import paths, strict_yaml
from analysis.refusal import Refusal
from analysis.run.identity import canonical

_READ_OTHERWISE = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
SHA, LINES = "sha256", "checksums"
HEAD = """\
# A frozen analysis plan. Nobody edits this file: it is written once, by `make plan`, and a changed one is refused.
# To change the plan: change the parameter file, then `make plan STUDY={study} REASON="..."` makes a new version.
"""


class _Dumper(yaml.SafeDumper):
    """Block style, no aliases, every text quoted that some version of YAML might read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Values are written out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    doubtful = text.lower() in _READ_OTHERWISE or not text[:1].isalpha()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if doubtful else None)


_Dumper.add_representer(str, _text)


def digest(content: Mapping[str, Any]) -> str:
    """The sha256 of a plan's content."""
    return hashlib.sha256(canonical(content)).hexdigest()


def leaves(content: Mapping[str, Any]) -> dict[str, str]:
    """A short checksum of every piece of the content, by its place in the file: `plan.sample.where`."""
    found = {}
    for name, value in content.items():
        pieces = {name: value}
        if name == "plan":
            pieces = {f"plan.{g}.{f}": entry for g, fields in value.items() for f, entry in fields.items()}
        for place, piece in pieces.items():
            found[place] = hashlib.sha256(canonical({"value": piece})).hexdigest()[:12]
    return found


def render(content: Mapping[str, Any]) -> str:
    """The text of the file of a plan with this content."""
    whole = {**content, SHA: digest(content), LINES: leaves(content)}
    body = yaml.dump(whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False)
    return HEAD.format(study=content["study"]) + body


def read(path: Path) -> dict[str, Any]:
    """The content of the plan at `path`, and its sha256 under that name.

    Raises Refusal R305 naming the line that is no longer the one that was written.
    """
    shown = paths.shown(path)
    whole = strict_yaml.read(path, shown)
    content = {name: value for name, value in whole.items() if name not in (SHA, LINES)}
    expected = whole.get(LINES)
    try:
        actual = leaves(content)
    except (AttributeError, ValueError):
        raise _edited(path, "plan", "is not what was written") from None
    if not isinstance(expected, dict):
        raise _edited(path, LINES, "was taken away")
    for place in [*actual, *expected]:
        if place not in expected:
            raise _edited(path, place, "was added after the plan was registered")
        if place not in actual:
            raise _edited(path, place, "was taken away")
        if expected[place] != actual[place]:
            raise _edited(path, place, "is not what was registered")
    if whole.get(SHA) != digest(content):
        raise _edited(path, SHA, "is not that of the plan's content")
    return {**content, SHA: whole[SHA]}


def _edited(path: Path, place: str, what: str) -> Refusal:
    line = _line(path.read_text(encoding="utf-8"), place.split("."))
    field = place.removeprefix("plan.").partition(".")[2] or place
    fix = f"restore it: git checkout -- {paths.shown(path)}; a plan is changed by a new version (make plan)"
    return Refusal("R305", f"{paths.shown(path)} line {line}", f"the plan was edited: {field} {what}", fix)


def _line(text: str, place: list[str]) -> int:
    """The line of the entry at `place`, or of the nearest one above it that is there."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), 1
    for name in place:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        entry = next(((key, value) for key, value in pairs if key.value == name), None)
        if entry is None:
            return line
        line, node = entry[0].start_mark.line + 1, entry[1]
    return line
