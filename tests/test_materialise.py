"""Tables come out of pinned archives: checked before they are opened, written once, read-only, never overwritten."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import pickle
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import paths
from analysis.data import catalog, materialise, table
from analysis.refusal import Refusal

CSV = b"x\n1\n"
FILE = "data/raw/made/made.csv"
FLAG: list[str] = []


def spring(word: str) -> None:
    FLAG.append(word)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return spring, ("opened",)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the dataset `made`, out of a pretended distribution whose member is `member`."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RAW", tmp_path / "data" / "raw")
    FLAG.clear()
    declare("made", CSV)
    return tmp_path


def declare(dataset: str, member: bytes, form: str = "csv", **changes: Any) -> None:
    texts = dict.fromkeys(["title", "origin", "citation", "licence", "obtained"], "A text")
    archive = {"name": "fake", "version": "1", "sha256": "0" * 64, "member": "fake/member", "format": form}
    archive["member_sha256"] = changes.pop("member_sha256", sha(member))
    columns = {"x": {"type": "integer", "label": "Column"}}
    values = {**texts, "distribution": archive, "file": f"{dataset}.csv", "sha256": sha(CSV), "synthetic": True}
    values = {**values, "columns": columns, **changes}
    folder = paths.RAW / dataset
    folder.mkdir(parents=True, exist_ok=True)
    present = {key: value for key, value in values.items() if value is not None}
    (folder / "source.yml").write_text(json.dumps(present), encoding="utf-8")


@pytest.fixture
def fetched(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The member that a download would bring; the download itself is left out."""
    member = project / "site" / "fake" / "member"
    member.parent.mkdir(parents=True)
    member.write_bytes(CSV)
    monkeypatch.setattr(materialise, "_fetch", lambda *_: project / "site")
    return member


def refused(dataset: str = "made") -> Refusal:
    with pytest.raises(Refusal) as caught:
        materialise.materialise(dataset)
    assert "\n" not in str(caught.value)
    return caught.value


def said(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The downloader fails with this text."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", text))


def test_writes_once_and_read_only(fetched: Path) -> None:
    path = paths.RAW / "made" / "made.csv"
    assert materialise.materialise_all() == [("made", path, "written")]
    assert path.read_bytes() == CSV
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert sorted(os.listdir(path.parent)) == ["made.csv", "source.yml"]
    before = path.stat()
    fetched.unlink()
    assert materialise.materialise_all() == [("made", path, "unchanged")]
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.usefixtures("project")
def test_a_present_file_needs_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    (paths.RAW / "made" / "made.csv").write_bytes(CSV)
    monkeypatch.setattr(subprocess, "run", None)
    assert materialise.materialise("made")[2] == "unchanged"


@pytest.mark.usefixtures("fetched")
def test_a_changed_byte_is_refused_and_not_overwritten() -> None:
    path = paths.RAW / "made" / "made.csv"
    path.write_bytes(b"x\n2\n")
    found = refused()
    assert (found.code, found.where, found.fix) == ("R305", FILE, "delete the file and run make data")
    assert path.read_bytes() == b"x\n2\n"


def test_another_member_is_refused_before_it_is_opened(fetched: Path) -> None:
    harmless = gzip.compress(pickle.dumps(1), mtime=0)
    declare("made", harmless, "pickle.gz")
    fetched.write_bytes(gzip.compress(pickle.dumps(Trap())))
    found = refused()
    assert (found.code, found.where) == ("R305", "data/raw/made/source.yml:distribution.member_sha256")
    assert found.problem.endswith("not the declared one; it was not opened")
    assert FLAG == []
    assert not (paths.RAW / "made" / "made.csv").exists()


def test_the_trap_of_the_test_above_would_have_been_noticed() -> None:
    FLAG.clear()
    pickle.loads(pickle.dumps(Trap()))
    assert FLAG == ["opened"]


def test_a_missing_member_is_refused(fetched: Path) -> None:
    fetched.unlink()
    found = refused()
    assert (found.code, found.where) == ("D401", "data/raw/made/source.yml:distribution.member")
    assert found.problem == "fake 1 has no file fake/member"


@pytest.mark.usefixtures("fetched")
def test_a_table_with_another_checksum_is_refused_and_nothing_is_left() -> None:
    declare("made", CSV, sha256="1" * 64)
    found = refused()
    assert (found.code, found.where) == ("R305", "data/raw/made/source.yml:sha256")
    assert sha(CSV) in found.problem
    assert os.listdir(paths.RAW / "made") == ["source.yml"]


