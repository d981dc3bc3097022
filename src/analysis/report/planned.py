"""What was planned before outcomes were seen, what was done, and the reason for each difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NONE = (
    "No analysis plan was registered for this study, so all its analyses count as exploratory: chosen with the data at "
    "hand, not fixed in advance."
)
WORDS = {"exploratory": "Exploratory", "after_results": "Planned after results were seen"}
SILENT = "no reason recorded"


def view(context: Mapping[str, Any]) -> dict[str, Any]:
    """The plan behind the version as the page shows it; only a sentence where there was none; nothing for a sweep,
    whose page says itself what was registered.

    `badge` ({kind, word, sentence} or None) is for the place under the title, `planned_badge.html.j2` shows it.
    """
    plan: Mapping[str, Any] | None = context.get("plan")
    if plan is None and "sweep" in (context.get("parameters") or {}):
        return {}
    if plan is None:
        return {"sentence": NONE, "badge": None, "plan": False}
    return {
        "plan": True,
        "sentence": _registered(plan),
        "counted": _counted(plan),
        "badge": _badge(plan),
        "unexplained": _unexplained(context, plan),
        "rows": [_row(entry, plan["labels"]) for entry in plan["deviations"]],
        "kept": [(label(entry), _known(entry["planned"], plan["labels"])) for entry in plan["planned"]],
        "exploratory": [(entry["kind"], shown(entry["items"])) for entry in plan["exploratory"]],
        "history": [_version(one) for one in [*plan["earlier"], plan]] if plan["earlier"] else [],
        "file": f"{plan['file']}, sha256 {plan['sha256']}",
    }


def _registered(plan: Mapping[str, Any]) -> str:
    """When the plan in force was registered, and what was public by then."""
    when = f"Plan {plan['version']} was registered on {_day(plan['registered'])}"
    if not plan["results_public"]:
        return f"{when}, before any version of this study, or of another one on its outcome, was published."
    return f"{when}, after results were seen: {_listed(plan['results_public'])} had been published by then."


def _counted(plan: Mapping[str, Any]) -> str:
    differing, known = len(plan["deviations"]), len(plan["planned"])
    if not differing:
        return f"All {known} choices and rules of the plan were kept."
    verb = "differs" if differing == 1 else "differ"
    return f"{differing} of {known} choices and rules {verb} from the plan."


def _badge(plan: Mapping[str, Any]) -> dict[str, str] | None:
    kind = plan["badge"]
    if kind is None:
        return None
    if kind == "exploratory":
        fields = _listed([_named(field) for field in plan["unplanned_headline"]])
        sentence = f"The main result is not the one that was planned: {fields} changed after plan {plan['version']}."
        sentence += " That plan was itself registered after results were seen." if plan["results_public"] else ""
    else:
        sentence = f"Plan {plan['version']} was registered when results had been published, so it could fit them."
    return {"kind": kind, "word": WORDS[kind], "sentence": sentence}


def _unexplained(context: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, str]:
    """Where a missing reason is written, and the line to write; empty where there is none, or none can be given."""
    bare = unexplained(plan)
    if not bare or context.get("variant") or not context.get("notebook"):
        return {}
    return {"file": reasons_file(context), "line": f"{bare[0]}: why"}


def unexplained(plan: Mapping[str, Any]) -> list[str]:
    """The fields that were not done as planned and have no reason."""
    return [str(entry["field"]) for entry in plan["deviations"] if not entry["reason"]]


def reasons_file(context: Mapping[str, Any]) -> str:
    """The file with the reasons of the study that `context`, a manifest, is about."""
    return f"params/{context['notebook']}/deviations/{context['study']}.yml"


def _row(entry: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[str, str, str, str]:
    planned, done = entry["planned"], entry["done"]
    after = _apart(planned, done) if isinstance(planned, list) and isinstance(done, list) else ""
    return (
        label(entry),
        _known(planned, labels),
        after or _known(done, labels),
        entry["reason"] or SILENT,
    )


def _apart(planned: Sequence[Any], done: Sequence[Any]) -> str:
    """What a long list gained and lost; nothing where they share no entry."""
    fresh, gone = ([one for one in a if one not in b] for a, b in ((done, planned), (planned, done)))
    if len(gone) == len(planned):
        return ""
    told = [f"as planned, {word} {shown(part)}" for word, part in (("and also", fresh), ("without", gone)) if part]
    return "; ".join([told[0], *(text.removeprefix("as planned, ") for text in told[1:])]) if told else ""


def label(entry: Mapping[str, Any]) -> str:
    """A field in words, with what it is about where its name does not say so."""
    words = _named(entry["field"])
    said = f"{words[:1].upper()}{words[1:]}"
    about = str(entry["about"]).lower()
    return said if words in about or about in words else f"{said} ({about})"


def _known(value: Any, labels: Mapping[str, str]) -> str:
    """A value, with the label of the column that it names."""
    said = labels.get(value) if isinstance(value, str) else None
    return f"{shown(value)} ({said})" if said else shown(value)


def _version(one: Mapping[str, Any]) -> dict[str, Any]:
    seen = "yes" if one["results_public"] else "no"
    changes = [
        f"{_named(change['field'])}: {shown(change['before'])} became {shown(change['after'])}"
        for change in one["changes"]
    ]
    return {
        "version": one["version"],
        "date": _day(one["registered"]),
        "seen": seen,
        "reason": one["reason"] or "first plan",
        "changes": changes,
    }


def shown(value: Any) -> str:
    """A planned or done value as people read it."""
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping) and "about" in value:
        return f"about {shown(value['about'])} {value['unit']}".strip() + f" ({value['made']})"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {str(entry)[:12]}" for name, entry in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(shown(entry) for entry in value)
    return str(value)


def _named(field: str) -> str:
    return field.replace("_", " ")


def _listed(names: Sequence[str]) -> str:
    most = [*names[:3], *([f"{len(names) - 3} more"] if len(names) > 3 else [])]
    return most[0] if len(most) == 1 else f"{', '.join(most[:-1])} and {most[-1]}"


def _day(moment: str) -> str:
    from analysis.report import page

    return page.day(moment)
