"""What changed between two versions of a study: causes, then numbers. Pure functions of manifests and results.

A side is a pair (manifest, results) as published. Nothing that did not change is named; what an older manifest does
not hold is listed under `not_recorded` instead of guessed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.run import differences_numbers as numbers
from analysis.run.identity import PARTS

SCHEMAS = (1,)
Side = tuple[Mapping[str, Any], Mapping[str, Any]]
_MANIFEST: dict[str, type] = {"study": str, "version": str, "parts": dict, "parameters": dict, "data": dict}
_MANIFEST |= {"packages": dict}
_RESULTS: dict[str, type] = {"answer": dict, "numbers": list, "checks": list}
_NUMBER: dict[str, type] = {"id": str, "label": str, "unit": str}
_ANSWER = ("question", "sentence", "strength", "chance", "overturn", "recommendation", "caveat")
# Folders of src/analysis whose modules move no number; in a list they come after those that may.
_NOT_CALCULATING = {"cli.py", "commands", "disclosure", "profile", "report", "run", "sweep"}
_NOTHING: dict[str, Any] = {
    "parts_changed": [],
    "parameters": [],
    "data": [],
    "modules": {"added": [], "removed": [], "changed": []},
    "packages": [],
    "not_recorded": [],
    "numbers": [],
    "numbers_moved": [],
    "numbers_common": 0,
    "described": [],
    "checks": [],
    "answer": [],
    "not_comparable": None,
}


def first() -> dict[str, Any]:
    """What a first version says about the one before."""
    return {**_NOTHING, "sentence": "This is the first version."}


def why_not(earlier: Side, later: Side) -> str | None:
    """Why the two cannot be compared, in one line; None when they can."""
    for manifest, results in (earlier, later):
        if damage := _damage(manifest, results):
            return damage
    (old, was), (new, now) = earlier, later
    if old["study"] != new["study"]:
        return f"they belong to two studies, {old['study']} and {new['study']}"
    units = [side["answer"]["headline"]["unit"] for side in (was, now)]
    if units[0] != units[1]:
        return f"the main result is in {units[0] or 'no unit'} in one and in {units[1] or 'no unit'} in the other"
    if not any(before and after for before, after in numbers.pairs(was["numbers"], now["numbers"])):
        return "they have no number in common"
    return None


def between(earlier: Side, later: Side) -> dict[str, Any]:
    """The detailed comparison as plain JSON, with `sentence` for the first screen of a report.

    Where the numbers cannot be compared (`why_not`), `not_comparable` says so and only causes are listed.
    """
    reason = why_not(earlier, later)
    (old, was), (new, now) = earlier, later
    if _damage(old, was) or _damage(new, now):
        return {**_NOTHING, "not_comparable": reason, "sentence": f"Not compared with the version before: {reason}."}
    found = {**_NOTHING, **causes(old, new), "not_comparable": reason}
    if reason is None:
        entries = numbers.moved(was["numbers"], now["numbers"])
        pairs = numbers.pairs(was["numbers"], now["numbers"])
        found["numbers"] = entries
        found["numbers_moved"] = [entry["id"] for entry in entries]
        found["numbers_common"] = sum(before is not None and after is not None for before, after in pairs)
        found["described"] = numbers.described(was["numbers"], now["numbers"])
        found["checks"] = _checks(was["checks"], now["checks"])
        found["answer"] = _answer(was["answer"], now["answer"])
    return {**found, "sentence": _sentence(found, was, now)}


def same(found: Mapping[str, Any]) -> bool:
    """Whether a comparison found nothing at all."""
    return not any(found[name] for name in ("parts_changed", "numbers", "described", "checks", "answer", "packages"))


def causes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What differs between the inputs of two manifests."""
    parts = [name for name in PARTS if old["parts"].get(name) != new["parts"].get(name)]
    modules = _modules(old.get("modules"), new.get("modules"))
    data = _data(old, new)
    missing = ["modules"] if "code" in parts and not (old.get("modules") and new.get("modules")) else []
    missing += ["tables"] if "data" in parts and not (old.get("tables") and new.get("tables")) else []
    return {
        "parts_changed": parts,
        "parameters": _parameters(old["parameters"], new["parameters"]),
        "data": data,
        "modules": modules,
        "packages": _packages(old, new),
        "not_recorded": missing,
    }


