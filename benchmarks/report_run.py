"""A report against the same code as a plain script, and a report with nothing to do. CPU seconds, user + system.

The project is copied, so that nothing published is touched. The script is the notebook's code cells with the study's
parameters, one after the other; a report also starts a kernel, checks, renders and publishes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import process

STUDY = "medicaid-expansion"
NOTEBOOK = "difference_in_differences"
COPIED = ("src", "notebooks", "params", "requirements.lock", "pyproject.toml", "data/raw")
KERNEL = """
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
client.stop_channels()
manager.shutdown_kernel(now=True)
"""
PARAMETERS = """
import sys
from pathlib import Path
from analysis.run import parameters
values = parameters.load(Path(sys.argv[1])).values
print("\\n".join(f"{name} = {value!r}" for name, value in values.items()))
"""
Say = Callable[[str], None]


@dataclass
class Times:
    """CPU seconds of every round."""

    report: list[float] = field(default_factory=list)
    script: list[float] = field(default_factory=list)
    kernel: list[float] = field(default_factory=list)
    nothing: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> tuple[float, float, float]:
        """report / (script + kernel start): of the medians, and the extremes over rounds."""
        rounds = [r / (s + k) for r, s, k in zip(self.report, self.script, self.kernel, strict=True)]
        whole = median(self.report) / (median(self.script) + median(self.kernel))
        return whole, min(rounds), max(rounds)


def measure(folder: Path, rounds: int, repeats: int, say: Say) -> Times:
    """All rounds, interleaved, in a copy of the project under `folder`. Raises RuntimeError when a command fails."""
    copy = folder / "project"
    _copy(copy)
    script, kernel = copy / "script.py", copy / "kernel.py"
    script.write_text(_script(copy), encoding="utf-8")
    kernel.write_text(KERNEL, encoding="utf-8")
    times = Times()
    for number in range(rounds + 1):  # the first one compiles bytecode and is not counted
        shutil.rmtree(copy / "reports", ignore_errors=True)
        (copy / "reports").mkdir()
        seconds = [_run(copy, "-m", "analysis.cli", "report", STUDY), _run(copy, script), _run(copy, kernel)]
        if number:
            times.report.append(seconds[0])
            times.script.append(seconds[1])
            times.kernel.append(seconds[2])
            say("report {:.2f} s, script {:.2f} s, kernel start {:.2f} s".format(*seconds))
    times.nothing = [_run(copy, "-m", "analysis.cli", "report", STUDY) for _ in range(repeats)]
    say(f"report with nothing to do {median(times.nothing):.3f} s")
    return times


def _copy(copy: Path) -> None:
    for name in COPIED:
        source, target = process.ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copy2(source, target)


def _script(copy: Path) -> str:
    """The code cells as one script: the parameters of the study in place of the notebook's own."""
    notebook = json.loads((copy / "notebooks" / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8"))
    file = copy / "params" / NOTEBOOK / f"{STUDY}.yml"
    values = _finished(copy, "-c", PARAMETERS, file).out
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    tagged = ["parameters" in cell["metadata"].get("tags", []) for cell in cells]
    sources = ["".join(cell["source"]) for cell in cells]
    return "\n\n".join(values if own else source for own, source in zip(tagged, sources, strict=True)) + "\n"


def _finished(copy: Path, *arguments: str | Path) -> process.Finished:
    extra = {"PYTHONPATH": str(copy / "src"), "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = process.run([process.OWN_PYTHON, *arguments], folder=copy, extra=extra)
    if done.code:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: exit code {done.code}\n{done.err}")
    return done


def _run(copy: Path, *arguments: str | Path) -> float:
    return _finished(copy, *arguments).seconds
