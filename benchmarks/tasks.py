"""The tasks: who does them, with which columns, and which differences between tools are known.

A tool is `module.function`, loaded in the process that measures it, because a process loads one package only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module

from benchmarks.numbers import Tool

BASE = ("unit", "period", "y", "first_treated_zero")
OWN = ("unit", "period", "y", "first_treated")
SORTED, SHUFFLED, SHORT = "sorted", "shuffled", "short"


@dataclass(frozen=True)
class Task:
    """One computation and the tools that do it; "ours" is one of them.

    tools: function behind each name. columns: what each tool reads (OWN and BASE unless named), and `extra`; "y" stands
    for `outcome`. order: which file is read. estimates, errors: why a tool's estimates (or only its standard errors)
    differ from ours, where they do; all others must agree.
    """

    tools: dict[str, str]
    extra: tuple[str, ...] = ()
    outcome: str = "y"
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: str = SORTED
    estimates: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def known(self, tool: str) -> str:
        """Why a tool's numbers differ from ours; empty where they must agree."""
        return self.estimates.get(tool) or self.errors.get(tool, "")

    def reads(self, tool: str) -> list[str]:
        """The columns that `tool` is given."""
        chosen = self.columns.get(tool, OWN if tool == "ours" else BASE)
        named = [self.outcome if name == "y" else name for name in chosen]
        return [*named, *(name for name in self.extra if name not in named)]

    def function(self, tool: str) -> Tool:
        """What is measured."""
        return _load(self.tools[tool])

    def prepare(self, tool: str) -> Tool | None:
        """What turns the table into the task's input before the clock starts; None where the input is the table."""
        module, name = self.tools[tool].split(".")
        loaded = import_module(f"benchmarks.{module}")
        prepared: Tool | None = getattr(loaded, f"prepare_{name}", None)
        return prepared


def _load(place: str) -> Tool:
    module, name = place.split(".")
    found: Tool = getattr(import_module(f"benchmarks.{module}"), name)
    return found


