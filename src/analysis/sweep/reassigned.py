"""One specification under other assignments: its estimates on data in which other units were treated.

Draw d gives every unit (or row) a random number that depends on the seed, on d and on the unit alone; assignments are
handed on in the order of these numbers. So all specifications see the same reassignment, whatever rows they use.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np

from analysis import designs
from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal
from analysis.result import AnyData
from analysis.rows import Rows
from analysis.run import files
from analysis.study import Study
from analysis.sweep import fit, members
from analysis.sweep.store import Store

NOT_HERE = "this design knows no units that could have been treated in each other's place"
MIXED = "units of one cluster are treated differently, so that clusters cannot change places"


@dataclass(frozen=True, eq=False)
class Draws:
    """estimate, error: (draws,) NaN where the design refused the assignment. blocks: clusters that change places."""

    estimate: Array
    error: Array
    blocks: int


def draws(study: Study, count: int, seed: int, kept: Store) -> Draws:
    """`count` estimates of `study` under reassigned treatment, read from the store where they are finished.

    Raises Refusal where units cannot change places.
    """
    name = hashlib.sha256(f"{kept.key(study)} {count} {seed}".encode()).hexdigest()
    path = kept.folder / f"{name}.null.json"
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        return Draws(np.array(found["estimate"]), np.array(found["error"]), int(found["blocks"]))
    made = _made(study, count, seed)
    content = {"estimate": made.estimate.tolist(), "error": made.error.tolist(), "blocks": made.blocks}
    files.replace(path, json.dumps(content))
    return made


def _made(study: Study, count: int, seed: int) -> Draws:
    table = fit.load(study)
    effects = designs.estimate(study, table, study.design)
    found = np.full((count, 2), np.nan)
    for place in range(count):
        try:
            single = fit.one(study, effects.refit(reassign(study, table, seed, place)))
        except Refusal:
            continue  # the design refuses this assignment: NaN, left out of this draw
        found[place] = single.estimate[0], single.table["std_error"].iloc[0]
    if np.isnan(found[:, 0]).mean() > 0.5:
        raise Refusal("E104", "design", "the design refuses most reassignments", "choose another design")
    return Draws(found[:, 0], found[:, 1], table.clusters)


def reassign(study: Study, table: AnyData, seed: int, draw: int) -> AnyData:
    """`table` with the treatment handed on among clusters. Raises Refusal where clusters cannot change places."""
    if isinstance(table, Panel):
        return _panel(table, seed, draw)
    name = str(getattr(study, "treatment", None) or "")
    if not isinstance(table, Rows) or name not in table.columns or not np.isin(table.columns[name], (0, 1)).all():
        raise Refusal("E104", "design", NOT_HERE, "choose another design")
    if table.unit is None:
        atom = np.arange(table.n, dtype=np.uint64)
    else:
        atom = members.hashed(table.units)[table.unit.astype(int)]
    source = _sources(atom, table.cluster, table.columns[name][:, None], seed, draw)
    return table.with_column(name, table.columns[name][source])


def _panel(panel: Panel, seed: int, draw: int) -> Panel:
    parts = [panel.adoption[:, None], panel.upcoming[:, None]]
    parts += [values[:, None] for values in (panel.dose, panel.eligible) if values is not None]
    parts += [np.nan_to_num(panel.treatment)] if panel.treatment is not None else []
    source = _sources(members.hashed(panel.units), panel.cluster, np.column_stack(parts), seed, draw)
    if not (panel.adoption[source] != NEVER).any():
        raise Refusal("P005", "treatment", "no treated unit", "choose another design")
    return replace(
        panel,
        adoption=panel.adoption[source],
        upcoming=panel.upcoming[source],
        treatment=None if panel.treatment is None else panel.treatment[source],
        dose=None if panel.dose is None else panel.dose[source],
        eligible=None if panel.eligible is None else panel.eligible[source],
    )


def _sources(atom: Array, cluster: Array, assigned: Array, seed: int, draw: int) -> Array:
    """(n,) from which unit each unit takes its treatment."""
    codes, first, inverse = np.unique(cluster, return_index=True, return_inverse=True)
    if (assigned != assigned[first][inverse]).any():
        raise Refusal("E105", "cluster", MIXED, "choose another design")
    label = np.full(len(codes), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(label, inverse, atom)
    order, drawn = np.argsort(label, kind="stable"), np.argsort(scrambled(label, seed, draw), kind="stable")
    source = np.empty(len(codes), dtype=int)
    source[drawn] = order
    return np.asarray(first[source][inverse])


def scrambled(atom: Array, seed: int, draw: int) -> Array:
    """(n,) 64-bit numbers that look random and depend on nothing but atom, seed and draw (SplitMix64, Steele, Lea and
    Flood 2014)."""
    start = np.random.SeedSequence([seed, draw]).generate_state(1, np.uint64)[0]
    with np.errstate(over="ignore"):
        mixed = (atom ^ start) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