def _damage(manifest: Mapping[str, Any], results: Mapping[str, Any]) -> str | None:
    """What is wrong with a side; None when it can be read."""
    if not isinstance(manifest, Mapping) or not isinstance(results, Mapping):
        return "a manifest or results.json is damaged"
    named = manifest.get("version", "a version")
    for what, found in (("manifest", manifest), ("results.json", results)):
        if found.get("schema") not in SCHEMAS:
            return f"the {what} of {named} has the unknown schema {found.get('schema')!r}"
    for what, found, needed in (("manifest", manifest, _MANIFEST), ("results.json", results, _RESULTS)):
        for name, kind in needed.items():
            if not isinstance(found.get(name), kind):
                return f"the {what} of {named} is damaged: {name} is missing or of the wrong kind"
    whole = all(isinstance(n, Mapping) and _is_number(n) for n in results["numbers"])
    checks = all(isinstance(c, Mapping) and {"name", "severity"} <= set(c) for c in results["checks"])
    headline = results["answer"].get("headline")
    if not whole or not checks or not isinstance(headline, Mapping) or not {"unit", "text"} <= set(headline):
        return f"the results.json of {named} is damaged: its numbers, checks or headline are not whole"
    return None


def _is_number(number: Mapping[str, Any]) -> bool:
    named = all(isinstance(number.get(name), kind) for name, kind in _NUMBER.items())
    measured = ("estimate", "std_error", "low", "high", "p_value", "level")
    return named and "estimate" in number and all(isinstance(number.get(m), int | float | None) for m in measured)


def _parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name in sorted({*new, *old}):
        before, after = old.get(name), new.get(name)
        if name in old and name in new and json.dumps(before) == json.dumps(after):
            continue
        found.append(
            {"name": name, "before": before, "after": after, "added": name not in old, "removed": name not in new}
        )
    return found


