"""The commands as users and machines treat them: killed, interrupted, started twice, started for nothing."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from project_copy import PARAMETER_FILE, PARAMETERS, STUDY, Project, Run, copy

from analysis.run import kernel

MOMENTS = 10
HEAVY = {"pandas", "numpy", "matplotlib", "scipy", "papermill", "nbformat", "nbconvert", "jupyter_client", "rich"}


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are not files there")
def test_messages_go_through_files_where_the_path_is_short_enough() -> None:
    assert kernel.transport(Path("/tmp/analysis-kernel-abcdefgh")) == "ipc"
    assert kernel.transport(Path("/tmp") / ("t" * 90)) == "tcp"


def kernels_of(project: Project) -> list[str]:
    """Command lines of kernels that were started for `project`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue  # ended in the meantime, or not ours
        if "ipykernel_launcher" in command and f"PYTHONPATH={project.root / 'src'}" in environment:
            found.append(command)
    return found


def wait_until_gone(project: Project, seconds: float) -> None:
    """Wait for the kernels of `project` to end by themselves."""
    end = time.monotonic() + seconds
    while kernels_of(project) and time.monotonic() < end:
        time.sleep(0.05)
    assert kernels_of(project) == []


def finish(process: subprocess.Popen[str]) -> Run:
    """Wait for a started command."""
    out, err = process.communicate(timeout=120)
    return Run(process.returncode, out, err, 0.0, 0.0)


def test_kill_at_any_moment_leaves_the_published_version_and_the_next_run_succeeds(project: Project) -> None:
    """Parameters change every time, so that each killed run was about to publish something new."""
    moments = random.Random(20260101)
    length = 1.7  # seconds of an undisturbed run, roughly; the slices below cover it
    for number in range(MOMENTS):
        before = project.published()
        project.write(PARAMETER_FILE, PARAMETERS.replace("0.95", f"0.{50 + number}"))
        process = project.start("report", STUDY)
        time.sleep((number + moments.random()) * length / MOMENTS)
        process.kill()
        process.communicate()
        now = project.published()
        assert {name: now[name] for name in before if name != "reports/index.html"} == {
            name: checksum for name, checksum in before.items() if name != "reports/index.html"
        }
        for version in project.versions():  # whatever is there is whole
            assert len(list(version.iterdir())) == 4
    run = project.report()
    assert run.code == 0, run
    assert run.last == f"reports/{STUDY}/{project.versions()[-1].name}/report.html"
    assert project.manifest()["parameters"]["level"] == 0.59
    assert project.versions()[-1].name in (project.root / "reports/index.html").read_text()
    assert project.left_over() == []
    wait_until_gone(project, 5)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_cleans_up(project: Project, tmp_path: Path, number: signal.Signals, code: int) -> None:
    before, temporary = project.published(), tmp_path / "temporary"
    temporary.mkdir()
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    project.misbehave("slow")
    process = project.start("report", STUDY, TMPDIR=str(temporary))
    while project.executions() < 2:
        time.sleep(0.05)
    process.send_signal(number)
    run = finish(process)
    assert run.code == code, run
    assert "Traceback" not in run.err
    assert len(run.err.splitlines()) == 1
    assert (project.published(), project.left_over()) == (before, [])
    wait_until_gone(project, 1)
    assert list(temporary.glob("analysis-kernel-*")) == []


def test_two_runs_at_once_publish_one_version(project: Project) -> None:
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    runs = [finish(process) for process in [project.start("report", STUDY) for _ in range(2)]]
    assert [run.code for run in runs] == [0, 0], runs
    assert runs[0].last == runs[1].last
    assert len(project.versions()) == 2
    assert project.executions() == 2  # the published one and one of these
    first, second = sorted(runs, key=lambda run: "waiting for it" in run.out)
    assert ": published. " in first.out
    assert "another run of this study is going on" in second.out
    assert "is up to date" in second.out


def test_what_changes_during_a_run_is_not_published(project: Project) -> None:
    before = project.published()
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    project.misbehave("pause")
    process = project.start("report", STUDY)
    while project.executions() < 2:
        time.sleep(0.02)
    project.edit(PARAMETER_FILE, "0.9 ", "0.8 ")
    run = finish(process)
    assert run.code == 1
    assert "parameters changed while the report was running; run it again" in run.err
    assert project.published() == before


