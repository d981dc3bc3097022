"""`python -m benchmarks`: measure everything, write benchmarks/results.md, print it. `make benchmark` calls it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import estimators, process, report_run, table
from benchmarks.tasks import TASKS

RESULTS = process.ROOT / "benchmarks" / "results.md"
SMALL, PART = "A quick check: too few rounds and too small for a verdict.", "A part of the tasks."


def main() -> int:
    """Returns 1 when a target is missed in a full run."""
    chosen = _arguments()
    names = [name for name in chosen.only if name not in ("estimators", "report")] or None
    halves = {name for name in chosen.only if name in ("estimators", "report")} or {"estimators", "report"}
    halves = {"estimators"} if names else halves
    if "estimators" in halves and not process.PEERS_PYTHON.is_file():
        print("The peers are not installed; `make benchmark` installs them.", file=sys.stderr)
        return 2
    series, times, load = [], None, [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        if "estimators" in halves:
            series = estimators.measure(folder, _sizes(chosen), _say, names)
            load.append(os.getloadavg()[0])
        if "report" in halves:
            times = report_run.measure(folder, 2 if chosen.small else 5, 3 if chosen.small else 10, _say)
            load.append(os.getloadavg()[0])
    whole = not chosen.small and not chosen.only and not chosen.units
    page = table.page(series, times, load, "" if whole else SMALL if chosen.small else PART)
    target = chosen.output or (RESULTS if whole else None)
    if target:
        target.write_text(page, encoding="utf-8")
    print("\n" + page)
    return int(not chosen.small and not all(holds for _, _, holds in table.targets(series, times)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a quick check: 2,000 units once, 2 rounds of the report")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WHAT",
        help=f"estimators, report, or the start of a task's name (may be given again): {'; '.join(TASKS)}",
    )
    parser.add_argument("--units", type=int, action="append", help="a panel size (may be given again)")
    parser.add_argument("--output", type=Path, help=f"where to write (default: {RESULTS.relative_to(process.ROOT)})")
    return parser.parse_args()


def _sizes(chosen: argparse.Namespace) -> dict[int, int]:
    if chosen.units:
        return {units: estimators.SIZES.get(units, 1) for units in sorted(chosen.units)}
    return {2_000: 1} if chosen.small else estimators.SIZES


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