def _data(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for dataset in sorted({*old["data"], *new["data"]}):
        sums = [side["data"].get(dataset) for side in (old, new)]
        before, after = (_table(side, dataset) for side in (old, new))
        declarations = (before.get("declaration"), after.get("declaration"))
        redeclared = None not in declarations and declarations[0] != declarations[1]
        if sums[0] == sums[1] and not redeclared:
            continue
        had, has = _columns(before, after)
        found.append(
            {
                "dataset": dataset,
                "rows_before": before.get("rows"),
                "rows_after": after.get("rows"),
                "columns_added": [name for name in has if name not in had],
                "columns_removed": [name for name in had if name not in has],
                "sha256_before": sums[0],
                "sha256_after": sums[1],
                "declaration_changed": redeclared,
            }
        )
    return found


def _table(manifest: Mapping[str, Any], dataset: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = (manifest.get("tables") or {}).get(dataset) or {}
    return table


def _columns(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The columns of both files; none of either where one is not recorded."""
    had, has = before.get("columns"), after.get("columns")
    return ([], []) if had is None or has is None else (list(had), list(has))


def _modules(old: Mapping[str, str] | None, new: Mapping[str, str] | None) -> dict[str, list[str]]:
    if not old or not new:
        return {"added": [], "removed": [], "changed": []}
    found = {
        "added": set(new) - set(old),
        "removed": set(old) - set(new),
        "changed": {name for name in set(old) & set(new) if old[name] != new[name]},
    }
    return {kind: sorted(names, key=_calculating_first) for kind, names in found.items()}


def _calculating_first(module: str) -> tuple[bool, str]:
    return module.partition("/")[0] in _NOT_CALCULATING, module


def _packages(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Packages that both manifests record in different versions, and Python's own."""
    before, after = ({**side["packages"], "Python": side["parts"].get("python")} for side in (old, new))
    both = sorted(set(before) & set(after), key=str.lower)
    return [{"name": n, "before": before[n], "after": after[n]} for n in both if before[n] != after[n]]


def _checks(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    before, after = _severities(old), _severities(new)
    names = [*after, *(name for name in before if name not in after)]
    moved = [name for name in names if before.get(name) != after.get(name)]
    return [{"name": name[0], "before": before.get(name), "after": after.get(name)} for name in moved]


def _severities(checks: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """Severity by name and by how often the name occurred before."""
    seen: Counter[str] = Counter()
    found = {}
    for check in checks:
        found[check["name"], seen[check["name"]]] = check["severity"]
        seen[check["name"]] += 1
    return found


def _answer(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    before, after = ({name: _said(side.get(name)) for name in _ANSWER} for side in (old, new))
    return [{"what": n, "before": before[n], "after": after[n]} for n in _ANSWER if before[n] != after[n]]


def _said(value: Any) -> str:
    return str(value.get("word", "")) if isinstance(value, Mapping) else str(value or "")


def _sentence(found: Mapping[str, Any], was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The comparison in one or two sentences: the main result, how many numbers moved, and why."""
    before, after = was["answer"]["headline"]["text"], now["answer"]["headline"]["text"]
    main = (
        f"The main result is as before ({after})"
        if before == after
        else f"The main result went from {before} to {after}"
    )
    counted = f"the numbers are not compared: {found['not_comparable']}" if found["not_comparable"] else _counts(found)
    named = _named(found)
    return f"{main}; {counted}." + (f" What changed: {', '.join(named)}." if named else "")


def _counts(found: Mapping[str, Any]) -> str:
    entries = found["numbers"]
    moved = sum(numbers.is_measured(entry) for entry in entries)
    kinds = Counter(kind for entry in entries for kind in entry["what"] if kind in ("new", "gone"))
    otherwise = len({name for field in found["described"] for name in field["ids"]} - set(found["numbers_moved"]))
    flipped = sum(entry["sign_flip"] for entry in entries)
    crossed = sum(entry["significance_flip"] for entry in entries)
    told = [f"{moved} of {found['numbers_common']} published numbers moved" if moved else "no published number moved"]
    told += [numbers.by_how_much(entries)] * bool(numbers.by_how_much(entries))
    told += [f"{flipped} changed sign"] * bool(flipped)
    told += [f"{crossed} gained or lost significance"] * bool(crossed)
    told += [f"{kinds['new']} {'is' if kinds['new'] == 1 else 'are'} new"] * bool(kinds["new"])
    told += [f"{kinds['gone']} {'is' if kinds['gone'] == 1 else 'are'} gone"] * bool(kinds["gone"])
    told += [f"{otherwise} {'is' if otherwise == 1 else 'are'} described otherwise"] * bool(otherwise)
    return ", ".join(told)


def _named(found: Mapping[str, Any]) -> list[str]:
    modules = [name for kind in ("added", "removed", "changed") for name in found["modules"][kind]]
    packages = [f"{entry['name']} {entry['after']}" for entry in found["packages"]]
    edited = [entry["name"] for entry in found["parameters"] if not entry["added"] and not entry["removed"]]
    detail = {
        "parameters": sorted(edited or [entry["name"] for entry in found["parameters"]]),
        "data": [entry["dataset"] for entry in found["data"]],
        "code": modules,
        "lock": packages,
    }
    words = {"template": "page template", "lock": "installed packages" if packages else "lock file", "python": "Python"}
    return [_with(words.get(part, part), detail.get(part, [])) for part in found["parts_changed"]]


def _with(part: str, detail: Sequence[str]) -> str:
    shown = [*detail[:3], f"{len(detail) - 3} more"] if len(detail) > 4 else list(detail)
    return f"{part} ({', '.join(shown)})" if shown else part
