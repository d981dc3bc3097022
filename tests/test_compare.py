"""The comparison of two versions as a pure function: it names what changed, ranks it, and names nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from analysis.report import changes, changes_numbers, changes_page
from analysis.run import differences, differences_numbers
from analysis.run.identity import PARTS

NUMBER = {
    "id": "headline", "label": "Headline effect", "estimate": 2.0, "std_error": 0.5, "low": 1.0, "high": 3.0,
    "level": 0.95, "n": 24, "clusters": None, "treated_clusters": None, "p_value": 0.001, "unit": "points",
    "method": "difference of means", "inference": "robust", "estimand": "effect", "baseline": None,
}  # fmt: skip
CHECK = {"name": "placebo", "severity": "note", "finding": "None was seen."}
ANSWER = {
    "question": "Did it?", "sentence": "It did.", "strength": {"word": "weak", "step": 1, "reason": "Small."},
    "chance": "Likely.", "overturn": "A trend.", "recommendation": "Keep it.", "caveat": "Small.",
    "headline": {"value": 2.0, "low": 1.0, "high": 3.0, "unit": "points", "text": "2.0 points"},
}  # fmt: skip
MANIFEST = {
    "schema": 1, "study": "small", "version": "2026-01-01-aaaaaaaaaaaa", "parts": dict.fromkeys(PARTS, "a"),
    "parameters": {"level": 0.95, "checks": ["placebo"], "where": []}, "data": {"small": "0" * 64},
    "tables": {"small": {"rows": 32, "columns": ["unit", "year"], "sha256": "0" * 64, "declaration": "d"}},
    "modules": {"small.py": "1", "run/x.py": "2"}, "packages": {"numpy": "2.0", "scipy": "1.0"},
}  # fmt: skip


def number(**other: Any) -> dict[str, Any]:
    return {**NUMBER, **other}


def side(numbers: list[dict[str, Any]] | None = None, **manifest: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    results = {"schema": 1, "answer": copy.deepcopy(ANSWER), "numbers": numbers or [number()], "checks": [dict(CHECK)]}
    return {**copy.deepcopy(MANIFEST), **manifest}, results


def moved(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return differences_numbers.moved(old, new)


def parts(**other: str) -> dict[str, str]:
    return {**dict.fromkeys(PARTS, "a"), **other}


def named(found: dict[str, Any]) -> set[str]:
    """What a comparison names at all."""
    modules = {kind for kind, names in found["modules"].items() if names}
    lists = ("parts_changed", "parameters", "data", "packages", "numbers", "described", "checks", "answer")
    return {name for name in (*lists, "not_recorded") if found[name]} | modules


def test_two_equal_sides_name_nothing() -> None:
    found = differences.between(side(), side())
    assert named(found) == set() and differences.same(found)
    assert found["sentence"] == "The main result is as before (2.0 points); no published number moved."


def test_a_number_within_tolerance_is_equal_and_one_beyond_it_is_not() -> None:
    assert moved([number()], [number(estimate=2.0 + 4e-7)]) == []
    (entry,) = moved([number()], [number(estimate=2.0 + 6e-7)])
    assert entry["what"] == ["estimate"] and entry["in_std_errors"] == pytest.approx(1.2e-6)


def test_a_move_is_told_in_standard_errors_of_the_earlier_number() -> None:
    (entry,) = moved([number()], [number(estimate=2.25, std_error=0.1)])
    assert entry["in_std_errors"] == 0.5 and (entry["before"], entry["after"]) == (2.0, 2.25)
    (bare,) = moved([number(std_error=None)], [number(estimate=2.25, std_error=0.1)])
    assert bare["in_std_errors"] is None
    (other,) = moved([number()], [number(estimate=2.25, unit="share")])
    assert other["in_std_errors"] is None and "unit" in other["what"]


SENSITIVITY = {
    "id": "honest_rm_1", "label": "1 times the largest earlier change: interval", "estimate": 0.5, "std_error": None,
    "low": -1.0, "high": 2.0, "p_value": None,
}  # fmt: skip


def test_an_interval_alone_is_compared_by_its_ends_and_never_by_their_middle() -> None:
    old, new = number(**SENSITIVITY), number(**{**SENSITIVITY, "estimate": 0.75, "high": 2.5})
    (entry,) = moved([old], [new])
    assert (entry["what"], entry["before"], entry["after"], entry["in_std_errors"]) == (["high"], None, None, None)
    assert (entry["interval_before"], entry["interval_after"]) == ([-1.0, 2.0], [-1.0, 2.5])
    label, before, now, steps, note = changes_numbers.row(entry)
    assert (before, now, steps, note) == ("−1.0 to 2.0", "−1.0 to 2.5", changes_numbers.ABSENT, "")
    assert label == "1 times the largest earlier change: interval (points)"
    values = dict(zip(*(line.split(",") for line in changes_numbers.as_csv([entry]).splitlines()), strict=True))
    assert (values["before"], values["after"], values["low_before"], values["high_after"]) == ("", "", "-1.0", "2.5")
    assert moved([old], [{**old, "estimate": 0.6}]) == []
    # Around zero the middle may change its side; that is no change of sign.
    (turned,) = moved([{**old, "std_error": 0.5}], [{**old, "estimate": -0.5, "low": -3.0}])
    assert not turned["sign_flip"] and turned["in_std_errors"] == -4.0 and changes_numbers.steps(turned) == "−4.00"


def test_an_interval_recorded_with_its_middle_is_shown_by_its_ends() -> None:
    (entry,) = moved([number(**SENSITIVITY)], [number(**{**SENSITIVITY, "estimate": 0.75, "high": 2.5})])
    older = {**entry, "what": ["estimate", "high"], "before": 0.5, "after": 0.75}
    assert changes_numbers.row(older)[1:3] == ("−1.0 to 2.0", "−1.0 to 2.5")
    assert changes_numbers.as_csv([older]).splitlines()[1].split(",")[3:5] == ["", ""]


def test_the_sentence_says_how_many_moved_noticeably() -> None:
    """Standard error 0.5: a tenth of it is 0.05. An end that moved counts as much as the estimate."""
    old = [number(id=f"n{k}", label=f"N{chr(97 + k)}") for k in range(4)]
    moves: list[dict[str, Any]] = [{"estimate": 2.04}, {"estimate": 2.06}, {"high": 3.1}, {"estimate": 2.01}]
    new = [{**one, **move} for one, move in zip(old, moves, strict=True)]
    wide, wider = number(**SENSITIVITY), number(**{**SENSITIVITY, "high": 2.5})
    said = differences.between(side(old), side(new))["sentence"]
    assert "4 of 4 published numbers moved, 2 of them by more than a tenth of a standard error." in said
    said = differences.between(side([*old, wide]), side([*new, wider]))["sentence"]
    assert "5 of 5 published numbers moved, 2 of them by more than a tenth of a standard error (1 has no stand" in said
    said = differences.between(side(old[:1]), side(new[:1]))["sentence"]
    assert "1 of 1 published numbers moved, none of them by more than a tenth of a standard error." in said
    said = differences.between(side([wide]), side([wider]))["sentence"]
    assert "1 of 1 published numbers moved." in said


def test_a_lock_file_without_other_packages_is_said() -> None:
    found = differences.between(side(), side(parts=parts(lock="b")))
    line = "The lock file changed; every package that the manifest names kept its version."
    assert changes.causes(found) == [("Packages", [line])]


def test_flips_come_first_then_size_then_new_then_gone() -> None:
    small, large = number(id="small", label="S"), number(id="large", label="L")
    sign, crossing = number(id="sign", label="F"), number(id="crossing", label="C")
    old = [number(id="gone", label="G"), small, large, sign, crossing]
    new = [
        number(id="fresh", label="N"),
        {**small, "estimate": 2.1},
        {**large, "estimate": 3.0},
        {**crossing, "estimate": 1.9, "low": -0.1},
        {**sign, "estimate": -0.1, "low": -1.0, "high": 0.9, "p_value": 0.8},
    ]
    entries = moved(old, new)
    assert [entry["id"] for entry in entries] == ["sign", "crossing", "large", "small", "fresh", "gone"]
    assert [entry["sign_flip"] for entry in entries] == [True] + [False] * 5
    assert [entry["significance_flip"] for entry in entries] == [True, True] + [False] * 4
    assert (entries[4]["before"], entries[4]["after"], entries[5]["after"]) == (None, 2.0, None)


def test_zero_is_no_sign_and_an_unknown_interval_no_significance() -> None:
    (entry,) = moved([number(low=None, high=None, p_value=None)], [number(estimate=0.0, low=None, high=None)])
    assert not entry["sign_flip"] and not entry["significance_flip"]
    (tested,) = moved([number(low=None, high=None)], [number(low=None, high=None, p_value=0.2)])
    assert tested["significance_flip"]


def test_an_estimator_put_in_front_moves_no_number() -> None:
    old = [number(id=f"alternative_{k}_{name}", label=name) for k, name in enumerate(["stacked", "imputation"], 1)]
    new = [number(id="alternative_1_fresh", label="fresh"), {**old[0], "id": "alternative_2_stacked"}]
    new += [{**old[1], "id": "alternative_3_imputation", "label": "imputation (3 periods)"}]
    (entry,) = moved(old, new)
    assert (entry["id"], entry["what"]) == ("alternative_1_fresh", ["new"])


def test_a_position_that_holds_another_method_is_another_number() -> None:
    old, new = number(id="inference_2", label="errors by state"), number(id="inference_2", label="wild bootstrap")
    entries = moved([number(), old], [number(), {**new, "p_value": 0.3}])
    assert [(entry["label"], entry["what"]) for entry in entries] == [
        ("wild bootstrap", ["new"]),
        ("errors by state", ["gone"]),
    ]


def test_a_renamed_estimator_is_followed_by_its_label_or_shown_as_gone_and_new() -> None:
    old = number(id="alternative_1_old_name", label="Imputation")
    renamed = {**old, "id": "alternative_1_new_name"}
    assert moved([old], [renamed]) == []
    (field,) = differences_numbers.described([old], [renamed])
    assert (field["what"], field["before"], field["after"]) == (
        "name",
        "alternative_1_old_name",
        "alternative_1_new_name",
    )
    entries = moved([old], [{**renamed, "label": "Something else"}])
    assert [entry["what"] for entry in entries] == [["new"], ["gone"]]


def test_a_dropped_number_is_gone() -> None:
    found = differences.between(side([number(), number(id="b", label="B")]), side())
    assert [(entry["id"], entry["what"]) for entry in found["numbers"]] == [("b", ["gone"])]
    assert "1 is gone" in found["sentence"] and named(found) == {"numbers"}


def test_other_words_about_numbers_are_grouped_and_not_moves() -> None:
    new = [number(n=25), number(id="b", label="B", n=25)]
    found = differences.between(side([number(), number(id="b", label="B")]), side(new))
    assert found["numbers"] == [] and "2 are described otherwise" in found["sentence"]
    (field,) = found["described"]
    assert (field["what"], field["ids"], field["before"], field["after"]) == ("n", ["headline", "b"], 24, 25)


CAUSES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "parameter": (
        {"parameters": {**MANIFEST["parameters"], "level": 0.9}, "parts": parts(parameters="b")},
        {"parameters"},
    ),
    "data": ({"data": {"small": "1" * 64}, "parts": parts(data="b")}, {"data"}),
    "module": ({"modules": {"small.py": "9", "run/x.py": "2"}, "parts": parts(code="b")}, {"changed"}),
    "new module": ({"modules": {**MANIFEST["modules"], "y.py": "3"}, "parts": parts(code="b")}, {"added"}),
    "removed module": ({"modules": {"small.py": "1"}, "parts": parts(code="b")}, {"removed"}),
    "package": ({"packages": {"numpy": "2.1", "scipy": "1.0"}, "parts": parts(lock="b")}, {"packages"}),
    "notebook": ({"parts": parts(notebook="b")}, set()),
    "template": ({"parts": parts(template="b")}, set()),
    "Python": ({"parts": parts(python="3.12")}, {"packages"}),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_named_and_nothing_else(cause: str) -> None:
    change, expected = CAUSES[cause]
    found = differences.between(side(), side(**change))
    assert named(found) == expected | {"parts_changed"} and len(found["parts_changed"]) == 1
    (told,) = changes.causes(found)
    assert len(told[1]) == 1 and not differences.same(found)


def test_a_package_that_only_one_side_records_is_not_a_change() -> None:
    found = differences.between(side(), side(packages={**MANIFEST["packages"], "pandera": "1"}))
    assert differences.same(found)


def test_rows_and_columns_of_changed_data() -> None:
    table = {"rows": 31, "columns": ["unit", "week"], "sha256": "1" * 64, "declaration": "d"}
    found = differences.between(side(), side(data={"small": "1" * 64}, tables={"small": table}, parts=parts(data="b")))
    assert found["data"] == [
        {
            "dataset": "small", "rows_before": 32, "rows_after": 31, "columns_added": ["week"],
            "columns_removed": ["year"], "sha256_before": "0" * 64, "sha256_after": "1" * 64,
            "declaration_changed": False,
        }
    ]  # fmt: skip
    ((_, (line,)),) = changes.causes(found)
    assert line.startswith("small: 1 row fewer (32 before, 31 now); columns added: week; columns removed: year; ")


def test_datasets_come_and_go() -> None:
    data = {"other": "2" * 64}
    tables = {"other": {"rows": 5, "columns": ["a"], "sha256": "2" * 64, "declaration": "e"}}
    found = differences.between(side(), side(data=data, tables=tables, parts=parts(data="b")))
    ((_, lines),) = changes.causes(found)
    assert lines == ["other (5 rows) is new.", "small (32 rows) is no longer used."]


def test_older_manifests_say_not_recorded() -> None:
    old = side()
    del old[0]["modules"], old[0]["tables"]
    later = side(data={"small": "1" * 64}, parts=parts(code="b", data="b"))
    found = differences.between(old, later)
    assert found["not_recorded"] == ["modules", "tables"]
    told = dict(changes.causes(found))
    assert told["Code"] == ["Which modules changed is not recorded for the earlier version."]
    assert told["Data"][0].endswith("Rows and columns of the earlier file are not recorded.")


def test_checks_and_answer() -> None:
    later = side()
    later[1]["checks"] = [{**CHECK, "severity": "stop"}, {"name": "density", "severity": "warn"}]
    later[1]["answer"] |= {"recommendation": "End it.", "strength": {"word": "strong", "step": 3, "reason": "Large."}}
    found = differences.between(side(), later)
    assert found["checks"] == [
        {"name": "placebo", "before": "note", "after": "stop"},
        {"name": "density", "before": None, "after": "warn"},
    ]
    assert [entry["what"] for entry in found["answer"]] == ["strength", "recommendation"]
    told = changes.told(found, "x")
    assert told["checks"] == ["Placebo: was note, is stop.", "Density: new, caution."]
    assert told["answer"][0] == ("Strength of evidence", "weak", "strong")


def unit(of: str) -> tuple[dict[str, Any], dict[str, Any]]:
    made = side()
    made[1]["answer"]["headline"]["unit"] = of
    return made


def broken(**results: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    manifest, good = side()
    return manifest, {**good, **results}


REFUSED = {
    "other study": (side(study="other"), "they belong to two studies, small and other"),
    "other unit": (unit("%"), "the main result is in points in one and in % in the other"),
    "no common number": (side([number(id="z", label="Z")]), "they have no number in common"),
    "unknown schema": (side(schema=2), "unknown schema 2"),
    "no parts": (side(parts=None), "the manifest of 2026-01-01-aaaaaaaaaaaa is damaged: parts"),
    "no numbers": (broken(numbers=None), "damaged: numbers"),
    "numbers of another kind": (broken(numbers=[{"id": 1}]), "numbers, checks or headline are not whole"),
    "text for a number": (broken(numbers=[number(estimate="2")]), "numbers, checks or headline are not whole"),
    "checks of another kind": (broken(checks=["x"]), "numbers, checks or headline are not whole"),
    "no headline": (broken(answer={}), "numbers, checks or headline are not whole"),
    "results of an unknown schema": (broken(schema=None), "unknown schema None"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_compared_has_one_reason(what: str) -> None:
    other, reason = REFUSED[what]
    for pair in ((side(), other), (other, side())):
        said = differences.why_not(*pair)
        assert said is not None and "\n" not in said
        assert reason in said or what == "other study" or what == "other unit"
        found = differences.between(*pair)
        assert found["not_comparable"] == said and found["numbers"] == [] and said in found["sentence"]
    assert differences.why_not(side(), side()) is None


def test_a_comparison_is_plain_json_and_changes_no_input() -> None:
    earlier, later = side(), side([number(estimate=-2.0, low=-3.0, high=-1.0)], parts=parts(code="b"))
    before = json.dumps([earlier, later])
    found = differences.between(earlier, later)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert json.dumps([earlier, later]) == before


def test_flips_in_words() -> None:
    found = differences.between(side(), side([number(estimate=-0.25, low=-1.25, high=0.75, p_value=0.6)]))
    assert changes.told(found, "x")["flips"] == [
        "Headline effect (points): changed sign: 2.0 before, −0.2 now; "
        "its interval now includes zero: 1.0 to 3.0 before, −1.2 to 0.8 now."
    ]
    assert "1 changed sign, 1 gained or lost significance" in found["sentence"]


def test_an_end_next_to_zero_shows_its_side() -> None:
    (entry,) = moved([number(low=0.4)], [number(low=-0.04, estimate=1.5)])
    assert changes_numbers.note(entry) == "its interval now includes zero"
    assert changes_numbers.flip(entry).endswith("includes zero: 0.40 to 3.00 before, −0.04 to 3.00 now.")


def test_modules_that_calculate_come_first() -> None:
    changed = {"run/x.py": "9", "designs/z.py": "9", "commands/a.py": "9"}
    found = differences.between(side(modules=dict.fromkeys(changed, "1")), side(modules=changed, parts=parts(code="b")))
    assert found["modules"]["changed"] == ["designs/z.py", "commands/a.py", "run/x.py"]


def test_values_are_shown_with_enough_decimals_to_differ() -> None:
    (entry,) = moved([number()], [number(estimate=2.0004)])
    assert changes_numbers.row(entry)[1:4] == ("2.0000", "2.0004", "less than 0.01")
    (shares,) = moved([number(unit="share", estimate=0.02)], [number(unit="share", estimate=0.05)])
    assert changes_numbers.row(shares)[0] == "Headline effect (percentage points)"
    assert changes_numbers.row(shares)[1:3] == ("2", "5")


def test_the_table_shows_the_most_and_the_csv_all() -> None:
    old = [number(id=f"n{k}", label=f"N{chr(97 + k)}") for k in range(20)]
    new = [{**one, "estimate": 2.0 + k / 10, "high": 9.0} for k, one in enumerate(old, start=1)]
    told = changes.told(differences.between(side(old), side(new)), "x")
    assert len(told["rows"]) == changes.MOST and told["left"] == 8
    assert told["csv"].count("%0D%0A") == 21
    assert [row[0] for row in told["rows"]][:2] == ["Nt (points)", "Ns (points)"]


def test_texts_are_cut_to_where_they_differ() -> None:
    before, after = (
        "one two three four five six seven eight nine ten",
        "one two three four five SIX seven eight nine ten",
    )
    assert changes_numbers.contrast(before, after) == (
        "… three four five six seven eight nine …",
        "… three four five SIX seven eight nine …",
    )
    assert changes_numbers.contrast("a", "b") == ("a", "b")


PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNg+M9QDwADgQF/e5IkGQAAAABJRU5ErkJggg=="
)


def figure(caption: str, name: str = "", alt: str = "A chart", source: str = PIXEL) -> str:
    link = f'<a href="data:text/csv,a" download="{name}">CSV</a>' if name else ""
    return (
        f'<figure><div><img src="{source}" alt="{alt}"></div><figcaption><p><b>Figure 1.</b> {caption}</p>'
        f"{link}</figcaption></figure>"
    )


def test_figures_are_matched_by_caption_then_by_csv_then_by_similarity() -> None:
    old = changes_page.figures(
        figure("Same") + figure("Renamed", "path.csv") + figure("Effect in 12 years of data") + figure("Gone entirely")
    )
    new = changes_page.figures(
        figure("New one here") + figure("Effect in 13 years of data") + figure("Otherwise", "path.csv") + figure("Same")
    )
    pairs = [(a.caption if a else None, b.caption if b else None) for a, b in changes_page.matched(old, new)]
    assert pairs == [
        (None, "New one here"),
        ("Effect in 12 years of data", "Effect in 13 years of data"),
        ("Renamed", "Otherwise"),
        ("Same", "Same"),
        ("Gone entirely", None),
    ]


def test_a_picture_that_is_not_in_the_page_is_not_taken_over() -> None:
    assert changes_page.figures(figure("x", source="https://example.org/a.png")) == []
    assert changes_page.figures(figure("x", source="javascript:alert(1)")) == []


def test_the_page_of_a_comparison_escapes_everything() -> None:
    evil = "<script>alert(1)</script>"
    old = side([number(label=evil)], created="2026-01-01T00:00:00Z")
    new = side([number(label=evil, estimate=3.0)], created="2026-01-02T00:00:00Z", parts=parts(parameters="b"))
    new[0]["parameters"]["level"] = evil
    new[1]["answer"]["caveat"] = evil
    found = differences.between(old, new)
    escaped = evil.replace("<", "&lt;").replace(">", "&gt;")
    before = changes_page.Side(old[0], figure("Path"))
    page = changes_page.render(before, changes_page.Side(new[0], figure(escaped, alt=escaped)), found)
    assert evil not in page and page.count("&lt;script&gt;") >= 5
    assert page == changes_page.render(before, changes_page.Side(new[0], figure(escaped, alt=escaped)), found)


def test_a_first_version_has_no_section_and_an_older_one_its_sentence() -> None:
    assert changes.view({"supersedes": None, "changes": differences.first()}) is None
    told = changes.view({"supersedes": "v", "changes": {"sentence": "As before.", "parts_changed": ["code"]}})
    assert told is not None and told["sentence"] == "As before." and not told["detailed"] and told["rows"] == []
