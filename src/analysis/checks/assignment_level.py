"""Are errors computed at the level at which arms were assigned? Rows assigned together count as one draw of chance.

Reference: Abadie, Athey, Imbens and Wooldridge (2023), "When should you adjust standard errors for clustering?";
Donner and Klar (2000).
"""

from __future__ import annotations

from analysis.fits.randomised_trial import Trial
from analysis.inference.trial_arms import arms
from analysis.inference.trial_rows import assigned_together
from analysis.refusal import Refusal
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "Errors follow the assignment: what was assigned together is counted together."


def run(
    data: Rows,
    effects: Trial,
    path: Effects | None,
    *,
    treatment: str,
    control_arm: str | int | None,
    arm: str | int | None,
    errors: str | None,
    order: str | None,
    outcomes: list[str],
) -> Check:
    """Looks for columns within which the arm never varies, and compares the errors with those clustered there."""
    found = arms(data, treatment, control_arm, arm)
    ignored = data.clustered and errors in ("robust", "classical")
    if ignored and assigned_together(_with_cluster(data), found.code, "cluster"):
        return _finer(data, effects, data.labels.cluster, data, "errors: clustered")
    apart = {treatment, order, data.labels.outcome, data.labels.cluster, *outcomes}
    for name in sorted(set(data.columns) - {one for one in apart if one}):
        if assigned_together(data, found.code, name) and not _nested(data, name):
            return _finer(data, effects, name, _clustered_by(data, name), f"cluster: {name}")
    if data.unit is not None and not data.clustered:
        by_unit = data.with_column(data.labels.unit, data.unit.astype(float))
        if assigned_together(by_unit, found.code, data.labels.unit):
            name = data.labels.unit
            return _finer(data, effects, name, _clustered_by(by_unit, name), f"cluster: {name}")
    return _level(data, effects, ignored)


def _with_cluster(data: Rows) -> Rows:
    return data.with_column("cluster", data.cluster.astype(float))


def _clustered_by(data: Rows, name: str) -> Rows:
    """The same rows with that column as cluster."""
    from dataclasses import replace

    import numpy as np

    cluster = np.unique(data.column(name), return_inverse=True)[1]
    return replace(data, cluster=cluster, labels=replace(data.labels, cluster=name))


def _nested(data: Rows, name: str) -> bool:
    """Values of the column lie within clusters that the errors already count together."""
    import numpy as np

    if not data.clustered:
        return False
    pairs = np.unique(np.column_stack([data.column(name), data.cluster]), axis=0)
    return len(pairs) == len(np.unique(pairs[:, 0]))


def _finer(data: Rows, effects: Trial, name: str, coarse: Rows, fix: str) -> Check:
    used = float(effects.table["std_error"].iloc[0])
    try:
        other = effects.refit(coarse, errors="clustered", uncertainty="design")  # type: ignore[call-arg]
        ratio = float(other.table["std_error"].iloc[0]) / used
        size = f" Clustered there, the standard error is {ratio:.1f} times as large."
    except (Refusal, TypeError):
        ratio, size = None, ""
    return Check(
        "assignment_level",
        "E105",
        ASSUMPTION,
        f"The arm never varies within {name}, and errors count {data.n:,} rows as separate draws of chance.{size}",
        f"Set `{fix}`.",
        "warn",
        ratio,
    )


def _level(data: Rows, effects: Trial, ignored: bool) -> Check:
    word = data.labels.word(data.labels.cluster)
    level = "each row for itself" if not data.clustered or ignored else f"clusters ({word})"
    note = f" They ignore `cluster` ({word}), within which the arm varies." if ignored else ""
    return Check(
        "assignment_level",
        "E105",
        ASSUMPTION,
        f"Errors count {level}.{note} No column in use shows rows that were assigned together; a level that the table "
        "does not name would not be seen.",
        "If arms were drawn for sites, classes or days, name that column under `cluster`.",
        "note",
    )
