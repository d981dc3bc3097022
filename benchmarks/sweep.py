"""`python -m benchmarks.sweep`: a sweep against as many runs of the full notebook, and a sweep killed at half.

Wall time, in a copy of the project, so that nothing published is touched. The notebook is run by Papermill, one
specification after the other, as anybody without the sweep would do it: K of the sweep's specifications, spread evenly,
each timed, and extrapolated to all of them (times their number over K). The sweep is run from nothing to the published
page. The kill is a SIGKILL to the sweep and its workers when half of the specifications are on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import process

SWEEP = "castle-doctrine-choices"
COPIED = ("src", "notebooks", "params", "requirements.lock", "pyproject.toml", "data/raw")
LISTED = """
import json, sys
from analysis.sweep import file
sweep = file.read(sys.argv[1])
runs, _ = sweep.combinations()
print(json.dumps([sweep.base.notebook, [{**sweep.base.values, **one.choices} for one in runs]]))
"""
# Papermill in a process of its own, as on its command line; the values are those of one specification.
PAPERMILL = """
import json, sys
import papermill
notebook, out, values = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
papermill.execute_notebook(notebook, out, values, kernel_name="python3", progress_bar=False)
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of wall time. notebooks: of each Papermill run; sweep: of the whole sweep with its page.

    total: specifications; killed_at: finished ones when it was killed; resumed: run after resuming, in `resumption` s.
    """

    notebooks: list[float]
    sweep: float
    total: int
    killed_at: int
    resumed: int
    resumption: float
    workers: int
    load: tuple[float, float]

    def lines(self) -> list[str]:
        """The result as ratios, with what they rest on."""
        k, each = len(self.notebooks), sum(self.notebooks) / len(self.notebooks)
        extrapolated = each * self.total
        spread = f"median {median(self.notebooks):.1f}, {min(self.notebooks):.1f} to {max(self.notebooks):.1f}"
        share = self.resumed / self.total
        return [
            f"{self.total} specifications, {self.workers} workers; load {self.load[0]:.1f} to {self.load[1]:.1f}",
            f"sequential Papermill: {k} runs timed, {each:.1f} s each ({spread})",
            f"sequential Papermill, all: {extrapolated:.0f} s (extrapolated: {each:.1f} s times {self.total})",
            f"sweep from nothing to its page: {self.sweep:.1f} s (measured)",
            f"ratio, sequential to sweep: {extrapolated / self.sweep:.1f}",
            f"killed with {self.killed_at} of {self.total} finished; run after resuming: {self.resumed} ({share:.2f})",
            f"resumed, with the page: {self.resumption:.1f} s, {self.resumption / self.sweep:.2f} of the whole sweep",
        ]


def main() -> int:
    """Measure, print, and return 1 where resuming ran a finished specification again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sweep", default=SWEEP)
    parser.add_argument("--runs", type=int, default=8, help="Papermill runs that are timed (8)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-sweep-") as name:
        found = measure(Path(name), chosen.sweep, chosen.runs, chosen.workers)
    print("\n".join(found.lines()))
    return int(found.resumed > found.total - found.killed_at)


def measure(folder: Path, sweep: str, runs: int, workers: int) -> Measured:
    """All of it in one session: notebooks and sweep take turns with the machine as it is."""
    copy = folder / "project"
    _copy(copy)
    notebook, values = _specifications(copy, sweep)
    before = os.getloadavg()[0]
    spread = iter(values[:: max(1, len(values) // (2 * runs))])
    times = _notebooks(copy, notebook, spread, runs // 2)
    begin = time.monotonic()
    _finish(_start(copy, sweep, workers))
    whole = time.monotonic() - begin
    times += _notebooks(copy, notebook, spread, runs - runs // 2)
    shutil.rmtree(copy / "reports")
    (copy / "reports").mkdir()
    killed = _killed(copy, sweep, workers, len(values) // 2)
    begin = time.monotonic()
    _finish(_start(copy, sweep, workers))
    spent = time.monotonic() - begin
    return Measured(
        times,
        whole,
        len(values),
        killed,
        len(_kept(copy, sweep)) - killed,
        spent,
        workers,
        (before, os.getloadavg()[0]),
    )


def _copy(copy: Path) -> None:
    for name in COPIED:
        source, target = process.ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copy2(source, target)
    (copy / "reports").mkdir()


def _environment(copy: Path) -> dict[str, str]:
    return process.environment({"PYTHONPATH": str(copy / "src"), "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"})


def _specifications(copy: Path, sweep: str) -> tuple[str, list[dict[str, object]]]:
    command = [process.OWN_PYTHON, "-c", LISTED, sweep]
    done = subprocess.run(command, cwd=copy, env=_environment(copy), capture_output=True, text=True, check=True)
    notebook, values = json.loads(done.stdout)
    return notebook, values


def _notebooks(copy: Path, notebook: str, values: Iterator[dict[str, object]], count: int) -> list[float]:
    """Seconds of `count` runs of the full notebook that came to their end; a choice that only a comparison may make is
    refused as a headline, and its run is not counted."""
    source, out, times = copy / "notebooks" / f"{notebook}.ipynb", copy / "reports" / ".one.ipynb", list[float]()
    while len(times) < count:
        command = [process.OWN_PYTHON, "-c", PAPERMILL, source, out, json.dumps(next(values))]
        begin = time.monotonic()
        done = subprocess.run(command, cwd=copy, env=_environment(copy), capture_output=True, check=False)
        seconds = time.monotonic() - begin
        times += [seconds] if done.returncode == 0 else []
        print(f"notebook {seconds:.1f} s{'' if done.returncode == 0 else ', refused'}", file=sys.stderr, flush=True)
    return times


def _start(copy: Path, sweep: str, workers: int) -> subprocess.Popen[bytes]:
    command = [process.OWN_PYTHON, "-m", "analysis.cli", "sweep", sweep, "--workers", str(workers)]
    return subprocess.Popen(
        command, cwd=copy, env=_environment(copy), stdout=subprocess.DEVNULL, start_new_session=True
    )


def _finish(running: subprocess.Popen[bytes]) -> None:
    if running.wait():
        raise RuntimeError(f"the sweep ended with exit code {running.returncode}")


def _kept(copy: Path, sweep: str) -> list[Path]:
    """Finished specifications on disk."""
    return list((copy / "reports" / ".state" / "sweeps" / sweep).glob("[0-9a-f]*.json"))


def _killed(copy: Path, sweep: str, workers: int, half: int) -> int:
    """Kill a sweep and its workers once `half` of its specifications are on disk; how many are."""
    running = _start(copy, sweep, workers)
    while len(_kept(copy, sweep)) < half and running.poll() is None:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    time.sleep(0.5)
    return len(_kept(copy, sweep))


if __name__ == "__main__":
    sys.exit(main())
