"""A small complete project in a temporary folder: this checkout's `src`, one notebook, one study, one table.

The command line is run there as a user runs it, in processes of its own. The notebook's numbers come from the table by
plain arithmetic; files in the project's top folder make it misbehave on purpose.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STUDY = "small-policy"
PARAMETER_FILE = f"params/small/{STUDY}.yml"

PARAMETERS = """\
# A study small enough to run in a second.
question: Did the small policy raise the score?
decision: Whether to keep the small policy next year
intervention: the small policy
dataset: small
outcome: score
design: group_time
worthwhile: 0.5
better: higher
level: 0.95   # of all intervals
"""

DEFAULTS = """\
question = "Did anything happen here?"  # asked of the data
decision = "Whether to go on with it"  # what follows from the answer
intervention = "a policy"  # in plain words
dataset = "small"  # folder in data/raw
outcome = "score"  # column
where = []  # conditions a row must meet
covariates = []  # columns
adjustment = "doubly_robust"  # how covariates enter
family = "linear"  # of means
dose = None  # column
estimators = []  # others
weight = None  # column
cluster = None  # column
design = "group_time"  # estimator
worthwhile = 1.0  # points
better = "higher"  # direction
level = 0.9  # of intervals
seed = 20260101  # of random draws
masked = False  # outcomes as they are
"""

MODULE = '''\
"""Blocks of the small test notebook, and the ways in which it can go wrong on purpose."""

import csv
import os
import sys
import time

from analysis import paths
from analysis.refusal import Refusal


class Block:
    def __init__(self, text, **analysis):
        self.text, self.analysis = text, analysis

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.text, "text/html": f"<p>{self.text}</p>"}, {"analysis": self.analysis}


def mode():
    file = paths.ROOT / "misbehave"
    return file.read_text() if file.is_file() else ""


def estimate(dataset, outcome):
    with (paths.RAW / dataset / "small.csv").open() as file:
        rows = list(csv.DictReader(file))
    after = [float(row[outcome]) for row in rows if row["start"] and int(row["year"]) >= int(row["start"])]
    before = [float(row[outcome]) for row in rows if row["start"] and int(row["year"]) < int(row["start"])]
    shift = {"other number": 0.001, "noise": 1e-9}.get(mode(), 0.0)
    return sum(after) / len(after) - sum(before) / len(before) + shift


def answer(study):
    with (paths.ROOT / "executions.log").open("a") as log:
        log.write("run\\n")
    wrong = mode()
    if wrong == "error":
        raise ValueError("first line\\nthe last line says why")
    if wrong == "refusal":
        raise Refusal("P001", f"data/raw/{study.dataset}/small.csv:year", "3 duplicate rows", "drop them")
    if wrong == "warning":
        print("RuntimeWarning: something is off", file=sys.stderr)
    if wrong == "die":
        os._exit(3)
    if wrong in ("slow", "pause"):
        time.sleep({"slow": 30, "pause": 1}[wrong])
    value = float("nan") if wrong == "not a number" else estimate(study.dataset, study.outcome)
    low = value + 0.1 if wrong == "outside" else value - 0.4
    text = f"The score rose by {value:.4f} points"
    number = {
        "id": "att", "label": "Effect", "estimate": value, "std_error": 0.2, "low": low, "high": value + 0.4,
        "level": study.level, "n": 24, "clusters": None, "treated_clusters": None, "unit": "points",
        "method": "difference of means", "estimand": "effect on the treated",
    }
    said = {
        "question": study.question, "sentence": text + ".", "chance": "Likely.", "overturn": "A trend.",
        "strength": {"word": "Weak", "step": 1, "reason": "A toy table."}, "recommendation": "Keep it.",
        "caveat": "Small.", "headline": {"value": value, "low": value - 0.4, "high": value + 0.4, "unit": "points",
                                         "text": f"{value:.4f} points"},
    }
    return Block(text, kind="answer", answer=said, numbers=[number, {**number, "id": "again", "label": "Again"}])


def findings(study):
    check = {"name": "placebo", "severity": "note", "assumption": "No effect before.", "finding": "None was seen.",
             "advice": "Go on.", "statistic": 0.3, "p_value": 0.6, "low": None, "high": None}
    return Block("Nothing before the start", kind="findings", checks=[check])


def provenance(study):
    text = f"Python {sys.version_info.major}, {'elsewhere' if (paths.ROOT / 'elsewhere').exists() else 'here'}"
    return Block(text, kind="provenance")
'''

SOURCE = """\
title: A small table for tests
origin: made by the tests
citation: none is needed
licence: MIT
obtained: written by the tests
file: small.csv
sha256: {sha256}
synthetic: true
columns:
  unit: {{type: integer, label: Unit, role: unit}}
  year: {{type: integer, label: Year, role: time, minimum: 2000, maximum: 2030}}
  start: {{type: integer, label: First year of the policy, role: first_treated, missing: allow}}
  score: {{type: number, label: Score, unit: points, role: outcome, minimum: -100, maximum: 100}}
  region: {{type: text, label: Region, values: [north, south]}}
