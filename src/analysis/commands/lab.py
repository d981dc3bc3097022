"""`lab` and `notebook-diffs`: JupyterLab on this checkout, and git that shows notebooks cell by cell."""

from __future__ import annotations

import argparse
import os
import sys

from analysis import paths
from analysis.commands import Commands

START = "/lab/tree/notebooks/README.md?factory=Markdown%20Preview"


def add(commands: Commands) -> None:
    """Declare the commands."""
    lab = commands.add_parser("lab", help="open JupyterLab; its kernel imports this checkout")
    lab.add_argument("--port", type=int, default=0, help="a fixed port; the first free one without it")
    lab.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    lab.set_defaults(run=_lab)
    diffs = commands.add_parser("notebook-diffs", help="let git compare and merge notebooks cell by cell")
    diffs.add_argument("--off", action="store_true", help="back to git's own way")
    diffs.set_defaults(run=_diffs)


def _lab(chosen: argparse.Namespace) -> int:
    from analysis.run import notebook_diffs

    if notebook_diffs.possible() and not notebook_diffs.enabled():
        _enable()
    print("JupyterLab starts. Stop it with Ctrl-C here. After editing a file of src, restart the kernel.", flush=True)
    os.execve(sys.executable, _command(chosen), _environment())  # noqa: S606  (the process becomes JupyterLab's)


def _command(chosen: argparse.Namespace) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={paths.ROOT}",
        f"--LabApp.default_url={START}",
    ]
    command.append(f"--LabApp.app_settings_dir={paths.NOTEBOOKS / '.lab'}")
    command += [f"--ServerApp.port={chosen.port}", "--ServerApp.port_retries=0"] if chosen.port else []
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    command += ["--allow-root"] if as_root else []
    return command + (["--no-browser"] if chosen.no_browser else [])


def _environment() -> dict[str, str]:
    """What kernels inherit: this checkout's `src` first, compiled bytecode on, one thread as in a published run."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **threads, "PYTHONPATH": str(paths.SOURCE.parent), "PYTHONNOUSERSITE": "1"}


def _diffs(chosen: argparse.Namespace) -> int:
    from analysis.run import notebook_diffs

    if chosen.off:
        notebook_diffs.disable()
        print("git compares notebooks as text again")
        return 0
    _enable()
    return 0


def _enable() -> None:
    from analysis.run import notebook_diffs

    notebook_diffs.enable()
    print("git compares and merges notebooks cell by cell in this checkout (nbdime)", flush=True)
