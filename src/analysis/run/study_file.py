"""A new parameter file: what must be said, guessed where the table allows, and what may be said, commented out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from analysis import paths, strict_yaml
from analysis.data import guesses, possible
from analysis.data.guesses import Guess, Table
from analysis.refusal import Refusal
from analysis.run import parameter_schema, parameters, source_notebook, study_checks
from analysis.study import FIRST, Study, did_you_mean, families, model, modules, options

CHANGE = "# CHANGE"
ONE_DATE = ("two_by_two", "event_study", "two_way_fixed_effects")
LONGEST_LABEL = 100
WIDTH = 116
# What a design cannot do without beside its family's own parameters, and that in words.
_ARGUMENTS = {
    "controlled_series": "control_series",
    "complier_effect": "received",
    "dose": "dose",
    "triple_difference": "eligible",
    "pre_period_adjusted": "pre_outcome",
}
_MEANING = {
    "control_series": "a series that the policy cannot touch",
    "received": "who took part (0 and 1)",
    "dose": "the amount that each unit got",
    "eligible": "the units that the policy is meant for (0 and 1)",
    "pre_outcome": "the outcome before the trial",
}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_ .'()/?-]*")


def write(design: str, dataset: str, name: str, outcome: str = "") -> Path:
    """Write `params/<family>/<name>.yml` for a study of `dataset` under `design`; its path.

    Raises Refusal: R302 no such design, D406 no such dataset, R303 a name that is bad or taken, D401 a table that lacks
    a column or role the design needs, D402 no such outcome.
    """
    if design not in modules("designs"):
        raise Refusal("R302", f"DESIGN={design}", "there is no such design", did_you_mean(design, modules("designs")))
    path = _path(families("designs", design)[0], name)
    kind, known = model(design), Table.of(guesses.dataset(dataset))
    chosen = _chosen(kind, design, known, outcome)
    text = _text(kind, design, known, chosen, name)
    file = paths.shown(path)
    given = strict_yaml.parse(text.encode("utf-8"), file)
    loaded = parameters.checked(given, kind.FAMILY, name, file)
    possible.by_declaration(loaded.study, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as new:
        new.write(text)
    return path


def _path(family: str, name: str) -> Path:
    if not parameters.OWN.fullmatch(name):
        raise parameters.bad_name(f"NAME={name}", name)
    taken = sorted(paths.PARAMS.glob(f"*/{name}.yml"))
    if taken:
        fix = "choose another name, or change that file"
        raise Refusal("R303", f"NAME={name}", f"{paths.shown(taken[0])} is there already", fix)
    return paths.PARAMS / family / f"{name}.yml"


def _chosen(kind: type[Study], design: str, known: Table, asked: str) -> dict[str, Guess]:
    """A value for everything that must be said, and for what this design cannot do without."""
    _refuse_side_by_side(kind, known)
    possible.needs_roles(kind.FAMILY, known.source)
    if kind.SHAPE == "panel":
        _refuse_no_dates(kind, design, known)
    outcome = guesses.outcome(known, asked)
    known = known.having(outcome.value)
    found = {"dataset": Guess(known.source.dataset, sure=True), "outcome": outcome, "design": Guess(design, sure=True)}
    label = known.source.columns[outcome.value].label.partition(" (")[0][:LONGEST_LABEL]
    label = label if label[1:2].isupper() else label[:1].lower() + label[1:]
    found |= {
        "question": Guess(f"Did the policy change the {label}?"),
        "decision": Guess("Whether to keep, extend or end the policy."),
        "intervention": Guess("the policy"),
        "worthwhile": guesses.worthwhile(known, outcome.value),
        "better": Guess("higher"),
        "estimators": Guess([], sure=True),
    }
    found |= _roles(kind, design, known, outcome.value)
    found["checks"] = Guess(study_checks.chosen(kind.FAMILY, _said(found, known)), sure=True)
    return found


def _said(found: Mapping[str, Guess], known: Table) -> dict[str, Any]:
    """The values that are written, and the weight that the table declares."""
    return {"weight": known.role("weight")} | {field: guess.value for field, guess in found.items()}


def _refuse_side_by_side(kind: type[Study], known: Table) -> None:
    """Raises Refusal D401 where periods are needed and no column can be one: the table has one row per unit."""
    if "time" not in possible.NEEDED.get(kind.FAMILY, ()) or known.role("time") or guesses.periods(known):
        return
    family = kind.FAMILY.replace("_", " ")
    problem = f"no column has the role time, which {family} needs, and none can be a period"
    fix = (
        "if the table has columns per wave, write one row per unit and wave: copy the columns of the second wave below "
        "those of the first with a column `wave` (1 and 2), and bring the file again; if it has one wave, make choose "
        "names a design for it"
    )
    raise Refusal("D401", f"{known.source.declaration}:columns", problem, fix)


def _refuse_no_dates(kind: type[Study], design: str, known: Table) -> None:
    """Raises Refusal where the table does not say when the policy came, or says more dates than the design can take."""
    if not known.role("first_treated") and not known.role("treated"):
        column = "the column of the first period under the policy (empty where it never came)"
        raise guesses.lacking(known.source, "first_treated", "no column says when the policy came to whom", column)
    several = guesses.dates(known)
    if kind.FAMILY == FIRST and design in ONE_DATE and several > 1:
        problem = f"the table has {several} adoption dates, and this design compares around one"
        raise Refusal("R302", f"DESIGN={design}", problem, "make study DESIGN=group_time ...")


def _roles(kind: type[Study], design: str, known: Table, outcome: str) -> dict[str, Guess]:
    """The columns behind the choices that this family and design cannot do without."""
    found: dict[str, Guess] = {}

    def taken() -> list[str]:
        named = [one.value if isinstance(one.value, list) else [one.value] for one in found.values()]
        return [outcome, *(name for names in named for name in names)]

    required = {name for name, field in kind.model_fields.items() if field.is_required()}
    if "running" in required:
        wide = guesses.column(known, "running", taken(), "the score", lambda name: not known.values(name))
        found |= {"running": wide, "cutoff": guesses.cutoff(known, wide.value), "treated_side": Guess("above")}
    if "instruments" in required:
        found["treatment"] = guesses.treatment(known, taken(), amounts=True)
        pushed = guesses.column(known, "instruments", taken(), "what moved the treatment from outside")
        found["instruments"] = Guess([pushed.value])
        found["exclusion"] = Guess("Say why the instrument moves the outcome through the treatment alone.")
        found["monotonicity"] = Guess("Say why the instrument pushes nobody the other way.")
    elif "treatment" in required or design == "fuzzy_discontinuity":
        trial, amounts = kind.FAMILY == "randomised_trial", kind.FAMILY == "panel_fixed_effects"
        found["treatment"] = guesses.treatment(known, taken(), words=trial, amounts=amounts)
        found |= guesses.arms(known, found["treatment"].value) if trial else {}
    if "start" in required:
        found["start"] = guesses.start(known)
    if (kind.FAMILY == "weighting" and design != "unadjusted") or design == "lin_adjusted":
        found["covariates"] = guesses.covariates(known, taken())
    field = _ARGUMENTS.get(design)
    if field:
        fits = known.switch if field in ("received", "eligible") else None
        some = guesses.column(known, field, taken(), _MEANING[field], fits)
        found[field] = Guess([some.value]) if field == "control_series" else some
    return found


def _text(kind: type[Study], design: str, known: Table, chosen: Mapping[str, Guess], name: str) -> str:
    said, defaults = parameter_schema.comments(kind.FAMILY), _defaults(kind.FAMILY)
    fixed = [field for field in defaults if field in chosen or _must_be_said(kind, field, defaults[field])]
    free = [field for field in defaults if field not in fixed and _taken(kind, design, field)]
    lines = [
        parameter_schema.MODELINE,
        f"# Study {name}: {design.replace('_', ' ')}, on the table data/raw/{known.source.dataset}.",
        f"# Lines marked {CHANGE[2:]} are guesses: write what you know and delete the mark.",
        "# Whatever follows a # is a remark. Names of columns are those of source.yml in the folder of the table.",
    ]
    for field in fixed:
        guess = chosen.get(field) or Guess(kind.model_fields[field].get_default(), sure=True)
        if field == "checks":
            lines += study_checks.further(kind.FAMILY, guess.value, _said(chosen, known))
        lines += _also(kind, [design]) if field == "estimators" else []
        remark = f"{CHANGE if not guess.sure else '#'}{': ' if not guess.sure else ' '}{said[field]}"
        lines += _wrapped(f"{field}: {_yaml(guess.value)}", guess.value)
        lines[-1] += f"  {remark}{_label(known, kind, field, guess.value)}"
    lines += ["", "# What may be said besides, with what holds if it is not. To use a line, delete the # before it."]
    lines += [f"# {field}: {_yaml(defaults[field])}  # {said[field]}" for field in free]
    return "\n".join(lines) + "\n"


def _defaults(notebook: str) -> dict[str, Any]:
    return source_notebook.defaults(source_notebook.path_of(notebook, notebook))


def _must_be_said(kind: type[Study], field: str, default: Any) -> bool:
    """The notebook's own value belongs to its example: a column or a place of the table that it shows."""
    names_columns = field in (*kind.NUMBERS, *kind.ANYTHING, *kind.FURTHER)
    return names_columns and bool(default)