def test_nothing_to_do_imports_nothing_heavy(project: Project) -> None:
    code = (
        "import sys; from analysis import cli; code = cli.main(['report', sys.argv[1]]);"
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    command, own = [sys.executable, "-c", code, STUDY], project.environment()
    done = subprocess.run(command, cwd=project.root, env=own, capture_output=True, text=True, check=True)
    assert "is up to date" in done.stdout
    assert HEAVY & set(re.findall(r"'(\w+)'", done.stdout.splitlines()[-1])) == set()


def test_all_reports_continue_after_a_failure(project: Project) -> None:
    project.write("params/small/another.yml", PARAMETERS.replace("small policy raise", "other policy raise"))
    project.write("params/small/defective.yml", PARAMETERS.replace("0.95", "95"))
    run = project.run("reports")
    assert run.code == 2
    assert run.err.startswith("R302 STOP params/small/defective.yml:level")
    summary = [line.split() for line in run.out.split("\n\n")[1].splitlines()]
    assert [line[0] for line in summary] == ["published", "failed", "current"]
    assert re.fullmatch(r"reports/another/\S+/report\.html", summary[0][1])
    assert len(project.run("latest").out.splitlines()) == 2
    (project.root / "params/small/defective.yml").unlink()
    assert project.run("reports").code == 0


def test_the_index_is_written_anew_from_what_is_published(project: Project) -> None:
    index = project.root / "reports/index.html"
    before = index.read_bytes()
    index.unlink()
    run = project.run("index")
    assert (run.code, run.out) == (0, "reports/index.html\nreports/feed.xml\nreports/results.csv\n")
    assert index.read_bytes() == before


def test_numbers_of_the_latest_version(project: Project) -> None:
    run = project.run("numbers", STUDY)
    assert run.out.splitlines()[0].split("\t") == ["id", "estimate", "std_error", "low", "high", "unit"]
    assert run.out.splitlines()[1].split("\t")[:2] == ["att", "2.2200000000000006"]
    assert project.run("numbers", "nothing").err.startswith("R303 STOP STUDY=nothing — ")


def test_check_params_names_every_defective_file(project: Project) -> None:
    project.write("params/small/bad.yml", PARAMETERS.replace("higher", "more"))
    run = project.run("check-params")
    assert (run.code, run.out) == (2, f"{PARAMETER_FILE}: in order\n")
    assert run.err.startswith("R302 STOP params/small/bad.yml:better")


@pytest.mark.parametrize("arguments", [[], ["report"], ["report", STUDY, "--params", PARAMETER_FILE], ["rpeort"]])
def test_a_wrong_command_is_explained(published: Project, arguments: list[str]) -> None:
    run = published.run(*arguments)
    assert run.code == 2
    assert run.err.startswith("R302 STOP analysis") and run.err.count("\n") == 1


def test_a_stale_folder_of_a_killed_run_is_removed_but_not_another_studys(project: Project) -> None:
    staging = project.root / "reports/.staging"
    for name in (f"{STUDY}.old", f"{STUDY}-two.new"):
        (staging / name).mkdir(parents=True)
    runtime = Path(tempfile.mkdtemp(prefix="analysis-kernel-"))
    (staging / f"{STUDY}.old" / "runtime-folder").write_text(str(runtime))
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    assert project.report().code == 0
    assert [path.name for path in project.left_over()] == [f"{STUDY}-two.new"]
    assert not runtime.exists()


def test_a_user_with_a_long_temporary_folder_gets_a_report(published: Project, tmp_path: Path) -> None:
    own = copy(published, tmp_path / "project")
    long = tmp_path / ("t" * 90)
    long.mkdir()
    own.edit(PARAMETER_FILE, "0.95", "0.9")
    run = own.run("report", STUDY, TMPDIR=str(long))
    assert run.code == 0, run
    assert list(long.glob("analysis-kernel-*")) == []


def test_a_users_own_settings_do_not_reach_the_kernel(published: Project, tmp_path: Path) -> None:
    own = copy(published, tmp_path / "project")
    startup = tmp_path / "ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("raise SystemExit('the user had other plans')\nlevel = 0.1")
    kernels = tmp_path / "jupyter/kernels/python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "python"}')
    own.forget()
    settings = {"IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_DATA_DIR": str(tmp_path / "jupyter")}
    run = own.run("report", STUDY, **settings, PYTHONSTARTUP=str(startup / "00.py"), PYTHONHASHSEED="7")
    assert "reproduced here: 2 of 2" in run.out, run


def test_a_filter_is_checked_without_reading_data(project: Project) -> None:
    project.write(PARAMETER_FILE, f"{PARAMETERS}where: ['year > then']\n")
    run = project.run("check-params")
    assert run.code == 2 and f"{PARAMETER_FILE}:where — year holds numbers, not 'then'" in run.err