@pytest.mark.usefixtures("fetched")
def test_a_declaration_without_checksum_is_refused_with_the_line_to_add() -> None:
    declare("made", CSV, sha256=None)
    found = refused()
    assert (found.code, found.where) == ("D401", "data/raw/made/source.yml:sha256")
    assert found.fix.endswith(f'add the line `sha256: "{sha(CSV)}"`')


@pytest.mark.usefixtures("fetched")
def test_an_interrupted_write_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        materialise.materialise("made")
    assert os.listdir(paths.RAW / "made") == ["source.yml"]


@pytest.mark.usefixtures("project")
def test_a_persons_own_table_is_verified_and_never_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    declare("made", CSV, distribution=None)
    assert str(refused()) == f"D406 STOP {FILE} — the file is missing. Fix: put the file into data/raw/made"
    (paths.RAW / "made" / "made.csv").write_bytes(CSV)
    assert materialise.materialise("made")[2] == "unchanged"


@pytest.mark.usefixtures("project")
def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said(monkeypatch, "error: Failed to fetch: `https://example.org/simple/`\n  Caused by: error sending request\n")
    message = "the package index cannot be reached. Fix: connect to a network, then run make data"
    assert str(refused()) == f"D406 STOP data/raw — {message}"


@pytest.mark.usefixtures("project")
def test_another_archive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    said(monkeypatch, "  x Failed to download `fake==1`\n  `-> Hash mismatch for `fake==1`\n\nExpected: ...")
    found = refused()
    assert (found.code, found.problem) == (
        "R305",
        "the archive of fake==1 is not the declared one (hash mismatch)",
    )


@pytest.mark.usefixtures("project")
def test_other_failures_are_one_line_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    said(monkeypatch, "error: no version of fake==1\nlooked in https://user:word@example.org/simple\n")
    assert refused().problem == "the download failed: error: no version of fake==1 looked in"


def test_the_download_is_pinned_hashed_and_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        seen.update(command=command, text=(options["cwd"] / "requirements.txt").read_text())
        return subprocess.CompletedProcess(command, 1, "", "stop here")

    monkeypatch.setattr(subprocess, "run", run)
    declare("more", CSV)
    with pytest.raises(Refusal):
        materialise.materialise_all()
    assert {"--no-deps", "--require-hashes", "--target", "--build-constraint"} <= set(seen["command"])
    assert seen["text"] == f"fake==1 --hash=sha256:{'0' * 64}\n"


def test_csv_members_stay_as_they_are() -> None:
    data = b"a,b\r\n0.20920000000000002,NA\r\n"
    assert materialise._converted(data, "csv") == data
    assert materialise._converted(bz2.compress(data), "csv.bz2") == data
    assert materialise._converted(lzma.compress(pickle.dumps(pd.DataFrame({"a": [1, 2]}))), "pickle.xz") == b"a\n1\n2\n"