def _taken(kind: type[Study], design: str, field: str) -> bool:
    """Whether `design` makes anything of the choice `field`."""
    module = import_module(f"analysis.studies.{kind.FAMILY}")
    own: dict[str, tuple[str, ...]] = dict.fromkeys(vars(kind).get("OWN", ()), ())
    own |= vars(module).get("MEANT_FOR", {})
    if field in ("dose", "eligible"):
        return _ARGUMENTS.get(design) == field
    if field in own or field in kind.CHOICES:
        return field in options(design) or design in own.get(field, ())
    return field != "masked"


def _wrapped(line: str, value: Any) -> list[str]:
    """A long list of plain names on several lines."""
    if not isinstance(value, list) or any(" " in str(entry) for entry in value):
        return [line]
    return textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _also(kind: type[Study], value: list[str]) -> list[str]:
    """The other designs that may stand under `estimators`, as remarks."""
    others = [name for name in modules("designs", kind.FAMILY) if name not in value]
    if not others:
        return []
    text = f"Further estimators: {', '.join(others)}."
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ")


def _label(known: Table, kind: type[Study], field: str, value: Any) -> str:
    """What the column behind a choice is, in the words of its declaration."""
    if field not in (*kind.NUMBERS, *kind.ANYTHING) or not isinstance(value, str):
        return ""
    declared = known.source.columns[value]
    unit = f", {declared.unit}" if declared.unit else ""
    return f". Here: {' '.join(declared.label.split())}{unit}"


def _yaml(value: Any) -> str:
    """`value` as YAML that every version reads alike."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_yaml(entry) for entry in value)}]"
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".") if value else "0"
    return str(value) if isinstance(value, int) else _quoted(value)


def _quoted(text: str) -> str:
    plain = _WORD.fullmatch(text) and not text.endswith(" ") and text.lower() not in _SPECIAL
    return text if plain and ": " not in text and " #" not in text else "'" + text.replace("'", "''") + "'"


_SPECIAL = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