"""


IDENTITY = f"""
import json
from analysis import paths
from analysis.run import identity, parameters
own = identity.of(parameters.load(paths.ROOT / {PARAMETER_FILE!r}))
print(json.dumps({{**own.parts, "key": own.key}}))
"""


@dataclass(frozen=True)
class Run:
    """A finished command: exit code, texts, wall and CPU seconds (its children included)."""

    code: int
    out: str
    err: str
    seconds: float
    cpu: float

    @property
    def last(self) -> str:
        """The last line of standard output."""
        return self.out.strip().splitlines()[-1] if self.out.strip() else ""


class Project:
    """A project folder and what a user does in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def environment(self) -> dict[str, str]:
        """A user's environment in which `analysis` is this folder's."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_", "PYTEST"))}
        return {**kept, "PYTHONPATH": str(self.root / "src"), "PYTHONNOUSERSITE": "1"}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command of the project without waiting."""
        command = [sys.executable, "-m", "analysis.cli", *arguments]
        own = {**self.environment(), **environment}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.root, env=own, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str, **environment: str) -> Run:
        """Run a command of the project to its end."""
        begin, used = time.monotonic(), _cpu()
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=120)
        return Run(process.returncode, out, err, time.monotonic() - begin, _cpu() - used)

    def report(self) -> Run:
        """Make the report of the study."""
        return self.run("report", STUDY)

    def identity(self, folder: str = ".", **environment: str) -> dict[str, str]:
        """The key and the parts of the study's identity, from a process of its own started in `folder`."""
        command = [sys.executable, "-c", IDENTITY]
        own = {**self.environment(), **environment}
        done = subprocess.run(command, cwd=self.root / folder, env=own, capture_output=True, text=True, check=True)
        parts: dict[str, str] = json.loads(done.stdout)
        return parts

    def published(self) -> dict[str, str]:
        """Every published file (the catalogue included) and its checksum."""
        files = [p for p in (self.root / "reports").glob("[!.]*/**/*") if p.is_file()]
        files += (self.root / "reports").glob("*.html")
        return {p.relative_to(self.root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    def versions(self) -> list[Path]:
        """The version folders of the study, oldest first."""
        folders = (self.root / "reports" / STUDY).glob("*/manifest.json")
        return [p.parent for p in sorted(folders, key=lambda p: json.loads(p.read_text())["created"])]

    def manifest(self) -> dict[str, Any]:
        """The manifest of the latest version."""
        loaded: dict[str, Any] = json.loads((self.versions()[-1] / "manifest.json").read_text())
        return loaded

    def executions(self) -> int:
        """How often the notebook has been run so far."""
        log = self.root / "executions.log"
        return len(log.read_text().splitlines()) if log.is_file() else 0

    def misbehave(self, mode: str) -> None:
        """Make the notebook do `mode` from now on; "" for none."""
        (self.root / "misbehave").write_text(mode)

    def write(self, name: str, text: str) -> None:
        """Put `text` into the file `name`."""
        (self.root / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old` by `new` in the file `name`."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def write_table(self, table: str, declare: bool = True) -> None:
        """Put `table` in place of the data; `declare` its checksum too."""
        content = table.encode()
        (self.root / "data/raw/small/small.csv").write_bytes(content)
        if declare:
            self.write("data/raw/small/source.yml", SOURCE.format(sha256=hashlib.sha256(content).hexdigest()))

    def forget(self) -> None:
        """Be another machine: nothing was ever run here."""
        shutil.rmtree(self.root / "reports/.state", ignore_errors=True)

    def left_over(self) -> list[Path]:
        """What is still in staging."""
        return list((self.root / "reports/.staging").glob("*"))


def table() -> str:
    """Eight units in four years; four of them treated from 2003 or 2004 on, with an effect of two points."""
    lines = ["unit,year,start,score,region"]
    for unit in range(8):
        start = {0: 2003, 1: 2003, 2: 2004, 3: 2004}.get(unit)
        for year in range(2001, 2005):
            effect = 2.0 if start and year >= start else 0.0
            score = 10 + unit * 0.5 + (year - 2001) * 0.25 + effect + (unit * year % 5) * 0.1
            lines.append(f"{unit},{year},{start or ''},{score:.2f},{'north' if unit % 2 else 'south'}")
    return "\n".join(lines) + "\n"


def notebook() -> str:
    """The stored notebook: no outputs, cells with ids of their own."""
    cells = [
        ("markdown", "# Did the small policy raise the score?\n\nQuestion, decision, design."),
        ("code", DEFAULTS),
        (
            "code",
            "from analysis import small\nfrom analysis.studies.difference_in_differences import Study\n\n"
            "study = Study(question=question, decision=decision, intervention=intervention, dataset=dataset,\n"
            "              outcome=outcome, where=where, covariates=covariates, weight=weight, cluster=cluster,\n"
            "              adjustment=adjustment, family=family, dose=dose, design=design, estimators=estimators,\n"
            "              worthwhile=worthwhile, better=better, level=level, seed=seed,\n"
            "              masked=masked)",
        ),
        ("markdown", "## What is the answer?"),
        ("code", "small.answer(study)"),
        ("markdown", "## Can it be trusted?"),
        ("code", "small.findings(study)"),
        ("markdown", "## Provenance"),
        ("code", "small.provenance(study)"),
    ]
    tags = {1: ["parameters"], 8: ["nbval-ignore-output"]}
    made = [_cell(number, kind, source, tags.get(number, [])) for number, (kind, source) in enumerate(cells)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _cell(number: int, kind: str, source: str, tags: list[str]) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": source}
    if tags:
        cell["metadata"]["tags"] = tags
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


def make(root: Path) -> Project:
    """A fresh project in `root`: nothing published yet."""
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(ROOT / "src" / "analysis", root / "src" / "analysis", ignore=ignore)
    for folder in ("notebooks", "params/small", "data/raw/small", "reports"):
        (root / folder).mkdir(parents=True)
    project = Project(root)
    project.write("src/analysis/small.py", MODULE)
    project.write("notebooks/small.ipynb", notebook())
    project.write(PARAMETER_FILE, PARAMETERS)
    project.write("requirements.lock", "nothing==1.0\n")
    project.write_table(table())
    return project


def copy(project: Project, root: Path) -> Project:
    """A copy of `project` in `root`, its file times and compiled bytecode included."""
    shutil.copytree(project.root, root)
    return Project(root)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