def test_frames_become_csv_that_reads_back_exactly() -> None:
    single = np.float32(0.1)
    frame = pd.DataFrame(
        {
            "whole": [1.0, np.nan, 2014.0],
            "number": [0.1, 1e-300, 2 / 3],
            "single": np.array([single, 2.5, np.nan], dtype="float32"),
            "small": np.array([1, 2, 3], dtype="int8"),
            "text": ["a,b", None, 'say "no"'],
        },
        index=[7, 8, 9],
    )
    text = materialise.as_csv(frame).decode()
    assert text == (
        "whole,number,single,small,text\n"
        f'1,0.1,{float(single)!r},1,"a,b"\n'
        ",1e-300,2.5,2,\n"
        '2014,0.6666666666666666,,3,"say ""no"""\n'
    )


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seven committed declarations, materialised from the package index into an empty folder."""
    raw = tmp_path_factory.mktemp("project") / "raw"
    for name in ("castle", "ehec_data", "ezunem", "injury", "kielmc", "mpdta", "organ_donations"):
        (raw / name).mkdir(parents=True)
        shutil.copy(paths.RAW / name / "source.yml", raw / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "RAW", raw)
        try:
            outcomes = materialise.materialise_all()
        except Refusal as refusal:
            if refusal.code != "D406":
                raise
            pytest.skip(f"needs the package index: {refusal.problem}")
        assert [state for _, _, state in outcomes] == ["written"] * 7
    return raw


@pytest.fixture
def datasets(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "RAW", real)


def difference(frame: pd.DataFrame, group: str, after: str, outcome: str) -> float:
    mean = frame.groupby([group, after])[outcome].mean()
    return float((mean[1, 1] - mean[1, 0]) - (mean[0, 1] - mean[0, 0]))


@pytest.mark.usefixtures("datasets")
class TestRealTables:
    """Facts of the six tables that published numbers rest on."""

    def test_nothing_is_fetched_twice(self) -> None:
        assert [state for _, _, state in materialise.materialise_all()] == ["unchanged"] * 7

    @pytest.mark.parametrize("dataset", ["castle", "ehec_data", "injury", "kielmc", "mpdta", "organ_donations"])
    def test_every_declared_column_is_there(self, dataset: str) -> None:
        assert list(table.load(dataset).columns) == list(catalog.read(dataset).columns)

    def test_medicaid(self) -> None:
        frame = table.load("ehec_data")
        first = frame.groupby("stfips")["yexp2"].first()
        assert (len(frame), int(first.isna().sum())) == (552, 16)
        assert first.value_counts().to_dict() == {2014: 22, 2015: 3, 2016: 2, 2017: 1, 2019: 2}

    def test_minimum_wage(self) -> None:
        frame = table.load("mpdta")
        first = frame.groupby("countyreal")["first.treat"].first()
        assert first.value_counts(dropna=False).sort_index().tolist() == [20, 40, 131, 309]
        assert frame["state"].nunique() == 29
        assert frame.groupby("state")["first.treat"].nunique().max() == 1

    def test_castle_adoption_is_a_year_before_post(self) -> None:
        frame = table.load("castle")
        first = frame.groupby("sid")["first_treated"].first()
        assert first.value_counts().sort_index().to_dict() == {2005: 1, 2006: 13, 2007: 4, 2008: 2, 2009: 1}
        late = frame["year"] > frame["first_treated"]
        assert (late == (frame["post"] == 1)).all()
        assert first[10] == 2005  # Florida

    def test_organ_donation_reproduces_the_published_difference(self) -> None:
        frame = table.load("organ_donations")
        frame = frame.assign(treated=frame["first_treated"].notna() * 1, after=(frame["Quarter_Num"] >= 4) * 1)
        assert difference(frame, "treated", "after", "Rate") == pytest.approx(-0.022459, abs=5e-7)

    def test_incinerator_reproduces_the_published_difference(self) -> None:
        frame = table.load("kielmc")
        assert difference(frame, "nearinc", "y81", "rprice") == pytest.approx(-11863.90, abs=0.005)

    def test_workers_compensation_reproduces_the_published_difference(self) -> None:
        frame = table.load("injury").query("ky == 1")
        assert len(frame) == 5626
        assert difference(frame, "highearn", "time", "ldurat") == pytest.approx(0.191, abs=0.0005)


def test_files_with_the_same_columns_are_stacked(project: Path, fetched: Path) -> None:
    (fetched.parent / "second").write_bytes(b"x\n7\n")
    more = {"member": "fake/second", "member_sha256": sha(b"x\n7\n"), "format": "csv"}
    declare("made", CSV, "csv")
    source = catalog.read("made")
    assert source.distribution is not None
    both = source.distribution.model_copy(update={"stack": [catalog.Member(**more)]})
    found = materialise._table(source.model_copy(update={"distribution": both}), project / "site")
    assert found == CSV + b"7\n"
    with pytest.raises(Refusal, match="the files have different headers: x and y"):
        materialise._stacked(source, CSV, b"y\n1\n")


@pytest.mark.usefixtures("project")
def test_a_wide_file_becomes_long_field_by_field() -> None:
    declare("made", CSV, "csv")
    how = catalog.Longer(keep="year", name="state", value="packs")
    wide = b"year,A,B\r\n1970,1.50,2\r\n1971,,3\r\n"
    found = materialise._longer(catalog.read("made"), wide, how)
    assert found == b"year,state,packs\n1970,A,1.50\n1971,A,\n1970,B,2\n1971,B,3\n"
    with pytest.raises(Refusal, match=r"distribution\.longer\.keep — the file has no column"):
        materialise._longer(catalog.read("made"), b"a,b\n1,2\n", how)