DRAWN = "errors and the band's critical value come from its own random draws"
GARDNER = "Gardner's errors, ours are those of imputation"
UNKNOWN = "cause not known"
TASKS = {
    "event_study": Task(
        {"ours": "ours.event_study", "pyfixest": "peer_pyfixest.event_study"},
        columns={"pyfixest": ("unit", "period", "y", "event_time")},
    ),
    "event_study, shuffled": Task(
        {"ours": "ours.event_study", "pyfixest": "peer_pyfixest.event_study"},
        columns={"pyfixest": ("unit", "period", "y", "event_time")},
        order=SHUFFLED,
    ),
    "two_way_fixed_effects": Task(
        {
            "ours": "ours.two_way_fixed_effects",
            "pyfixest": "peer_pyfixest.two_way_fixed_effects",
            "linearmodels": "peer_pyfixest.linearmodels",
        },
        columns=dict.fromkeys(("pyfixest", "linearmodels"), ("unit", "period", "y", "treated")),
        errors={"linearmodels": "counts parameters otherwise in the small-sample factor"},
    ),
    "bacon": Task({"ours": "ours.bacon", "diff-diff": "peer_diff_diff.bacon"}),
    "group_time": Task(
        {
            "ours": "ours.group_time",
            "diff-diff": "peer_diff_diff.group_time",
            "csdid": "peer_csdid.group_time",
            "moderndid": "peer_moderndid.group_time",
        },
    ),
    "group_time, shuffled": Task({"ours": "ours.group_time", "diff-diff": "peer_diff_diff.group_time"}, order=SHUFFLED),
    "group_time, dr, 2 covariates": Task(
        {
            "ours": "ours.group_time_dr",
            "diff-diff": "peer_diff_diff.group_time_dr",
            "csdid": "peer_csdid.group_time_dr",
            "moderndid": "peer_moderndid.group_time_dr",
        },
        extra=("x1", "x2"),
        outcome="y_trend",
        estimates={"diff-diff": f"{UNKNOWN}; csdid and moderndid agree with ours"},
    ),
    "group_time, 999 draws": Task(
        {
            "ours": "ours.group_time_draws",
            "diff-diff": "peer_diff_diff.group_time_draws",
            "csdid": "peer_csdid.group_time_draws",
            "moderndid": "peer_moderndid.group_time_draws",
        },
        estimates=dict.fromkeys(("diff-diff", "csdid", "moderndid"), DRAWN),
    ),
    "sun_abraham": Task(
        {
            "ours": "ours.sun_abraham",
            "diff-diff": "peer_diff_diff.sun_abraham",
            "pyfixest": "peer_pyfixest.sun_abraham",
        },
    ),
    "imputation": Task({"ours": "ours.imputation", "diff-diff": "peer_diff_diff.imputation"}),
    "two-stage": Task(
        {"ours": "ours.imputation", "diff-diff": "peer_diff_diff.two_stage", "pyfixest": "peer_pyfixest.two_stage"},
        columns={"pyfixest": ("unit", "period", "y", "treated")},
        estimates={"pyfixest": f"its first stage is solved to a tolerance; {GARDNER}"},
        errors={"diff-diff": GARDNER},
    ),
    "extended_twfe": Task({"ours": "ours.extended_twfe", "diff-diff": "peer_diff_diff.extended_twfe"}),
    "stacked": Task(
        {"ours": "ours.stacked", "diff-diff": "peer_diff_diff.stacked"},
        errors={"diff-diff": "errors of its regression also move with shocks common to all units; ours leave them out"},
    ),
    "local_projection": Task(
        {
            "ours": "ours.local_projection",
            "diff-diff": "peer_diff_diff.local_projection",
            "pyfixest": "peer_pyfixest.local_projection",
        },
        columns={"diff-diff": ("unit", "period", "y", "treated")},
    ),
    "switching": Task(
        {
            "ours": "ours.switching",
            "moderndid": "peer_moderndid.switching",
            "diff-diff": "peer_diff_diff.switching",
        },
        columns=dict.fromkeys(("ours", "moderndid", "diff-diff"), ("unit", "period", "y", "switch")),
        outcome="y_switch",
        errors={"diff-diff": "its own variance formula; moderndid's errors are ours"},
    ),
    "triple_difference": Task(
        {
            "ours": "ours.triple_difference",
            "moderndid": "peer_moderndid.triple_difference",
            "diff-diff": "peer_diff_diff.triple_difference",
        },
        extra=("eligible",),
        outcome="y_eligible",
        estimates={"moderndid": "averages cohorts by all their units, ours and diff-diff's by the eligible ones"},
    ),
    "dose": Task(
        {"ours": "ours.dose", "diff-diff": "peer_diff_diff.dose", "moderndid": "peer_moderndid.dose"},
        extra=("dose",),
        outcome="y_dose",
        estimates={
            "diff-diff": "in the slope cohorts count by their units, in ours by units and treated periods",
            "moderndid": "in the slope cohorts count by their units, in ours by units and treated periods",
        },
    ),
    "dose, one date": Task(
        {
            "ours": "ours.dose_one_date",
            "diff-diff": "peer_diff_diff.dose_one_date",
            "moderndid": "peer_moderndid.dose_one_date",
        },
        columns={"ours": ("unit", "period", "y", "first_dose", "dose")}
        | dict.fromkeys(("diff-diff", "moderndid"), ("unit", "period", "y", "first_dose_zero", "dose")),
        outcome="y_dose",
        errors={"diff-diff": f"the slope's error, {UNKNOWN}", "moderndid": f"{UNKNOWN}; diff-diff's are ours"},
    ),
    "sensitivity": Task(
        {
            "ours": "ours.sensitivity",
            "moderndid": "peer_moderndid.sensitivity",
            "diff-diff": "peer_diff_diff.sensitivity",
        },
        columns={"ours": BASE},
        order=SHORT,
        estimates={
            "diff-diff": "another number: plug-in bounds plus and minus 1.96 errors",
            "moderndid": "the ends of a grid of 100 points",
        },
    ),
    "all without covariates": Task({"ours": "ours.together"}),
}


def cases(names: list[str] | None = None) -> Iterator[tuple[str, Task]]:
    """The tasks by name, all of them or those that start with one of `names`."""
    for name, task in TASKS.items():
        if names is None or any(name.startswith(wanted) for wanted in names):
            yield name, task
