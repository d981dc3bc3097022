"""The gate on realistic version folders: a clean one is silent, and each reason to refuse a release is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import disclosure_folder as made
import pytest
from nbformat import v4

from analysis import cli, paths
from analysis.disclosure import gate, rules, statistics
from analysis.disclosure.finding import Finding
from analysis.refusal import Refusal
from analysis.report import display

Examined = Callable[..., list[Finding]]


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "raw"
    made.source(folder)
    monkeypatch.setattr(paths, "RAW", folder)
    return folder


@pytest.fixture
def examined(raw: Path, tmp_path: Path) -> Examined:
    def examine(blocks: Any = None, preset: str = "lab", earlier: Any = (), **how: Any) -> list[Finding]:
        version = made.write(tmp_path / f"v{len(list(tmp_path.iterdir()))}", blocks or made.clean(), **how)
        return gate.examine(version, earlier, preset)

    return examine


def codes(found: list[Finding]) -> set[str]:
    return {one.code for one in found}


def only(found: list[Finding], code: str, *words: str) -> Finding:
    """The one finding, which has `code` and says `words`."""
    assert [one.code for one in found] == [code], [str(one) for one in found]
    for word in words:
        assert word in str(found[0]), str(found[0])
    return found[0]


def table(header: list[str], rows: list[list[str]], caption: str, **meta: Any) -> display.Block:
    return display.table("table", header, rows, caption, csv=display.csv_text(header, rows), csv_name="own", **meta)


# --- silence ---------------------------------------------------------------------------------------------------------


def test_a_clean_report_about_people_is_silent(examined: Examined) -> None:
    assert examined() == []


def test_small_groups_of_places_are_silent_and_why(examined: Examined, raw: Path, tmp_path: Path) -> None:
    made.source(raw, "places")
    few = [["2005", "1", "1"], ["2006", "13", "13"]]
    blocks = [*made.clean(), table(["Year", "Units (State)", "Clusters"], few, "When the policy came to whom")]
    assert examined(blocks, numbers=[made.number(n=4)]) == []
    said = " ".join(gate.scope(made.write(tmp_path / "places", blocks)))
    assert "letters is about places (source.yml): by rule its counts are not confidential" in said


def test_a_dataset_that_does_not_say_is_about_people(examined: Examined, raw: Path, tmp_path: Path) -> None:
    made.source(raw, "")
    assert codes(examined([made.flow(left_out=4)])) == {"S201"}
    said = gate.scope(made.write(tmp_path / "silent", made.clean()))
    assert said[0].startswith("letters is about people (source.yml does not say; taken to be about people)")
    assert gate.examine(made.write(tmp_path / "gone", [made.flow(4)], dataset="elsewhere"), [], "lab")
    made.source(raw, "martians")
    with pytest.raises(Refusal, match=r"D401 .*letters/source.yml:units — 'martians' is not a choice"):
        examined()


def test_a_note_in_the_block_decides_what_is_counted(examined: Examined) -> None:
    rows = [["First", "3"], ["Second", "5"]]
    assert codes(examined([table(["Visit", "Cases"], rows, "Visits")])) == {"S201"}
    assert examined([table(["Visit", "Cases"], rows, "Visits", counts={})]) == []
    assert examined([table(["Visit", "Cases"], rows, "Visits", counts={"Cases": "periods"})]) == []
    named = examined([table(["Visit", "Came"], rows, "Visits", counts={"Came": "subjects"})])
    only(named, "S201", "column Came", "‘First: a count below 10’, ‘Second: a count below 10’")


# --- the five most common refusals, and their neighbours -------------------------------------------------------------


def test_reason_1_small_counts(examined: Examined) -> None:
    found = examined([made.flow(left_out=4)])
    assert [one.where for one in found] == [
        "Table 1 (Who is in the analysis: letters), column Units",
        "Table 1 (Who is in the analysis: letters), column Rows",
    ]
    assert (
        "fewer than 10 people in 1 of its rows (‘Left out: found work is missing: a count below 10’)"
        in found[0].finding
    )
    assert examined([made.flow(left_out=8)], preset="opensafely")
    assert codes(examined([made.flow(left_out=8)])) == {"S201"}


def test_no_message_repeats_a_small_count(examined: Examined) -> None:
    """7 of 2,194 is found from the printed 0.3 %, and 2,187 from 99.7 %; neither is said again."""
    header = ["Lunch", "Rows", "Share (%)"]
    for text, said in (
        ("0.31905", "‘lunch: not recorded: a count"),
        ("99.68095", "‘lunch: not recorded: all but a count"),
    ):
        found = examined([table(header, [["lunch: not recorded", "2,194", text]], "Meals")])
        told = only(found, "S201", "column Share (%)").finding
        assert f"{said} below 10 of 2,194’" in told and "7" not in told
    spoken = only(examined(prose="7 of 2,194 people went without lunch."), "S201").finding
    assert "‘a count below 10 of 2,194’" in spoken and "7" not in spoken


def test_reason_1_small_counts_in_numbers_sentences_and_pictures(examined: Examined) -> None:
    only(
        examined(numbers=[made.number(), made.number("late", treated_clusters=6)]),
        "S201",
        "late: treated units = a count below 10",
    )
    only(examined(prose="Five arms; we dropped 3 pupils who moved."), "S201", "‘a count below 10 pupils’")
    assert examined(prose="Cohorts with fewer than 5 people are joined; 25 people moved; in 9 of 10 places.") == []
    only(examined([made.arms(alt="Dots. n = 7 in the second arm.")]), "S201", "n = a count below 10")


def test_reason_1_shares_at_full_precision_give_counts_away(examined: Examined) -> None:
    """3/185 in a CSV file beside a group of 185; one page number says little."""
    header = ["Chance", "Treated", "Comparison"]
    csv = display.csv_text(["from", "Treated", "Comparison"], [[0.1, 3 / 185, 77 / 1015], [0.2, 0.5, 0.5]])
    shown = display.table("table", header, [["10 %", "1.6", "7.6"]], "How likely treatment was", csv=csv, csv_name="o")
    group = table(["Group", "Rows"], [["Treated", "185"], ["Comparison", "1,015"]], "Groups")
    only(examined([group, shown]), "S201", "column Treated", "‘0.1: a count below 10 of 185’")


def test_reason_1_a_hidden_count_that_can_be_subtracted(examined: Examined) -> None:
    found = examined([made.crosstab(safe=False)])
    assert "hidden counts can be worked out (‘North’)" in only(found, "S202", "column Men").finding


def test_a_count_hidden_on_the_page_and_kept_in_the_file(examined: Examined) -> None:
    block = made.crosstab()
    text = "Region,Women,Men,Total\r\nNorth,30,3,33\nSouth,140,120,260\nWest,180,160,340\nTotal,350,283,633\n"
    found = examined([made.with_meta(block, csv=text)])
    assert codes(found) == {"S201", "S202"}
    assert any("counts that the page hides are in the CSV file" in one.finding for one in found)


def test_a_printed_share_gives_a_hidden_count_away(examined: Examined) -> None:
    header = ["Arm", "Assigned", "With an outcome", "Missing (%)"]
    rows = [["No letter", "40", "fewer than 10", "92.5"], ["Letter", "60", "55", "8.3"]]
    found = examined([table(header, rows, "Who was assigned")])
    assert "‘No letter’" in only(found, "S202").finding


def test_reason_2_dominance_and_missing_counts(examined: Examined) -> None:
    header = ["Region", "Total of claims", "Rows"]
    rows = [["North", "9,300", "12"], ["South", "10,400", "40"]]
    heavy = statistics.concentration([9000.0, 200.0, *[10.0] * 10])
    even = statistics.concentration([260.0] * 40)
    assert heavy["top"] == pytest.approx(9200 / 9300) and even["rest"] == pytest.approx(38)
    blocks = [table(header, rows, "Claims by region", dominance={"Total of claims": [heavy, even]})]
    only(examined(blocks), "S203", "‘North: the largest 2 are 99 %’")
    ratio = {"top": 0.85, "rest": 0.04}
    blocks = [table(header, rows, "Claims by region", dominance={"Total of claims": [ratio, even]})]
    only(examined(blocks), "S203", "all but two come to 4 % of the largest")
    bare = [table(["Region", "Mean wage"], [["North", "310"], ["South", "290"]], "Wages by region")]
    only(examined(bare), "S212", "means without the number of people behind them (‘Mean wage’)")
    assert examined([table(["Region", "Mean wage", "Rows"], [["North", "310", "44"]], "Wages by region")]) == []


def test_reason_3_hidden_and_unlabelled_data(examined: Examined, tmp_path: Path) -> None:
    frame = v4.new_output("execute_result", data={"text/html": '<table class="dataframe"></table>', "text/plain": "x"})
    only(examined(outputs=[frame]), "S210", "report.ipynb, cell 5", "a data frame as the software printed it")
    chart = v4.new_output("execute_result", data={"application/vnd.vegalite.v5+json": {}, "text/plain": "chart"})
    only(examined(outputs=[chart]), "S210", "which can hold the data behind a picture")
    rows = [["0", "12"], ["1", "14"]]
    only(examined([table(["", "Unnamed: 1"], rows, "Numbers")]), "S212", "columns without words (‘Unnamed: 1’)")
    only(examined([made.with_meta(made.flow(), kept_rows=list(range(900)))]), "S210", "'kept_rows'")
    version = made.write(tmp_path / "more", made.clean())
    (version / "people.csv").write_text("a,b\n", encoding="utf-8")
    only(gate.examine(version, [], "lab"), "S210", "people.csv", "no part of a report")


def test_reason_3_what_a_page_can_hide(raw: Path, tmp_path: Path) -> None:
    version = made.write(tmp_path / "v", made.clean())
    html = (version / "report.html").read_text(encoding="utf-8")
    planted = {
        '<script type="application/json">[1]</script>': "data in a script of type application/json",
        f"<script>let rows=[{','.join('17.2' for _ in range(90))}]</script>": "data in a script",
        "<!-- from P-1003 -->": "a comment in the source",
        '<p style="display: none">North 3</p>': "hidden text in a <p>",
        f'<p data-rows="{"1," * 300}">x</p>': "characters in the attribute data-rows",
        '<a href="data:application/octet-stream;base64,AAAA">x</a>': "embedded data of type application/octet-stream",
        f"<svg>{'<circle r=1 />' * 40}</svg>": "40 marks: each may be one unit",
        "<iframe></iframe>": "a <iframe>",
    }
    for piece, said in planted.items():
        (version / "report.html").write_text(html.replace("</main>", piece + "</main>"), encoding="utf-8")
        found = gate.examine(version, [], "lab")
        assert any(said in one.finding for one in found if one.code == "S210"), (piece, [str(one) for one in found])


def test_reason_3_one_line_for_each_unit(examined: Examined) -> None:
    rows = [[f"{k / 7:.3f}", f"{k * 13 % 11 / 3:.3f}"] for k in range(60)]
    found = examined([table(["Score", "Outcome"], rows, "Outcome by score")], numbers=[made.number(n=60, clusters=9)])
    assert codes(found) == {"S210"} and "60 lines, as many as there are people or rows" in found[0].finding


def test_reason_4_extremes_and_percentiles(examined: Examined) -> None:
    header = ["Column", "Lowest", "Median", "Highest", "Rows"]
    found = examined([table(header, [["Wage", "12", "300", "98,000", "1,200"]], "Values of each column")])
    only(found, "S205", "single one of the people (‘Lowest’, ‘Highest’)")
    few = [["North", "210", "44"], ["South", "220", "400"]]
    found = examined([table(["Region", "10th percentile", "Rows"], few, "Wages")])
    only(found, "S205", "‘10th percentile, North: of 44’")
    assert examined([table(["Region", "Median wage", "Rows"], few, "Wages")]) == []
    power = [["Smallest effect found four times in five", "12"]]
    assert examined([table(["Question", "Answer"], power, "What this trial could find")]) == []


def test_reason_5_low_degrees_of_freedom_and_saturation(examined: Examined) -> None:
    tight = made.number("tight", n=14, clusters=14, treated_clusters=None)
    found = examined(numbers=[made.number(), tight], parameters={"covariates": list("abcdef")})
    assert "‘tight: at most 6’" in only(found, "S206").finding
    only(examined(numbers=[made.number(std_error=0.0, low=None, high=None)]), "S206", "no residual at all")
    only(examined(numbers=[made.number(residual_df=3)]), "S206", "at most 3")
    rows = [["Region and sex", "25", "19"], ["Region", "1,200", "3"]]
    only(examined([table(["Model", "Observations", "Coefficients"], rows, "Models")]), "S206", "25 observations, 19")
    only(examined([table(["Group", "Coefficient"], [["North", "1.2"]], "By group", saturated=True)]), "S206", "dummies")


def test_reason_6_differences_between_versions(examined: Examined, tmp_path: Path, raw: Path) -> None:
    """A sub-sample that leaves three people out, beside an earlier version whose notebook is gone."""
    first = made.write(
        tmp_path / "first", [made.flow()], parameters={"where": ["age >= 18"]}, kept=False, numbers=[made.number()]
    )
    later = {"parameters": {"where": ["age >= 19"]}, "numbers": [made.number(n=1197, clusters=1197)]}
    found = examined([made.flow(left_out=43, analysed=1197)], earlier=[first], **later)
    assert codes(found) == {"S208"} and len(found) == 2
    assert "1,197 and" not in str(found) and "1,200 and 1,197" in found[0].finding
    assert "the samples differ by where: ['age >= 18'] and ['age >= 19']" in found[0].finding
    far = examined([made.flow(left_out=140, analysed=1100)], earlier=[first], numbers=[made.number(n=1100)])
    assert far == []
    same = examined([made.flow()], earlier=[first])
    assert same == []


def test_reason_6_differences_within_a_version(examined: Examined) -> None:
    close = [made.number(), made.number("adults", n=1196, clusters=1196)]
    only(examined(numbers=close), "S208", "adults: n = 1,196, headline: n = 1,200")
    rows = [["letters", "1,204", "1,200"]]
    found = examined([table(["Dataset", "Rows before", "Rows after"], rows, "What changed in the data")])
    assert codes(found) == {"S208"}


def test_reason_6_hidden_in_one_version_shown_in_another(examined: Examined, tmp_path: Path) -> None:
    first = made.write(tmp_path / "first", [made.crosstab()], kept=False)
    assert examined([made.crosstab()], earlier=[first]) == []
    rows = [["North", "30", "fewer than 10", "not shown"], ["South", "140", "120", "260"]]
    rows += [["West", "180", "160", "340"], ["Total", "350", "not shown", "not shown"]]
    other = examined([made.crosstab(rows=rows)], earlier=[first])
    assert codes(other) == {"S202"}
    assert codes(examined([made.crosstab(rows=rows)])) == set()


def test_reason_7_none_and_all(examined: Examined) -> None:
    rows = [["North", "40", "0", "40"], ["South", "30", "50", "80"], ["Total", "70", "50", "120"]]
    found = examined([made.crosstab(rows=rows)])
    only(found, "S204", "1 cells hold nobody (‘North, Men’)")
    full = [["North", "100.0", "40"], ["South", "44.0", "80"]]
    only(examined([table(["Region", "Convicted (%)", "Rows"], full, "Convictions")]), "S204", "‘North: 100.0’")


def test_reason_8_counts_that_are_not_rounded(examined: Examined) -> None:
    found = examined([made.flow(left_out=43, analysed=1202)], preset="opensafely")
    assert codes(found) == {"S207"}
    assert any("n of 1 numbers" in one.finding for one in examined(numbers=[made.number(n=1201)], preset="opensafely"))
    assert examined([made.flow()], preset="opensafely") == []
    assert examined([made.flow(left_out=43, analysed=1202)], numbers=[made.number(n=1202)]) == []


def test_a_label_that_tells_more_than_the_threshold(examined: Examined) -> None:
    rows = [["North", "fewer than 3"], ["South", "14"], ["West", "22"]]
    only(examined([table(["Region", "People"], rows, "People by region")]), "S201", "described more closely")


# --- identifiers -----------------------------------------------------------------------------------------------------

IDENTIFIERS = {
    "Ask jane.doe@example.org about it.": "e-mail address",
    "Call +44 20 7946 0958 first.": "telephone number",
    "Call (0113) 496 0000 first.": "telephone number",
    "Case 219-09-9999 was dropped.": "social security number",
    "Patient 943 476 5919 was dropped.": "NHS number",
    "Claimant QQ123456C? No: AB 12 34 56 C.": "National Insurance number",
    "DNI 12345678Z.": "Spanish identity number",
    "Paid to GB82 WEST 1234 5698 7654 32.": "bank account (IBAN)",
    "Without Featherstone the effect is smaller.": "value of the identifying column surname",
    "Without person P-1003 the effect is smaller.": "value of the identifying column person",
    "Family name: Ng was dropped.": "value of the identifying column surname",
}

SECRETS = ("jane.doe", "7946", "0000", "09-9999", "476", "34 56", "12345678", "1234 5698", "feather", "1003")


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_identifiers_in_texts(text: str, examined: Examined) -> None:
    found = [one for one in examined(prose=text) if one.code == "S209"]
    assert len(found) == 1 and IDENTIFIERS[text] in found[0].finding, [str(one) for one in found]
    assert not any(secret in found[0].finding for secret in SECRETS)


def test_ordinary_texts_hold_no_identifiers(examined: Examined) -> None:
    text = (
        "Published 2026-11-22, 95 % interval 1.2-3.4, 1,234 to 5,678 US dollars, page 123-125, ISBN 978-3-16-148410-0, "
        "p = 0.012, Table 3, section 10.5, 2003-2007, 100 200 300, doi 10.1016/0304-4076(95)01769-4, the feather and "
        "the quill, ratio 12/34, code 40013, see params/letters.yml and reports/letters/2026."
    )
    assert examined(prose=text) == []


def test_identifiers_in_figures_files_and_metadata(examined: Examined, raw: Path, tmp_path: Path) -> None:
    def said(found: list[Finding], code: str) -> str:
        return " ".join(str(one) for one in found if one.code == code)

    assert "Figure 1, alternative text" in said(examined([made.arms(alt="Featherstone is the outlier.")]), "S209")
    inside = examined([made.arms(Author="jane.doe@example.org")])
    assert "inside the picture file" in said(inside, "S209") and "carries text ('Author" in said(inside, "S210")
    assert examined([made.arms(Software="Matplotlib version 3.10")]) == []
    rows = [["Okonkwo-Baines", "1.2"], ["Featherstone", "1.4"]]
    found = examined([table(["Family name", "Effect"], rows, "Effect without each")])
    assert "holds values of surname" in said(found, "S209")
    version = made.write(tmp_path / "meta", made.clean())
    book = json.loads((version / "report.ipynb").read_text())
    book["metadata"]["authors"] = [{"name": "Jane Doe"}]
    book["cells"][1]["metadata"]["path"] = "/home/jdoe/secret/letters.csv"
    (version / "report.ipynb").write_text(json.dumps(book))
    found = gate.examine(version, [], "lab")
    assert "the entry 'authors'" in said(found, "S210") and "/home/jdoe" in said(found, "S211")


def test_a_name_of_places_is_no_identifier_and_few_categories_are_none(examined: Examined, raw: Path) -> None:
    text = (raw / "letters" / "source.yml").read_text() + "  email: {type: text, label: E-mail address given}\n"
    (raw / "letters" / "source.yml").write_text(text)
    table_ = (raw / "letters" / "letters.csv").read_text().splitlines()
    lines = [f"{line},{'email' if k == 0 else 'provided' if k % 2 else 'withheld'}" for k, line in enumerate(table_)]
    (raw / "letters" / "letters.csv").write_text("\n".join(lines) + "\n")
    assert examined(prose="Whether an address was provided or withheld made no difference.") == []


# --- findings, presets and the command -------------------------------------------------------------------------------


def test_findings_are_ordered_stable_and_change_with_what_they_are_about(examined: Examined) -> None:
    blocks = [made.flow(left_out=4), made.crosstab(safe=False)]
    first, again = examined(blocks, prose="Ask a@b.org."), examined(blocks, prose="Ask a@b.org.")
    assert [one.code for one in first] == ["S209", "S201", "S201", "S202"]
    assert first == again and len({one.id for one in first}) == len(first)
    moved = examined([made.flow(left_out=5), made.crosstab(safe=False)], prose="Ask a@b.org.")
    assert [a.id == b.id for a, b in zip(first, moved, strict=True)] == [True, False, False, True]
    assert "\n" not in str(first[0]) and str(first[0]).endswith(f"[{first[0].id}]")


def test_presets_have_sources_and_wrong_ones_are_refused(examined: Examined) -> None:
    lab, opensafely = rules.load("lab"), rules.load("opensafely")
    assert (lab.smallest_count, lab.round_to, lab.residual_df) == (10, None, 10)
    assert (opensafely.smallest_count, opensafely.round_to) == (8, 5)
    assert rules.presets() == ["lab", "opensafely"] and gate.default() == "lab"
    assert all(len(text) > 10 for name in rules.presets() for text in rules.sources(name).values())
    with pytest.raises(Refusal, match=r"R302 STOP PRESET=labs — no preset 'labs'. Fix: did you mean 'lab'\?"):
        examined(preset="labs")


def test_a_broken_folder_is_refused(raw: Path, tmp_path: Path) -> None:
    version = made.write(tmp_path / "v", made.clean())
    (version / "results.json").write_text("{", encoding="utf-8")
    with pytest.raises(Refusal, match=r"R305 .*results.json — not JSON"):
        gate.examine(version, [], "lab")
    (version / "report.html").unlink()
    with pytest.raises(Refusal, match=r"R305 .*report.html — the file is missing"):
        gate.examine(version, [], "lab")


def test_earlier_versions_and_variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: Path) -> None:
    reports = tmp_path / "reports"
    monkeypatch.setattr(paths, "REPORTS", reports)
    days = {"letters/b": 3, "letters/a": 1, "letters--men/c": 2, "letters/d": 9, "other/e": 1}
    for name, day in days.items():
        made.write(reports / name, [made.flow()], created=f"2026-01-0{day}T10:00:00.000Z")
    found = gate.earlier_of(reports / "letters" / "b")
    assert [folder.name for folder in found] == ["a", "c"]


def test_the_command(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "REPORTS", tmp_path / "reports")
    folder = tmp_path / "reports" / "letters" / f"2026-01-05-{'0' * 12}"
    made.write(folder, made.clean())
    told = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(told | {"parts": {}, "files": {}, "verified": []}))
    assert cli.main(["disclosure", "letters"]) == 0
    printed = capsys.readouterr().out
    assert "Examined: letters is about people (source.yml)" in printed
    assert printed.endswith("preset lab: nothing stands against a release.\n")
    assert cli.main(["disclosure", "letters", "--preset", "opensafely", "--version", "2026-01-05"]) == 1
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].startswith("S207 BLOCK") and "preset opensafely: " in printed.splitlines()[-1]
    assert cli.main(["disclosure", "leters"]) == 2
    assert "did you mean 'letters'?" in capsys.readouterr().err
    assert cli.main(["disclosure", "letters", "--preset", "strict"]) == 2
    assert cli.main(["disclosure", "../x"]) == 2


def test_a_cross_table_with_totals_is_known_without_a_note(examined: Examined) -> None:
    rows = [["North", "30", "3", "33"], ["South", "140", "120", "260"], ["Total", "170", "123", "293"]]
    found = examined([table(["Region", "Tenants", "Owners", "Total"], rows, "People by region")])
    only(found, "S201", "column Owners", "‘North: a count below 10’")


def test_printed_shares_beside_their_group_size(examined: Examined) -> None:
    """5 of 43 support it: printed as 12 % of 43 nothing else fits; a percentage of something else seldom fits."""
    sizes, counts = (43, 44, 41, 44, 45, 42), (5, 20, 31, 12, 40, 15)
    rows = [[str(k), f"{100 * c / n:.1f}", str(n)] for k, (c, n) in enumerate(zip(counts, sizes, strict=True))]
    found = examined([table(["Score", "Support (%)", "Rows"], rows, "Support by score")])
    assert (
        codes(found) == {"S201"}
        and "‘0: a count below 10 of 43’, ‘4: all but a count below 10 of 45’" in found[0].finding
    )
    odd = [[row[0], f"{float(row[1]) + 0.9:.1f}", row[2]] for row in rows]
    assert examined([table(["Score", "Scrap (%)", "Rows"], odd, "Scrap by score")]) == []


def test_the_lowest_hundredth_is_a_percentile(examined: Examined) -> None:
    header = ["Column", "Missing", "Lowest 1 %", "Median", "Highest 1 %"]
    block = table(header, [["Wage", "0", "12", "300", "980"]], "The columns that the answer uses")
    assert examined([block]) == []
    found = only(examined([block], numbers=[made.number(n=900)]), "S205", "‘Lowest 1 %, Wage: of 900’")
    assert "Median" not in found.finding
    lost = table(header, [["Wage", "4 (0.3 %)", "12", "300", "980"]], "The columns that the answer uses")
    only(examined([lost]), "S201", "column Missing", "‘Wage: a count below 10’")
    only(examined(prose="The outcome is missing in 4 of 1,200 rows."), "S201", "‘a count below 10 of 1,200’")


def test_the_account_that_made_a_version(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "jdoe")
    version = made.write(tmp_path / "v", made.clean(), prose="The jdoe river flooded.")
    assert gate.examine(version, [], "lab") == []
    told = json.loads((version / "manifest.json").read_text())
    (version / "manifest.json").write_text(json.dumps(told | {"made_by": "jdoe on laptop"}))
    only(gate.examine(version, [], "lab"), "S211", "manifest.json:made_by", "user name")
