"""Pages say what people say: no raw column name in what a design, a check or a chart writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from analysis import checks, data, decide, designs, paths
from analysis.data import catalog
from analysis.panel import Labels
from analysis.report import answer, effects, wording
from analysis.report.glossary import ordinary_words
from analysis.run import versions
from analysis.study import Study

FILES = {p.stem: p for p in sorted(paths.PARAMS.glob("*/*.yml")) if p.parent.name != "sweeps"}
# One study of each kind of text, quick to estimate; every published page is read below.
QUICK = ("incinerator", "cigarette-tax", "beer-tax", "class-size", "drinking-age", "lalonde")
LATEST = {v.folder.parent.name: v for v in versions.latest_of_all() if v.folder.parent.name in FILES}
CATEGORIES = {"active"}  # "very active" is what people said of themselves
KEEPER = ("findings.limits", "findings.provenance")
SOLID = ("csv", "csv_name", "id", "name", "code", "question", "source")


def test_columns_are_called_by_their_labels() -> None:
    said = {"l_petrol": "Price of petrol, real (log)", "bpl": "Place of birth", "age": "Age of the house", "id": "Firm"}
    say = wording.speaker(["l_petrol", "bpl", "age"], Labels("y", "", unit="id", said=said))
    assert say("held: l_petrol, bpl, age") == "held: price of petrol real, place of birth, age"
    assert say(say("held: l_petrol")) == say("held: l_petrol")
    assert (
        say("Set `cluster: id`, not {bpl} or l_petrol_2: id 7.")
        == "Set `cluster: id`, not {bpl} or l_petrol_2: firm 7."
    )
    assert wording.speaker(["unknown"], Labels("y", ""))("unknown y") == "unknown y"


def texts(found: Any) -> Iterator[str]:
    """Every string that a page shows of what a cell displays."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        for key, value in found.items():
            yield from texts(value) if key not in SOLID else ()
    elif isinstance(found, list | tuple):
        for value in found:
            yield from texts(value)


def raw_names(study: Study, shown: Any) -> set[str]:
    """Columns of the study's table that its texts name as the file does, and that are no ordinary words."""
    columns = catalog.read(study.dataset).columns
    said = [study.question, study.decision, study.intervention, study.dataset]
    for column in columns.values():
        said += [column.label, column.unit, *(str(value) for value in column.values or [])]
    prose = CATEGORIES | set(re.findall(r"\w+", " ".join(said).lower())) | ordinary_words()
    names = [name for name in columns if name.lower() not in prose and len(name) > 1]
    pattern = re.compile(rf"(?<![\w`])({'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})(?![\w`])")
    return {match[1] for text in texts(shown) for match in pattern.finditer(text)} if names else set()


@pytest.mark.parametrize("name", QUICK)
def test_no_raw_column_name_is_shown(name: str) -> None:
    written = yaml.safe_load(FILES[name].read_text(encoding="utf-8"))
    slow = {"placebo_breaks", "leave_one_cluster_out", "panel_clusters", "randomisation_test", "covariate_balance"}
    study = Study.read({**written, "checks": [c for c in written["checks"] if c not in slow]}, name)
    loaded = data.load(study)
    pieces = designs.estimate(study, loaded)
    estimate = designs.headline(study, loaded, pieces)
    found = checks.run(study, loaded, pieces)
    measure = catalog.read(study.dataset).columns[study.outcome]
    verdict = decide.decide(study, loaded, pieces, None, estimate, found)
    shown = [answer.summary(study, measure, pieces, estimate, verdict, found).meta]
    shown.append(effects.comparison(designs.alternatives(study, loaded, pieces), measure).meta)
    shown += [[check.finding, check.advice, check.overturns] for check in found]
    assert raw_names(study, shown) == set()


@pytest.mark.parametrize("name", LATEST)
def test_no_raw_column_name_is_published(name: str) -> None:
    """Of every latest version, all that its cells show; but what the data's keeper wrote, which names columns."""
    study = Study.read(yaml.safe_load(FILES[name].read_text(encoding="utf-8")), name)
    notebook = json.loads((LATEST[name].folder / "report.ipynb").read_text(encoding="utf-8"))
    assert raw_names(study, shown_by(notebook)) == set()


def shown_by(notebook: Any) -> list[Any]:
    shown: list[Any] = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and not any(word in source for word in KEEPER):
            for output in cell["outputs"]:
                shown += [output["metadata"].get("analysis", {}), "".join(output["data"]["text/plain"])]
    return shown


def test_the_search_finds_a_planted_name() -> None:
    study = Study.read(yaml.safe_load(FILES["uk-seat-belts"].read_text(encoding="utf-8")), "uk-seat-belts")
    assert raw_names(study, {"method": "beside the season and l_petrol", "csv": "l_rear"}) == {"l_petrol"}
