"""One measurement = one fresh process: its CPU seconds, its time limit, the threads it may use.

This module, like the drivers that import it, loads nothing heavy: on Linux the peak memory of a child process starts
from that of the process that forked it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OWN_PYTHON = ROOT / ".venv" / "bin" / "python"
PEERS_PYTHON = ROOT / "benchmarks" / ".peers-venv" / "bin" / "python"
POOLS = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA", "RAYON", "POLARS")


@dataclass(frozen=True)
class Finished:
    """How a process ended: CPU seconds (user + system) of it and its descendants, output, and whether time ran out."""

    seconds: float
    code: int
    out: str
    err: str
    timed_out: bool


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment with one thread in every pool, a fixed hash seed and bytecode allowed."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")}
    threads = {f"{pool}_NUM_THREADS": "1" for pool in POOLS if pool != "POLARS"}
    fixed = {"POLARS_MAX_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1"}
    return {**kept, **threads, **fixed, **(extra or {})}


def run(
    command: Sequence[str | Path],
    *,
    folder: Path = ROOT,
    extra: Mapping[str, str] | None = None,
    limit: float = 240.0,
) -> Finished:
    """Run `command` in `folder`, stopped with its descendants after `limit` seconds of wall time."""
    child = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=environment(extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        os.killpg(child.pid, signal.SIGKILL)

    timer = threading.Timer(limit, stop)
    timer.start()
    try:
        out, err = _read(child)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        timer.cancel()
        if child.returncode is None:  # interrupted: it has a session of its own and would go on
            os.killpg(child.pid, signal.SIGKILL)
    return Finished(usage.ru_utime + usage.ru_stime, child.returncode, out, err, late.is_set())


def _read(child: subprocess.Popen[str]) -> tuple[str, str]:
    """All of standard output and standard error, read side by side so that neither pipe fills up."""
    assert child.stdout is not None
    assert child.stderr is not None
    errors: list[str] = []
    reader = threading.Thread(target=lambda pipe=child.stderr: errors.append(pipe.read()))
    reader.start()
    out = child.stdout.read()
    reader.join()
    return out, errors[0]
